"""The launch model: its columns, its artifact, what it learns; its rules."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import InsufficientData, IntegrityError
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.start_times.design import NumberColumns, StartTimeDesign, fit_design
from ml_platform.models.start_times.fit import FOLDS
from ml_platform.models.start_times.rules import fit_rules
from ml_platform.models.trigger_predictor import PLAN, SPEC
from ml_platform.spec.model import FitOutcome, FitRequest, Scorer
from ml_platform.spec.training_set import TrainingSet
from ml_platform.training_sets.time_split import Gap, row_folds
from ml_platform_tests.models.renaming import renamed
from ml_platform_tests.models.start_time_rows import synthetic_rows, training_set


@pytest.fixture(scope="module")
def known() -> TrainingSet:
    return training_set(synthetic_rows(3_000))


@pytest.fixture(scope="module")
def fitted(known: TrainingSet) -> FitOutcome:
    return SPEC.fit(known, FitRequest(SPEC.seed, SPEC.defaults))


def success(scorer: Scorer, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(scorer.predict_proba(rows)[:, 1])


def sha256() -> str:
    """The SHA-256 of an artifact fitted on synthetic rows; also run in another process."""
    small = training_set(synthetic_rows(300))
    return SPEC.fit(small, FitRequest(SPEC.seed, SPEC.defaults)).artifact.sha256


def test_an_infinite_number_is_answered_like_a_missing_one(
    known: TrainingSet, fitted: FitOutcome
) -> None:
    scorer = scorer_of(fitted.artifact)
    names = ("hour_sin", "hour_cos", "is_weekend", "runs_28d")
    missing = known.test.assign(**dict.fromkeys(names, np.nan))
    for value in (np.inf, -np.inf):
        infinite = known.test.assign(**dict.fromkeys(names, value))
        assert np.array_equal(scorer.predict_proba(infinite), scorer.predict_proba(missing))


def test_columns_by_hand() -> None:
    number = NumberColumns(
        "n", False, low=0.0, high=4.0, bend=2.0, centre=1.0, scale=2.0, missing=True
    )
    design = StartTimeDesign(
        (number,), (("launch_trigger", ("event",)),), ("is_weekend",), 2, ("a", "b"), ("flat",)
    )
    rows = pd.DataFrame(
        {
            "n": [3.0, np.nan, 9.0],
            "flat": [1.0, 7.0, np.nan],
            "launch_trigger": ["event", None, "manual"],
            "is_weekend": [1.0, 0.0, np.nan],
            "hour_sin": [1.0, 0.0, np.nan],
            "hour_cos": [0.0, -1.0, np.nan],
            "workflow": ["b", "c", None],
        }
    )
    columns, codes = design.transform(rows)
    # Line, bend, mark; event; weekend; then 1, cos, sin, cos 2, sin 2 at 6 and at 12 o'clock.
    np.testing.assert_allclose(columns[0], [1, 0.5, 0, 1, 1, 1, 0, 1, -1, 0], atol=1e-15)
    np.testing.assert_allclose(columns[1], [0, 0, 1, 0, 0, 1, -1, 0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(columns[2], [1.5, 1, 0, 0, 0, 1, 0, 0, 0, 0], atol=1e-15)
    assert codes.tolist() == [1, 2, 2]
    assert design.width == columns.shape[1]
    assert StartTimeDesign.from_file(design.to_file()) == design
    assert design.features["flat"] == "number"
    with pytest.raises(IntegrityError, match="flat"):
        design.transform(rows.drop(columns="flat"))


def test_many_rows_are_encoded_like_few(known: TrainingSet) -> None:
    design = fit_design(known.train, PLAN.unbounded, PLAN.shares, PLAN.plain, PLAN.categories, 2)
    rows = known.test.iloc[:200].copy()
    rows.loc[rows.index[::7], "workflow"] = None
    rows.loc[rows.index[::5], "workflow"] = "never seen"
    columns, codes = design.transform(rows)
    one_by_one = [design.transform(rows.iloc[[place]]) for place in range(len(rows))]
    np.testing.assert_array_equal(columns, np.concatenate([each[0] for each in one_by_one]))
    np.testing.assert_array_equal(codes, np.concatenate([each[1] for each in one_by_one]))
    as_category = rows.assign(workflow=rows["workflow"].astype("category"))
    np.testing.assert_array_equal(codes, design.transform(as_category)[1])


def test_artifact_answers_as_the_estimator(known: TrainingSet, fitted: FitOutcome) -> None:
    served = scorer_of(fitted.artifact)
    gap = np.abs(served.predict_proba(known.test) - fitted.estimator.predict_proba(known.test))
    assert gap.max() <= 1e-6
    assert served.classes == ("no", "yes")
    assert fitted.artifact.size_bytes < 100_000


def test_it_learns_each_workflows_hours(known: TrainingSet, fitted: FitOutcome) -> None:
    predicted = success(fitted.estimator, known.test)
    truth = known.test["truth"].to_numpy()
    assert np.sqrt(np.mean((predicted - truth) ** 2)) < 0.09
    rules = success(scorer_of(fit_rules(known)), known.test)
    assert np.mean((predicted - truth) ** 2) < np.mean((rules - truth) ** 2)


def test_an_unknown_workflow_has_the_common_pattern(known: TrainingSet, fitted: FitOutcome) -> None:
    served = scorer_of(fitted.artifact)
    rows = known.test.iloc[:50].assign(workflow="never seen")
    predicted = success(served, rows)
    assert np.isfinite(predicted).all()
    assert predicted.std() < success(served, known.test.iloc[:50]).std() / 2
    other = success(served, rows.assign(workflow=None))
    np.testing.assert_array_equal(predicted, other)


def test_shuffled_labels_teach_nothing(known: TrainingSet) -> None:
    train = known.train.copy()
    tried = train["succeeded"].notna().to_numpy()
    random = np.random.default_rng(0)
    train.loc[tried, "succeeded"] = random.permutation(train.loc[tried, "succeeded"].to_numpy())
    shuffled = TrainingSet(known.record, train, known.test)
    predicted = success(
        SPEC.fit(shuffled, FitRequest(SPEC.seed, SPEC.defaults)).estimator, known.test
    )
    assert abs(np.corrcoef(predicted, known.test["truth"])[0, 1]) < 0.3


def test_only_the_training_part_is_touched(known: TrainingSet, fitted: FitOutcome) -> None:
    poisoned = known.test.assign(succeeded="yes", workflow="poison", hour_sin=9.0)
    other = TrainingSet(known.record, known.train, poisoned)
    again = SPEC.fit(other, FitRequest(SPEC.seed, SPEC.defaults))
    assert again.artifact.sha256 == fitted.artifact.sha256


def test_same_bytes_in_another_process() -> None:
    code = (
        "import sys; from ml_platform_tests.models.test_trigger_predictor import sha256;"
        "sys.stdout.write(sha256())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == sha256()


def test_folds_are_later_than_what_they_are_judged_by(
    known: TrainingSet, fitted: FitOutcome
) -> None:
    rows = known.train[known.train["succeeded"].notna()]
    gap = timedelta(days=1)
    times = rows["occurred_at"].to_numpy()
    folds = list(row_folds(rows, 4, Gap(gap), start_blocks=1, quantile="linear"))
    assert len(folds) == len(fitted.fold_metrics) == 4
    for fold in folds:
        assert times[fold.fit].max() < times[fold.held_out].min() - np.timedelta64(1, "D")
    assert all(fold["roc_auc"] > 0.6 for fold in fitted.fold_metrics)


def test_a_missing_feature_is_named(known: TrainingSet, fitted: FitOutcome) -> None:
    with pytest.raises(IntegrityError, match="hours_since_last"):
        scorer_of(fitted.artifact).predict_proba(known.test.drop(columns="hours_since_last"))


def clock(hours: list[float]) -> dict[str, np.ndarray]:
    angle = np.array(hours) * np.pi / 12
    return {"hour_sin": np.sin(angle), "hour_cos": np.cos(angle)}


def test_rules_by_hand() -> None:
    rows = pd.DataFrame(
        {
            "succeeded": ["yes"] * 30 + ["no"] * 10 + [None],
            "workflow": ["a"] * 20 + ["b"] * 20 + ["a"],
            **clock([1.0] * 20 + [13.0] * 20 + [5.0]),
        }
    )
    known = training_set(synthetic_rows(60))
    rules = scorer_of(fit_rules(TrainingSet(known.record, rows, rows)))
    asked = pd.DataFrame({"workflow": ["a", "a", "b", "new"], **clock([2.0, 7.0, 12.0, 12.0])})
    # Overall 31/42; workflow a (20 + 10 x 31/42) / 30; its night (20 + 10 x that) / 30, its morning that.
    overall = 31 / 42
    of_a, of_b = (20 + 10 * overall) / 30, (10 + 10 * overall) / 30
    expected = [
        (20 + 10 * of_a) / 30,
        of_a,
        (10 + 10 * of_b) / 30,
        (10 + 10 * overall) / 30,
    ]
    np.testing.assert_allclose(success(rules, asked), expected, atol=1e-8)


def test_outcomes_that_are_all_the_same_are_refused_and_early_folds_of_them_left_out(
    known: TrainingSet,
) -> None:
    same = replace(known, train=known.train.assign(succeeded="yes"))
    with pytest.raises(InsufficientData, match="rows with a known succeeded are yes"):
        SPEC.fit(same, FitRequest(SPEC.seed, SPEC.defaults))
    failures = known.train.index[known.train["succeeded"] == "no"]
    late = known.train.drop(index=failures[: len(failures) // 2])
    outcome = SPEC.fit(replace(known, train=late), FitRequest(SPEC.seed, SPEC.defaults))
    assert 0 < len(outcome.fold_metrics) < FOLDS


def test_other_names_of_users_change_nothing(known: TrainingSet, fitted: FitOutcome) -> None:
    again = SPEC.fit(renamed(known), FitRequest(SPEC.seed, SPEC.defaults))
    assert again.artifact.sha256 == fitted.artifact.sha256
