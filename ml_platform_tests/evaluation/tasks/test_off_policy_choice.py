"""The evaluator of an off-policy choice over whole training sets: the model, its faults, and unusable logs."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.evaluate import evaluate
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.off_policy_choice import (
    POLICY_METRICS,
    OffPolicyEvaluator,
)
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.gates.outcome import Insufficiency, Outcome
from ml_platform.gates.quality import quality_gates
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.start_times.rules import fit_rules
from ml_platform.models.trigger_predictor import SPEC
from ml_platform.spec.model import FitRequest, Scorer
from ml_platform.spec.task import OffPolicyChoice
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.start_time_rows import synthetic_rows, training_set

(CALIBRATION,) = (gate for gate in SPEC.policy.quality if gate.name == "calibration")


@dataclass(frozen=True)
class Says:
    """A scorer that reads its answer off a column; ``turned``: the contrary of it."""

    column: str
    turned: bool = False
    classes: tuple[str, ...] = ("no", "yes")

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        yes = rows[self.column].to_numpy(dtype=np.float64)
        yes = 1 - yes if self.turned else yes
        return np.column_stack([1 - yes, yes])


@pytest.fixture(scope="module")
def known() -> TrainingSet:
    return training_set(synthetic_rows(6_000, seed=1))


def evaluator(known: TrainingSet) -> OffPolicyEvaluator:
    evaluator = evaluator_of(OffPolicyChoice(), known)
    assert isinstance(evaluator, OffPolicyEvaluator)
    return evaluator


def report(
    known: TrainingSet, candidate: Scorer, baseline: Scorer | None = None
) -> EvaluationReport:
    ceiling = known.test[["row_id"]].assign(prediction="", probability=known.test["truth"])
    return evaluate(
        known,
        candidate=candidate,
        estimator=candidate,
        baseline=baseline or scorer_of(fit_rules(known)),
        seed=1,
        task=OffPolicyChoice(),
        ceiling=ceiling,
        resamples=400,
    )


def true_value(known: TrainingSet, by: str, ascending: bool = False) -> float:
    """True success of the launches if each is started at the candidate with the highest ``by``."""
    rows = known.test.sort_values(["change_set_id", by, "slot"], ascending=[True, ascending, True])
    return float(rows.groupby("change_set_id").first()["truth"].mean())


def test_values_of_model_and_fixed_hour_are_the_true_ones(known: TrainingSet) -> None:
    fitted = SPEC.fit(known, FitRequest(SPEC.seed, SPEC.defaults))
    evaluation = report(known, scorer_of(fitted.artifact))
    rows = known.test.assign(told=fitted.estimator.predict_proba(known.test)[:, 1])
    hour = evaluator(known).fixed_hour
    rows = rows.assign(near=-(rows["slot"] - hour).abs())
    training_set = TrainingSet(known.record, known.train, rows)
    value, fixed = true_value(training_set, "told"), true_value(training_set, "near")
    metrics = evaluation.candidate.metrics
    assert metrics["policy_success"].low < value < metrics["policy_success"].high
    assert metrics["fixed_success"].low < fixed < metrics["fixed_success"].high
    assert metrics["relative_success"].low < value / fixed - 1 < metrics["relative_success"].high
    assert metrics["relative_success_ips"].value == pytest.approx(
        metrics["relative_success"].value, abs=0.1
    )
    assert evaluation.ceiling is not None
    ceiling = evaluation.ceiling.metrics["policy_success"].value
    assert metrics["policy_success"].value == pytest.approx(ceiling, abs=0.05)
    assert evaluation.dummy.metrics["roc_auc"].value == 0.5
    assert {table.title.split(":")[0] for table in evaluation.tables} == {
        "Policies, replayed on logged launches",
        "Logged propensities",
    }


def test_the_fixed_hour_is_that_of_the_training_part(known: TrainingSet) -> None:
    train = known.train
    hours = train.loc[train["chosen"] == 1, "logged_hour"]
    assert evaluator(known).fixed_hour == hours.mode().min()
    moved = TrainingSet(known.record, train, known.test.assign(logged_hour=3.0))
    assert evaluator(moved).fixed_hour == evaluator(known).fixed_hour


def test_gates_pass_a_good_policy_and_fail_the_worst_hour(known: TrainingSet) -> None:
    best, worst = report(known, Says("truth")), report(known, Says("truth", turned=True))
    gates = {gate.name: gate.outcome for gate in quality_gates(best, SPEC.policy)}
    assert gates["relative_success"] is gates["over_rules"] is gates["calibration"] is Outcome.PASS
    gates = {gate.name: gate.outcome for gate in quality_gates(worst, SPEC.policy)}
    assert gates["relative_success"] is gates["over_rules"] is Outcome.FAIL
    assert worst.candidate.metrics["relative_success"].high < 0


def test_a_scorer_that_is_not_calibrated_fails_where_the_rows_are_enough_to_say_so(
    known: TrainingSet,
) -> None:
    worst = report(known, Says("truth", turned=True))
    assert worst.candidate.metrics["expected_calibration_error"].low > CALIBRATION.limit
    enough = replace(
        SPEC.policy, minimum_test_rows=worst.rows, minimum_test_clusters=worst.clusters
    )
    gates = {gate.name: gate for gate in quality_gates(worst, enough)}
    assert gates["sample_size"].outcome is Outcome.PASS
    assert gates["calibration"].outcome is Outcome.FAIL
    for limit in ("minimum_test_rows", "minimum_test_clusters"):
        few = replace(enough, **{limit: getattr(enough, limit) + 1})
        gates = {gate.name: gate for gate in quality_gates(worst, few)}
        assert gates["sample_size"].outcome is gates["calibration"].outcome is Outcome.INSUFFICIENT
        assert gates["calibration"].insufficiency is Insufficiency.TOO_FEW_ROWS
        assert gates["relative_success"].outcome is gates["over_rules"].outcome is Outcome.FAIL


def test_the_outcome_model_has_not_seen_the_test_part(known: TrainingSet) -> None:
    turned = known.test["succeeded"].map({"yes": "no", "no": "yes"})
    other = TrainingSet(known.record, known.train, known.test.assign(succeeded=turned))
    one, two = evaluator(known).launches, evaluator(other).launches
    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.expected, two.expected)
    np.testing.assert_array_equal(one.success, 1 - two.success)


def without_logs(known: TrainingSet) -> TrainingSet:
    """Only the runs as they happened: one row each, without propensities."""
    parts = [
        part[part["chosen"] == 1].assign(propensity=np.nan).reset_index(drop=True)
        for part in (known.train, known.test)
    ]
    return TrainingSet(known.record, *parts)


def test_without_propensities_the_gate_is_insufficient(known: TrainingSet) -> None:
    evaluation = report(without_logs(known), Says("truth"))
    assert not set(POLICY_METRICS) & set(evaluation.candidate.metrics)
    assert {"roc_auc", "brier", "brier_skill", "log_loss"} <= set(evaluation.candidate.metrics)
    gate = {gate.name: gate for gate in quality_gates(evaluation, SPEC.policy)}["relative_success"]
    assert gate.outcome is Outcome.INSUFFICIENT
    assert "no launch has a logged propensity" in gate.explanation


def test_runs_without_propensity_beside_logged_ones_are_not_judged(known: TrainingSet) -> None:
    plain = known.test[known.test["chosen"] == 1].assign(propensity=np.nan, succeeded="no")
    for name in ("row_id", "change_set_id"):
        plain[name] = "m" + plain[name]
    mixed = TrainingSet(
        known.record, known.train, pd.concat([known.test, plain], ignore_index=True)
    )
    one, two = report(known, Says("truth")), report(mixed, Says("truth"))
    for name, estimate in one.candidate.metrics.items():
        assert two.candidate.metrics[name].value == pytest.approx(estimate.value), name


def test_wrong_propensities_make_the_replay_undefined_and_say_so(known: TrainingSet) -> None:
    halved = known.test.assign(propensity=known.test["propensity"] / 2)
    evaluation = report(TrainingSet(known.record, known.train, halved), Says("truth"))
    assert "relative_success" not in evaluation.candidate.metrics
    assert "do not fit the hours drawn" in evaluation.undefined["relative_success"]
    gate = {gate.name: gate for gate in quality_gates(evaluation, SPEC.policy)}["relative_success"]
    assert gate.outcome is Outcome.INSUFFICIENT
    assert not evaluator(known).undefined


def test_a_launch_at_no_candidate_is_refused(known: TrainingSet) -> None:
    first = known.test["change_set_id"].iloc[0]
    broken = known.test.assign(
        chosen=known.test["chosen"].where(known.test["change_set_id"] != first, 0.0)
    )
    wrong = evaluator(TrainingSet(known.record, known.train, broken))
    with pytest.raises(IntegrityError, match="were chosen"):
        wrong.sufficient_statistics(Predictions(np.full((len(broken), 2), 0.5)))


def test_a_ceiling_must_know_every_candidate(known: TrainingSet) -> None:
    bayes_rule = known.test[["row_id"]].assign(probability=0.5).iloc[1:]
    with pytest.raises(IntegrityError, match="1 of"):
        evaluator(known).ceiling(bayes_rule)


def test_order_of_rows_changes_nothing(known: TrainingSet) -> None:
    mixed = known.test.sample(frac=1, random_state=0).reset_index(drop=True)
    one = report(known, Says("truth"))
    two = report(TrainingSet(known.record, known.train, mixed), Says("truth"))
    assert one.candidate.metrics["relative_success"].value == pytest.approx(
        two.candidate.metrics["relative_success"].value
    )
    assert known.record.split.gap == timedelta(0)
