"""A search honours both budgets, never sees the test part, and changes something only where it is proved."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.synchronize import Event

import numpy as np
import pytest

from ml_platform.adapters import tuning
from ml_platform.adapters.tuning import help_search, study_storage_url, tune
from ml_platform.errors import InsufficientData, UsageError
from ml_platform.evaluation.comparison.tuning import (
    DEFAULT,
    TUNED,
    TuningRecord,
    objective_of,
    tuned_minus_default,
    verdict_of,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.evaluator import TaskDetails
from ml_platform.evaluation.tasks.evaluators.proportion_regression import ProportionEvaluator
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.spec.model import FitRequest
from ml_platform.spec.search_space import Int
from ml_platform_tests.models.proportion_rows import (
    BEST_IS_DEFAULT,
    POLICY,
    fit,
    proportion_spec,
    proportion_training_set,
)

SPEC = proportion_spec()
ROWS = proportion_training_set()


def search(spec=SPEC, rows=ROWS, trials=6, seconds=60.0, seed=1, **more) -> TuningRecord:
    return tune(spec, rows, trials=trials, seconds=seconds, seed=seed, **more)


@pytest.fixture(scope="module")
def tuned() -> TuningRecord:
    return search(trials=14)


def tried(record: TuningRecord) -> list[tuple]:
    return [(t.number, t.state, t.value, t.blocks, t.parameters) for t in record.trials]


def test_a_planted_better_parameter_is_found_and_proved(tuned: TuningRecord) -> None:
    assert tuned.trials[0].parameters == {"learning_rate": 0.01}
    assert tuned.best["learning_rate"] > 0.2
    assert tuned.metric == "r2"
    assert tuned.verdict == TUNED
    assert tuned.difference.low > 0
    assert tuned.tuned_value.value - tuned.default_value.value == pytest.approx(
        tuned.difference.value
    )
    assert tuned.tuned_value.value > 0.5 > tuned.default_value.value
    assert "the lower bound is above 0" in tuned.why


def test_what_was_found_is_better_at_the_next_fit(tuned: TuningRecord) -> None:
    parts = objective_of(SPEC, ROWS)
    request = FitRequest(SPEC.seed, {**SPEC.defaults, **tuned.best})
    outcome = SPEC.fit(parts.holdout, request)
    assert outcome.parameters["learning_rate"] == tuned.best["learning_rate"]
    truth = parts.holdout.test["share"].to_numpy()
    wrong = truth - scorer_of(outcome.artifact).predict_proba(parts.holdout.test)[:, 0]
    by_hand = 1 - (wrong**2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert by_hand == pytest.approx(tuned.tuned_value.value, abs=1e-9)


def test_trials_that_cannot_win_are_pruned(tuned: TuningRecord) -> None:
    pruned = [trial for trial in tuned.trials if trial.state == "pruned"]
    assert pruned
    assert all(0 < len(trial.blocks) < 3 for trial in pruned)
    assert all(len(t.blocks) == 3 for t in tuned.trials if t.state == "complete")


def test_the_same_seed_makes_the_same_trials_and_another_seed_others() -> None:
    first, again, other = (search(trials=4, seed=seed) for seed in (1, 1, 2))
    assert tried(first) == tried(again)
    assert replace(first, trials=(), seconds=0) == replace(again, trials=(), seconds=0)
    assert tried(first)[0] == tried(other)[0]
    assert tried(first)[1:] != tried(other)[1:]


def test_the_test_part_is_never_looked_at(tuned: TuningRecord) -> None:
    poisoned = replace(ROWS, test=ROWS.test.assign(share=np.nan, size=np.inf, cluster_id=None))
    again = search(trials=14, rows=poisoned)
    assert tried(again) == tried(tuned)
    assert again.difference == tuned.difference


def test_the_search_does_not_look_at_the_holdout() -> None:
    parts = objective_of(SPEC, ROWS)
    inside = ROWS.train["row_id"].isin(parts.holdout.test["row_id"])
    poisoned = replace(ROWS, train=ROWS.train.assign(share=ROWS.train.share.mask(inside, 0.5)))
    values = objective_of(SPEC, poisoned)
    for block in range(3):
        assert values.on_block(block, {}) == parts.on_block(block, {})


def test_a_default_that_is_best_stays() -> None:
    record = search(BEST_IS_DEFAULT, trials=4)
    assert record.verdict == DEFAULT
    assert record.best == {"learning_rate": 0.3}
    assert record.difference == Estimate(0.0, 0.0, 0.0)
    assert record.why == "no trial of 4 is better on the blocks than the default"


def test_a_winner_that_is_not_proved_leaves_the_default() -> None:
    spec = proportion_spec((Int("leaves", 2, 6),), learning_rate=0.3, iterations=60)
    record = search(spec)
    assert record.best == {"leaves": 2}
    assert record.difference.value > 0
    assert record.difference.low <= 0
    assert record.verdict == DEFAULT
    assert "the lower bound is not above 0" in record.why


@pytest.mark.parametrize(("low", "verdict"), [(-0.1, DEFAULT), (0.0, DEFAULT), (1e-9, TUNED)])
def test_the_verdict_is_on_the_lower_bound(low: float, verdict: str) -> None:
    assert verdict_of(Estimate(0.2, low, 0.3), "r2")[0] == verdict


def test_the_difference_is_paired() -> None:
    resampled = np.linspace(0, 1, 1000)
    base = Replicates(0.5, resampled, np.linspace(0.4, 0.6, 50))
    better = Replicates(0.51, resampled + 0.01, base.left_out + 0.01)
    assert tuned_minus_default(better, base, "r2").low == pytest.approx(0.01)


def test_the_budget_of_trials_is_kept_and_continued() -> None:
    assert len(search(trials=1).trials) == 1
    assert len(search(trials=5).trials) == 5


def test_the_budget_of_seconds_is_kept() -> None:
    slow = replace(SPEC, fit=lambda rows, request: (time.sleep(0.1), fit(rows, request))[1])
    began = time.monotonic()
    record = search(slow, trials=1_000, seconds=1.5)
    assert 2 <= len(record.trials) < 10
    assert time.monotonic() - began < 5


def test_seconds_that_allow_no_trial_say_so() -> None:
    with pytest.raises(InsufficientData, match="None of the 0 trials"):
        search(seconds=1e-9)
    with pytest.raises(UsageError, match=r"0 trials in 60\.0 s are no budget"):
        search(trials=0)


def test_trials_that_lack_rows_fail_and_the_search_goes_on() -> None:
    def picky(rows, request):
        if request.parameters["leaves"] > 4:
            raise InsufficientData("too few", remedy="none")
        return fit(rows, request)

    spec = replace(proportion_spec((Int("leaves", 2, 8),)), fit=picky)
    record = search(spec)
    assert "failed" in {trial.state for trial in record.trials}
    assert record.best["leaves"] <= 4


def test_a_metric_that_is_not_defined_gives_way_to_that_of_the_next_gate() -> None:
    single = replace(ROWS, train=ROWS.train.assign(share=ROWS.train["adopted"], occasions=1.0))
    assert objective_of(SPEC, ROWS).metric == "r2"
    assert objective_of(SPEC, single).metric == "one_minus_mae"
    strange = replace(POLICY.quality[0], metric="never")
    with pytest.raises(InsufficientData, match=r"gates of toy \(never\) is defined"):
        objective_of(replace(SPEC, policy=replace(POLICY, quality=(strange,))), ROWS)


@pytest.mark.parametrize("part", ["not_applicable", "undefined"])
def test_a_metric_that_means_nothing_here_gives_way_too(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ProportionEvaluator, "details", lambda *_: TaskDetails(**{part: {"r2": "a reason"}})
    )
    assert objective_of(SPEC, ROWS).metric == "one_minus_mae"


def test_few_clusters_in_the_holdout_are_no_ground_for_a_change() -> None:
    users = ROWS.train["user_id"].str.slice(0, 2)
    with pytest.raises(InsufficientData, match="has 10 clusters; an interval needs 30"):
        search(rows=replace(ROWS, train=ROWS.train.assign(cluster_id=users)))


def _help(study: str, url: str, begun: "Event | None" = None) -> None:
    def signal_begun(_: str) -> None:
        assert begun is not None
        begun.set()

    help_search(SPEC, ROWS, study_name=study, storage_url=url, worker=1, progress=signal_begun)


@contextmanager
def _one_helper(study: str, url: str) -> Iterator[None]:
    """Another process, which has made its first trial before this one begins."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    helper = context.Process(target=_help, args=(study, url, begun))
    helper.start()
    assert begun.wait(30)
    yield
    helper.join()
    assert helper.exitcode == 0


