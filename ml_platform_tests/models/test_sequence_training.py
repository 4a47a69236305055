"""What a fitted network answers, and that equal inputs give equal bytes."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ml_platform
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.spec.model import FitOutcome, FitRequest, Scorer
from ml_platform.spec.training_set import CLUSTER, TrainingSet
from ml_platform_tests.models.nets import LSTM, PLAN, TRANSFORMER, accuracy, majority
from ml_platform_tests.models.step_rows import of_rows, synthetic_rows, training_set

GAP = timedelta(hours=12)


def fit(
    planted: TrainingSet, hyperparameters: NetworkHyperparameters, lines: list[str] | None = None
) -> FitOutcome:
    from ml_platform.models.sequences.fit import fit_network

    progress = (lines if lines is not None else []).append
    return fit_network(planted, FitRequest(1, {}, progress), PLAN, hyperparameters, GAP)


def train(planted: TrainingSet, hyperparameters: NetworkHyperparameters) -> Scorer:
    from ml_platform.models.sequences.fit import train_network

    return train_network(planted, FitRequest(1), PLAN, hyperparameters, GAP)[0]


@pytest.fixture(scope="module")
def planted() -> TrainingSet:
    return training_set(220)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return []


@pytest.fixture(scope="module")
def fitted(planted: TrainingSet, lines: list[str]) -> FitOutcome:
    return fit(planted, TRANSFORMER, lines)


@pytest.fixture(scope="module")
def lstm(planted: TrainingSet) -> FitOutcome:
    return fit(planted, LSTM)


def test_the_transformer_finds_the_third_last_step(planted, fitted):
    assert accuracy(fitted.estimator, planted.test) > majority(planted.train, planted.test) + 0.4


def test_the_lstm_finds_more_than_the_marginal(planted, lstm):
    assert accuracy(lstm.estimator, planted.test) > majority(planted.train, planted.test) + 0.4


def test_an_early_step_raises_the_alarm(planted, fitted):
    scorer = scorer_of(fitted.artifact)
    alarm = scorer.predict_proba(planted.test)[:, -1] >= scorer.threshold
    need = (planted.test["workflow_soon"] == "yes").to_numpy()
    assert 2 * (alarm & need).sum() / (alarm.sum() + need.sum()) > 0.5


@pytest.mark.parametrize("which", ["fitted", "lstm"])
def test_the_artifact_answers_as_the_estimator(which, planted, request):
    outcome = request.getfixturevalue(which)
    scorer = scorer_of(outcome.artifact)
    served, wanted = (
        scorer.predict_proba(planted.test),
        outcome.estimator.predict_proba(planted.test),
    )
    assert scorer.classes == outcome.estimator.classes == (*planted.record.classes, "soon")
    assert np.abs(served - wanted).max() < 1e-5
    assert served[:, :-1].sum(axis=1) == pytest.approx(np.ones(len(served)), abs=1e-5)
    assert scorer.threshold == outcome.estimator.threshold


@pytest.mark.parametrize("which", ["fitted", "lstm"])
def test_one_row_is_scored_and_no_row_at_all(which, planted, request):
    scorer = scorer_of(request.getfixturevalue(which).artifact)
    one = planted.test.iloc[:1]
    assert scorer.predict_proba(one).shape == (1, len(scorer.classes))
    assert scorer.predict_proba(one.iloc[:0]).shape == (0, len(scorer.classes))


def test_steps_and_words_that_were_never_seen_are_answered(planted, fitted):
    strange = planted.test.iloc[:3].copy()
    strange["steps"] = [["no:such"], [], None]
    answers = scorer_of(fitted.artifact).predict_proba(strange)
    assert np.isfinite(answers).all()


def test_the_order_of_the_steps_is_what_it_knows(planted):
    """Steps in a drawn order, in training and test: what is left is close to the marginal."""
    random = np.random.default_rng(3)
    mixed = pd.concat([planted.train, planted.test], ignore_index=True)
    mixed["steps"] = [list(random.permutation(steps)) for steps in mixed["steps"]]
    # The position in the session still tells where it ends.
    mixed = mixed[mixed["next_step"] != "end"].reset_index(drop=True)
    shuffled = of_rows(mixed)
    accuracy_when_shuffled = accuracy(train(shuffled, TRANSFORMER), shuffled.test)
    assert accuracy_when_shuffled < majority(shuffled.train, shuffled.test) + 0.2


def test_drawn_labels_teach_nothing():
    rows = synthetic_rows(220)
    rows["next_step"] = np.random.default_rng(4).permutation(rows["next_step"].to_numpy())
    drawn = of_rows(rows)
    accuracy_of_chance = accuracy(train(drawn, replace(TRANSFORMER, visits=8_000)), drawn.test)
    most = drawn.test["next_step"].value_counts(normalize=True).max()
    assert accuracy_of_chance < most + 0.05


def test_users_are_not_known_to_it(planted, fitted):
    rows = planted.test.assign(user_id="another", change_set_id="x")
    again = fitted.estimator.predict_proba(rows)
    assert (again == fitted.estimator.predict_proba(planted.test)).all()


def test_where_no_need_is_known_soon_is_never(planted):
    unknown = replace(planted, train=planted.train.assign(workflow_soon=None))
    trained = train(unknown, replace(TRANSFORMER, visits=2_000))
    assert not trained.predict_proba(planted.test)[:, -1].any()
    assert trained.threshold == 1.0


def test_several_networks_answer_by_their_mean_and_may_learn_the_newest_rows_too(planted):
    hyperparameters = replace(TRANSFORMER, visits=2_000, layers=1, members=2, again=True)
    outcome = fit(planted, hyperparameters)
    served = scorer_of(outcome.artifact).predict_proba(planted.test)
    assert np.abs(served - outcome.estimator.predict_proba(planted.test)).max() < 1e-5
    assert {epoch["member"] for epoch in outcome.fold_metrics} == {0.0, 1.0}


def test_training_leaves_torch_as_it_was(planted):
    import torch

    threads = torch.get_num_threads()
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    train(planted, replace(TRANSFORMER, visits=2_000))
    assert torch.rand(1) == wanted
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


def test_progress_tells_every_epoch(lines, fitted):
    assert fitted.parameters["encoder"] == "transformer"
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == len(fitted.fold_metrics)
    assert "[##" in epochs[-1]
    assert "validation loss" in epochs[-1]


def test_sessions_of_the_validating_block_are_not_trained_on(planted, lines, fitted):
    rows = planted.train[CLUSTER].nunique() * 12
    words = lines[0].split()
    assert int(words[0]) + int(words[3]) < rows


PROCESS = """
from ml_platform_tests.models.test_sequence_training import LSTM, TRANSFORMER, fit, training_set
print(*(fit(training_set(220), network).artifact.sha256 for network in (LSTM, TRANSFORMER)))
"""


def test_the_same_seed_gives_the_same_hash_in_two_processes(lstm, fitted):
    folder = Path(ml_platform.__file__).parents[1]
    process = subprocess.run(
        [sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True, cwd=folder
    )
    assert process.stdout.split() == [lstm.artifact.sha256, fitted.artifact.sha256]
