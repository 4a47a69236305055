"""The examination as a whole: fires, is silent, is not applicable; mitigation and its price; every task."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform import values
from ml_platform.adapters.plugins import spec_named
from ml_platform.evaluation.dimensions.dimension import Dimension
from ml_platform.evaluation.dimensions.fairness.dimension import examine_fairness
from ml_platform.evaluation.dimensions.fairness.measures import KINDS, PROXY, SCORE
from ml_platform.evaluation.dimensions.registry import EvaluationContext, examinations, examine
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.model import FitOutcome, FitRequest
from ml_platform.spec.task import (
    Classification,
    Detection,
    OffPolicyChoice,
    Ranking,
    SequencePrediction,
)
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.dimensions.fairness.people import (
    Handed,
    examined,
    shares,
    users_of,
)
from ml_platform_tests.evaluation.examples import CLASSES, STRONG, make_training_set


@pytest.fixture(scope="module")
def fair() -> Dimension:
    rows, users = shares(users=400, rows=32_000)
    return examine_fairness(examined(rows, users, Handed(users)))


@pytest.fixture(scope="module")
def unfair() -> Dimension:
    rows, users = shares(users=400, rows=16_000)
    return examine_fairness(examined(rows, users, Handed(users, "team-2", 0.35)))


def test_equal_groups_pass_with_enough_data(fair: Dimension) -> None:
    assert fair.measures["error_gap"].high <= 0.1
    assert fair.measures["calibration_gap"].high <= 0.1
    assert fair.measures["selection_ratio"].low > 0.8
    assert fair.measures["equal_opportunity_difference"].high < 0.1
    assert fair.measures[SCORE].value > 9
    assert not any("mitigation" in table.title.lower() for table in fair.tables)
    assert not any("error_gap is shown" in finding for finding in fair.findings)


def test_a_scorer_that_is_worse_for_one_team_is_found_and_the_team_named(unfair: Dimension) -> None:
    assert unfair.measures["error_gap"].low > 0.1
    assert unfair.measures["selection_ratio"].high <= 0.8
    assert unfair.measures["equal_opportunity_difference"].low > 0.1
    assert unfair.measures["calibration_gap"].low > 0.1
    assert "team-2" in unfair.summary
    named = [finding for finding in unfair.findings if "error_gap is shown" in finding]
    assert len(named) == 1
    assert "team-2" in named[0]
    assert "team-2" in unfair.watch[0]
    assert unfair.measures[SCORE].value < 6


def test_thresholds_by_group_close_the_gap_and_tell_their_price(unfair: Dimension) -> None:
    (table,) = [t for t in unfair.tables if t.title.startswith("Mitigation tried")]
    by_threshold = {row[1]: row for row in table.rows if row[0] == "thresholds by group"}
    _, _, before, after, right, right_after, _, balanced_after = by_threshold["selection_ratio"]
    assert before < 0.7
    assert after > 0.85
    assert right_after != right
    assert balanced_after is not None
    thresholds = [
        dict(t.rows)
        for t in unfair.tables
        if t.title == "Mitigation: thresholds by group, for selection_ratio"
    ]
    assert len(thresholds) == 1
    lowest = min(thresholds[0], key=lambda group: thresholds[0][group])
    assert lowest.startswith("team-2")
    assert any("Thresholds by group: selection_ratio" in advice for advice in unfair.advice)


def test_what_weights_would_do_is_said_to_be_an_estimate(unfair: Dimension) -> None:
    (advice_line,) = [advice for advice in unfair.advice if advice.startswith("Reweighing")]
    assert "at most; what it costs only a new fit can tell" in advice_line


def test_a_cheap_model_is_fitted_again_to_the_weighed_rows() -> None:
    rows, users = shares(users=400, rows=8_000)
    subject = examined(rows, users, Handed(users, "team-2", 0.35))
    row_counts: list[int] = []

    def fit(training_set: TrainingSet, request: FitRequest) -> FitOutcome:
        row_counts.append(len(training_set.train))
        return FitOutcome(Handed(users), None, {}, (), 0.0)  # type: ignore[arg-type]

    policy = replace(subject.spec.fairness, refit=True, crossings=False)
    dimension = examine_fairness(
        replace(subject, spec=replace(subject.spec, fit=fit, fairness=policy))
    )
    assert row_counts
    assert all(0 < count < len(rows.train) for count in row_counts)
    assert any(a.startswith("Reweighing, fitted again: selection_ratio") for a in dimension.advice)


def test_a_feature_that_gives_the_team_away_is_named() -> None:
    rows, users = shares(users=200, rows=4_000)
    team = users.set_index("user_id")["team"]
    marked = [part.assign(floor=part["user_id"].map(team)) for part in (rows.train, rows.test)]
    record = replace(rows.record, features=("told", "floor"))
    subject = examined(TrainingSet(record, *marked), users, Handed(users))
    dimension = examine_fairness(subject)
    assert dimension.measures[PROXY].value == 1.0
    assert any(finding.startswith("floor gives team away") for finding in dimension.findings)
    assert not any(finding.startswith("told gives") for finding in dimension.findings)


def test_groups_too_small_are_listed_and_in_no_measure() -> None:
    rows, users = shares(users=30, rows=200)
    dimension = examine_fairness(examined(rows, users, Handed(users)))
    assert "error_gap" not in dimension.measures
    assert "INSUFFICIENT" in dimension.undefined["error_gap"]
    assert "INSUFFICIENT" in dimension.undefined[PROXY]
    groups = next(table for table in dimension.tables if table.title == "Groups")
    assert {row[4] for row in groups.rows} == {"INSUFFICIENT"}
    assert "INSUFFICIENT" in dimension.summary


@pytest.mark.parametrize("users", [None, pd.DataFrame(), pd.DataFrame({"user_id": ["stranger"]})])
def test_without_users_it_is_not_applicable(users: pd.DataFrame | None) -> None:
    rows, _ = shares(users=40, rows=200)
    dimension = examine_fairness(examined(rows, users, Handed(users_of(4))))
    assert set(dimension.not_applicable) == {*KINDS, PROXY, SCORE}
    assert dimension.measures == {}
    assert "the source has no team, region, tenure" in dimension.summary


def test_a_policy_without_groupings_is_not_applicable_and_says_so() -> None:
    rows, users = shares(users=40, rows=200)
    subject = examined(rows, users, Handed(users))
    ungrouped = replace(subject.spec, fairness=replace(subject.spec.fairness, groupings=()))
    dimension = examine_fairness(replace(subject, spec=ungrouped))
    assert set(dimension.not_applicable) == {*KINDS, PROXY, SCORE}
    assert "fairness policy names no attribute to group users by" in dimension.summary


def test_equal_inputs_give_equal_dimensions() -> None:
    rows, users = shares(users=100, rows=1_000)
    subject = examined(rows, users, Handed(users, "team-1", 0.4))
    first, second = (values.to_json(examine_fairness(subject)) for _ in range(2))
    assert first == second


def test_a_dimension_is_kept_as_it_is(unfair: Dimension) -> None:
    assert values.from_json(Dimension, values.to_json(unfair)) == unfair


def test_it_is_one_of_the_dimensions() -> None:
    rows, users = shares(users=40, rows=200)
    names = [
        d.name for d in examine(examined(rows, users, Handed(users)), examinations(["fairness"]))
    ]
    assert names == ["fairness"]


def test_a_category_is_no_decision_but_errors_count() -> None:
    rows = make_training_set(1_500)
    users = users_of(30, teams=1).assign(team=lambda u: np.where(u.index < 20, "big", "small"))
    spec = replace(
        spec_named("pattern_classifier"),
        fairness=FairnessPolicy(minimum_clusters=10),
        task=Classification(),
    )
    predictions = Predictions(STRONG.predict_proba(rows.test))
    evaluator = evaluator_of(spec.task, rows)
    dimension = examine_fairness(
        EvaluationContext(spec, rows, evaluator, STRONG, predictions, 0, users=users, resamples=200)
    )
    assert {"error_gap", "class_recall_gap", "calibration_gap"} <= set(dimension.measures)
    assert "no decision on a person" in dimension.not_applicable["selection_ratio"]
    classes = next(t for t in dimension.tables if t.title.startswith("The worst"))
    rates = {row[1] for row in classes.rows if row[0] == "class_recall_gap"}
    assert rates <= {f"recall of {name}" for name in CLASSES}


def test_every_model_says_what_being_selected_means() -> None:
    for spec in MODELS:
        expected = Selected.NEITHER
        if isinstance(spec.task, Detection):
            expected = Selected.BURDEN
        elif isinstance(spec.task, SequencePrediction) or spec.name == "suggestion_scorer":
            expected = Selected.FAVOUR
        assert spec.fairness.selected is expected, spec.name


def _frame(count: int, users: int = 80) -> pd.DataFrame:
    at = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(count), unit="min")
    user = [f"u{i % users}" for i in range(count)]
    rows = [f"r{i}" for i in range(count)]
    return pd.DataFrame(
        {
            "row_id": rows,
            "user_id": user,
            "cluster_id": user,
            "change_set_id": rows,
            "occurred_at": at,
            "told": np.random.default_rng(0).random(count),
        }
    )


class _Fixed:
    """Predictions with an array, one row a row asked."""

    def __init__(self, classes: tuple[str, ...], predictions: np.ndarray) -> None:
        self.classes, self.predictions = classes, predictions
        self.threshold = 0.5

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return self.predictions[: len(rows)]


def _subject(
    model: str, frame: pd.DataFrame, classes: tuple[str, ...], predictions: np.ndarray
) -> EvaluationContext:
    spec = spec_named(model)
    base = make_training_set(20)
    record = replace(base.record, label=spec.label, classes=classes, features=("told",))
    rows = TrainingSet(record, frame, frame)
    return EvaluationContext(
        spec,
        rows,
        evaluator_of(spec.task, rows),
        _Fixed(classes, predictions),
        Predictions(predictions, 0.5),
        0,
        users=users_of(80),
        resamples=200,
    )


def _two(chance: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - chance, chance])


def test_alarms_for_nothing_are_a_burden_that_one_team_bears() -> None:
    frame = _frame(6_000)
    generator = np.random.default_rng(3)
    anomalous = generator.random(6_000) < 0.1
    frame["anomalous"] = np.where(anomalous, "yes", "no")
    worse = (np.arange(6_000) % 80) % 4 == 1
    alarm = anomalous | (generator.random(6_000) < np.where(worse, 0.4, 0.05))
    subject = _subject("anomaly_detector", frame, ("no", "yes"), _two(alarm * 1.0))
    assert isinstance(subject.spec.task, Detection)
    dimension = examine_fairness(subject)
    assert dimension.measures["false_alarm_difference"].low > 0.1
    assert {"selection_ratio", "equal_opportunity_difference"} <= set(dimension.not_applicable)
    assert any(
        "false_alarm_difference is shown for team-" in finding for finding in dimension.findings
    )
    (table,) = [t for t in dimension.tables if t.title.startswith("Mitigation tried")]
    assert {row[1] for row in table.rows} >= {"false_alarm_difference"}


def test_unlabelled_rows_of_a_detector_are_insufficient() -> None:
    frame = _frame(400)
    frame["anomalous"] = None
    dimension = examine_fairness(
        _subject("anomaly_detector", frame, ("no", "yes"), _two(np.zeros(400)))
    )
    assert set(dimension.undefined) >= {"error_gap", "false_alarm_difference"}


def test_launch_times_are_compared_where_an_outcome_is_known() -> None:
    frame = _frame(4_000)
    generator = np.random.default_rng(5)
    good = generator.random(4_000) < 0.5
    frame["succeeded"] = np.where(generator.random(4_000) < 0.5, np.where(good, "yes", "no"), None)
    for name in ("outcome", "chosen", "propensity", "logged_hour", "slot"):
        frame[name] = np.nan
    subject = _subject("trigger_predictor", frame, ("no", "yes"), _two(np.full(4_000, 0.5)))
    assert isinstance(subject.spec.task, OffPolicyChoice)
    dimension = examine_fairness(subject)
    assert dimension.measures["error_gap"].value == 0
    assert dimension.measures["calibration_gap"].high < 0.3
    assert dimension.not_applicable["selection_ratio"] == "an hour is chosen, nobody is"


def test_lists_are_compared_by_gain_recall_and_rarity() -> None:
    frame = _frame(2_000)
    worse = (np.arange(2_000) % 80) % 4 == 2
    frame["next_used"] = [["a"]] * 2_000
    items = tuple("abcdefgh")
    predictions = np.tile(np.linspace(1.0, 0.1, 8), (2_000, 1))
    predictions[worse] = predictions[worse][:, ::-1]
    subject = _subject("workflow_recommender", frame, items, predictions)
    assert isinstance(subject.spec.task, Ranking)
    dimension = examine_fairness(subject)
    assert dimension.measures["error_gap"].low > 0.5
    assert dimension.measures["recall_gap"].low > 0.5
    assert "exposure_gap" in dimension.measures
    assert "team-2" in dimension.summary
    assert "no probability" in dimension.not_applicable["calibration_gap"]


def test_a_need_for_a_workflow_is_a_decision_the_next_step_is_not() -> None:
    frame = _frame(6_000)
    generator = np.random.default_rng(6)
    needed = generator.random(6_000) < 0.5
    frame["next_step"] = "a"
    frame["workflow_soon"] = np.where(needed, "yes", "no")
    missed = (np.arange(6_000) % 80) % 4 == 3
    soon = np.where(needed & ~(missed & (generator.random(6_000) < 0.6)), 0.9, 0.1)
    predictions = np.column_stack([np.full(6_000, 0.8), np.full(6_000, 0.2), soon])
    dimension = examine_fairness(_subject("sequence_ngram", frame, ("a", "b", "soon"), predictions))
    assert dimension.measures["error_gap"].value == 0
    assert dimension.measures["equal_opportunity_difference"].low > 0.4
    assert "class_recall_gap" in dimension.not_applicable