def test_two_processes_share_a_study(database_url: str) -> None:
    url = study_storage_url(database_url)
    assert study_storage_url(database_url) == url
    record = search(trials=12, storage_url=url, helpers=lambda study: _one_helper(study, url))
    assert [trial.number for trial in record.trials] == list(range(12))
    assert record.trials[0].parameters == {"learning_rate": 0.01}
    assert {trial.worker for trial in record.trials} == {0, 1}
    assert "running" not in {trial.state for trial in record.trials}
    again = search(trials=12, storage_url=url)
    assert tried(again) == tried(record)
    assert again.difference == record.difference
    more = search(trials=14, storage_url=url)
    assert tried(more)[:12] == tried(record)
    assert len(more.trials) == 14


def test_the_tables_lie_beside_the_ledgers(database_url: str) -> None:
    url = study_storage_url(database_url)
    search(trials=1, storage_url=url)
    connection = tuning_connect(database_url)
    cursor = connection.cursor()
    cursor.execute("SELECT table_schema FROM information_schema.tables WHERE table_name = 'trials'")
    assert cursor.fetchall() == [(tuning.SCHEMA,)]
    connection.close()
    with pytest.raises(UsageError, match="no study nobody"):
        _help("nobody", url)


def tuning_connect(url: str):
    from ml_platform.adapters.database_urls import connect

    return connect(url)
