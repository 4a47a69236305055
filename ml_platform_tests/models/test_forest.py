import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.adapters.artifact_files import load_scorer, write_artifact
from ml_platform.errors import InsufficientData
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.random_forest.fit import ForestHyperparameters, fit_forest_model
from ml_platform.models.rules import class_codes, fit_rules
from ml_platform.spec.model import FitOutcome
from ml_platform.spec.training_set import TrainingSet
from ml_platform.training_sets.time_split import some_sessions
from ml_platform_tests.models.pattern_rows import CLASSES, PLAN, synthetic_rows, training_set
from ml_platform_tests.models.renaming import renamed

HYPERPARAMETERS = ForestHyperparameters(
    trees=30,
    smallest_leaf=3,
    leaf_share=0.0,
    drawn_share=0.6,
    drawn_most=1_000,
    change_set_weight_power=0.5,
    folds=5,
)


def fit(data: TrainingSet, seed: int = 3, lines: list[str] | None = None) -> FitOutcome:
    progress = lines if lines is not None else []
    return fit_forest_model(data, PLAN, HYPERPARAMETERS, seed, timedelta(hours=1), progress.append)


@pytest.fixture(scope="module")
def fitted() -> tuple[TrainingSet, FitOutcome, list[str]]:
    data, lines = training_set(), []
    return data, fit(data, lines=lines), lines


def accuracy(scorer, rows: pd.DataFrame) -> float:
    truth = class_codes(rows, "workflow_category", CLASSES)
    return float(np.mean(scorer.predict_proba(rows).argmax(axis=1) == truth))


def test_the_artifact_answers_as_the_estimator_on_every_row(fitted):
    data, outcome, _ = fitted
    scorer = scorer_of(outcome.artifact)
    for rows in (data.train, data.test):
        served, wanted = scorer.predict_proba(rows), outcome.estimator.predict_proba(rows)
        assert np.abs(served - wanted).max() < 1e-6
        assert np.abs(served.sum(axis=1) - 1).max() < 1e-6
    assert scorer.classes == outcome.estimator.classes == CLASSES


def test_of_many_rows_it_learns_from_some_sessions_by_a_declared_rule():
    data = training_set()
    some = some_sessions(data.train, 800)
    assert 700 < len(some) < 900 < len(data.train)
    alone = fit(replace(data, train=some))
    limited = replace(HYPERPARAMETERS, most_rows=800)
    outcome = fit_forest_model(data, PLAN, limited, 3, timedelta(hours=1), lambda line: None)
    assert outcome.artifact.sha256 == alone.artifact.sha256


def test_it_beats_its_rules_by_following_the_session(fitted):
    data, outcome, _ = fitted
    assert accuracy(scorer_of(outcome.artifact), synthetic_rows(1_000, seed=9)) > 0.88
    assert accuracy(scorer_of(fit_rules(data)), synthetic_rows(1_000, seed=9)) < 0.75


def test_folds_say_what_new_rows_will_say(fitted):
    _, outcome, lines = fitted
    assert len(outcome.fold_metrics) == 5
    folds = np.mean([fold["accuracy"] for fold in outcome.fold_metrics])
    assert abs(folds - accuracy(outcome.estimator, synthetic_rows(1_000, seed=9))) < 0.03
    assert sum(line.startswith("fold ") for line in lines) == 5
    assert "encoded 1600 rows" in lines[0]


def test_confidence_is_believable_on_rows_never_seen(fitted):
    _, outcome, _ = fitted
    rows = synthetic_rows(1_000, seed=9)
    chances = outcome.estimator.predict_proba(rows)
    truth = class_codes(rows, "workflow_category", CLASSES)
    gap = chances.max(axis=1).mean() - np.mean(chances.argmax(axis=1) == truth)
    assert abs(gap) < 0.03


def test_odd_rows_are_answered(fitted):
    _, outcome, _ = fitted
    odd = pd.DataFrame(
        {
            "size": [np.nan],
            "tool": [None],
            "operation": ["never seen"],
            "words": [None],
            "session_tokens": [["?"] * 40],
        }
    )
    probabilities = scorer_of(outcome.artifact).predict_proba(odd)
    assert probabilities.shape == (1, 3)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-6)


def test_labels_at_random_give_the_accuracy_of_chance():
    data = training_set()
    shuffled = data.train["workflow_category"].sample(frac=1.0, random_state=5).to_numpy()
    blind = replace(data, train=data.train.assign(workflow_category=shuffled))
    outcome = fit(blind)
    folds = np.mean([fold["accuracy"] for fold in outcome.fold_metrics])
    assert abs(folds - 1 / 3) < 0.05
    assert abs(accuracy(outcome.estimator, synthetic_rows(1_000, seed=9)) - 1 / 3) < 0.06


def test_a_class_of_the_test_part_alone_keeps_its_column():
    data = training_set(100)
    wider = replace(data, record=replace(data.record, classes=("absent", *CLASSES)))
    outcome = fit(wider)
    probabilities = scorer_of(outcome.artifact).predict_proba(data.test)
    assert probabilities.shape == (len(data.test), 4)
    assert probabilities[:, 0].max() < 0.1
    assert np.abs(probabilities - outcome.estimator.predict_proba(data.test)).max() < 1e-6


def test_another_seed_is_another_artifact_but_the_same_is_the_same(fitted):
    data, outcome, _ = fitted
    assert fit(data).artifact.sha256 == outcome.artifact.sha256
    assert fit(data, seed=4).artifact.sha256 != outcome.artifact.sha256


def test_two_processes_give_the_same_bytes(fitted):
    _, outcome, _ = fitted
    code = (
        "from ml_platform_tests.models.test_forest import fit, training_set;"
        "import sys; sys.stdout.write(fit(training_set()).artifact.sha256)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == outcome.artifact.sha256


def test_it_is_served_from_its_folder(fitted, tmp_path):
    data, outcome, _ = fitted
    write_artifact(outcome.artifact, tmp_path / outcome.artifact.sha256)
    scorer = load_scorer(tmp_path / outcome.artifact.sha256, outcome.artifact.sha256)
    assert np.array_equal(
        scorer.predict_proba(data.test), scorer_of(outcome.artifact).predict_proba(data.test)
    )


def test_a_leaf_grows_with_the_rows_that_are_drawn():
    hyperparameters = replace(HYPERPARAMETERS, leaf_share=1 / 100)
    assert (hyperparameters.drawn(100), hyperparameters.leaf(100)) == (60, 3)
    assert (hyperparameters.drawn(1_000_000), hyperparameters.leaf(1_000_000)) == (1_000, 10)


def test_other_names_of_users_change_nothing(fitted):
    data, outcome, _ = fitted
    assert fit(renamed(data)).artifact.sha256 == outcome.artifact.sha256


def test_a_history_within_one_gap_is_refused():
    """198 rows of one day, and one nine days later: a tenth of the history is as long as that day."""
    data = training_set(60)
    with pytest.raises(InsufficientData, match=r"holds 5 rows, and no other row lies a gap"):
        fit(replace(data, train=data.train.iloc[:5]))
    hours = [*np.linspace(0, 12, 198), 9 * 24.0]
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(hours, unit="h")
    near = data.train.iloc[:199].assign(occurred_at=times)
    with pytest.raises(InsufficientData, match="at least 1 row must be left to fit on"):
        fit_forest_model(
            replace(data, train=near), PLAN, HYPERPARAMETERS, 3, timedelta(days=2), [].append
        )
