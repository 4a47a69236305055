"""The evaluator of a detection equals scikit-learn; it is undefined without labels, and has a ceiling."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.evaluate import evaluate
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.detection import METRICS, DetectionEvaluator
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.gates.outcome import Outcome
from ml_platform.gates.quality import quality_gates
from ml_platform.models.anomaly_detector import SPEC
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Detection
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.session_rows import synthetic_rows, training_set


@dataclass(frozen=True)
class Says:
    """A scorer that reads its score off a column."""

    column: str
    threshold: float = 0.5
    classes: tuple[str, ...] = ("no", "yes")

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        yes = rows[self.column].to_numpy(dtype=np.float64)
        return np.column_stack([1 - yes, yes])


@pytest.fixture(scope="module")
def known() -> TrainingSet:
    rows = synthetic_rows(6_000, seed=2, share=0.05)
    draw = np.random.default_rng(3)
    truth = (rows["anomalous"] == "yes").to_numpy()
    rows["good"] = 1 / (1 + np.exp(-(3 * truth + draw.normal(size=len(rows)) - 2)))
    rows["poor"] = draw.random(len(rows))
    rows.loc[draw.random(len(rows)) < 0.1, "anomalous"] = None
    return training_set(rows)


def evaluator(known: TrainingSet) -> DetectionEvaluator:
    evaluator = evaluator_of(Detection(), known)
    assert isinstance(evaluator, DetectionEvaluator)
    return evaluator


def values(known: TrainingSet, threshold: float = 0.4) -> tuple[dict[str, float], np.ndarray]:
    """Metrics of the good scorer, and which test rows have a label."""
    predictions = Predictions(Says("good").predict_proba(known.test), threshold)
    sums = evaluator(known).sufficient_statistics(predictions)
    values = sums.metrics(sums.sums.sum(axis=0, keepdims=True))
    labelled = known.test["anomalous"].notna().to_numpy()
    return {name: float(value[0]) for name, value in values.items()}, labelled


def test_metrics_are_scikit_learns(known: TrainingSet) -> None:
    ours, labelled = values(known)
    rows = known.test[labelled]
    truth, score = (rows["anomalous"] == "yes").to_numpy(), rows["good"].to_numpy()
    alarm = score >= 0.4
    expected = {
        "precision": metrics.precision_score(truth, alarm),
        "recall": metrics.recall_score(truth, alarm),
        "f1": metrics.f1_score(truth, alarm),
        "specificity": metrics.recall_score(~truth, ~alarm),
        "false_alarm_rate": 1 - metrics.recall_score(~truth, ~alarm),
        "alarm_rate": alarm.mean(),
        "roc_auc": metrics.roc_auc_score(truth, score),
        "average_precision": metrics.average_precision_score(truth, score),
        "brier": metrics.brier_score_loss(truth, score),
        "one_minus_brier": 1 - metrics.brier_score_loss(truth, score),
        "log_loss": metrics.log_loss(truth, score),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, alarm),
        "matthews": metrics.matthews_corrcoef(truth, alarm),
    }
    for percent in (1, 2, 5):
        highest = np.argsort(-score)[: round(percent / 100 * len(score))]
        expected[f"precision_at_{percent}_percent"] = truth[highest].mean()
    assert set(ours) == set(expected) == set(METRICS)
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, abs=1e-12), name


def test_rows_without_a_label_do_not_count(known: TrainingSet) -> None:
    unlabelled = known.test["anomalous"].isna()
    assert unlabelled.any()
    test = known.test.assign(good=known.test["good"].where(~unlabelled, 1.0))
    assert values(replace(known, test=test))[0] == values(known)[0]


def report(known: TrainingSet, candidate: Scorer, baseline: Scorer) -> EvaluationReport:
    ceiling = known.test[["row_id"]].assign(
        prediction=np.where(known.test["good"] >= 0.3, "yes", "no"), probability=known.test["good"]
    )
    return evaluate(
        known,
        candidate=candidate,
        estimator=candidate,
        baseline=baseline,
        seed=1,
        task=SPEC.task,
        ceiling=ceiling,
        resamples=200,
    )


def test_the_report_compares_and_has_the_ceilings_alarms(known: TrainingSet) -> None:
    evaluation = report(known, Says("good"), Says("poor"))
    assert evaluation.difference_to_baseline["roc_auc"].low > 0.2
    assert evaluation.dummy.metrics["roc_auc"].value == 0.5
    assert evaluation.ceiling is not None
    expected, _ = values(known, threshold=0.3)
    assert evaluation.ceiling.metrics["recall"].value == pytest.approx(expected["recall"])
    assert evaluation.ceiling.metrics["recall"].value > evaluation.candidate.metrics["recall"].value
    (table,) = evaluation.tables
    assert [row[1] for row in table.rows] == [3, 7, 14, 27, 68]


def test_without_labels_every_metric_is_undefined_and_says_why(known: TrainingSet) -> None:
    silent = TrainingSet(
        known.record, known.train.assign(anomalous=None), known.test.assign(anomalous=None)
    )
    evaluation = report(silent, Says("good"), Says("poor"))
    assert evaluation.candidate.metrics == {}
    policy = replace(SPEC.policy, minimum_test_clusters=10)
    outcomes = {gate.name: gate for gate in quality_gates(evaluation, policy)}
    assert outcomes["sample_size"].outcome is Outcome.PASS
    for name in ("recall", "precision", "false_alarm_rate", "over_rules"):
        assert outcomes[name].outcome is Outcome.INSUFFICIENT
        assert "no reports of anomalies" in outcomes[name].explanation


def test_without_anomalies_it_is_undefined_too(known: TrainingSet) -> None:
    quiet = replace(known, test=known.test.assign(anomalous="no"))
    evaluation = report(quiet, Says("good"), Says("poor"))
    assert set(evaluation.undefined) == set(METRICS)
    assert evaluation.candidate.metrics == {}


def test_a_test_row_without_a_ceiling(known: TrainingSet) -> None:
    bayes_rule = known.test[["row_id"]].iloc[1:].assign(prediction="no", probability=0.1)
    with pytest.raises(IntegrityError, match="1 of 1500 test rows have no ceiling"):
        evaluator(known).ceiling(bayes_rule)
