"""A seventh task and a metric of its own, defined wholly in this file: from its evaluation to its page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from ml_platform.arrays import Array
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.dimensions.registry import EvaluationContext, examinations, examine
from ml_platform.evaluation.evaluate import Origin, evaluate
from ml_platform.evaluation.metrics.sufficient_statistics import (
    SufficientStatistics,
    sums_by_cluster,
)
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.tasks import registry
from ml_platform.evaluation.tasks.adapter import (
    Gain,
    LoggedPredictions,
    MaturedPredictions,
    TaskAdapter,
)
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    GroupMetrics,
    Rate,
    no_classes,
    no_decision,
    no_lists,
)
from ml_platform.evaluation.tasks.registry import (
    adapter_of,
    evaluator_of,
    register_task,
    statistics_types,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.experiments.statistics import statistics_bytes, statistics_of
from ml_platform.gates.decide import decide
from ml_platform.gates.policy import policy_version
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.monitoring.performance.realised import check_performance
from ml_platform.monitoring.report import Performance
from ml_platform.prediction_log.scoring import outcomes_of, predicted
from ml_platform.reporting.evaluation import report_html
from ml_platform.spec import metrics
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.metric import Direction, Metric
from ml_platform.spec.metrics import declare_metric
from ml_platform.spec.model import Scorer
from ml_platform.spec.monitoring_policy import POLICY as WATCH
from ml_platform.spec.task import Task
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import AS_OF, make_training_set
from ml_platform_tests.evaluation.tasks.labelled import without_signal
from ml_platform_tests.gates.spoilt_reports import good_evidence

DEVIANCE = Metric(
    "poisson_deviance",
    "Poisson deviance",
    "Twice the mean log likelihood that a count lacks to a perfect prediction.",
    ("count_regression",),
    Direction.LOWER,
    high=None,
)
SKILL = Metric(
    "deviance_skill",
    "deviance skill",
    "1 less the deviance over that of the mean of the training rows.",
    ("count_regression",),
    low=None,
    steady=True,
)
COLUMN = "edits"


@dataclass(frozen=True, kw_only=True)
class CountRegression(Task):
    """An expected count, such as the edits of a file in a week."""

    name: ClassVar[str] = "count_regression"
    headline: tuple[str, ...] = ("deviance_skill", "poisson_deviance")


@dataclass(frozen=True)
class Constant:
    """The dummy scorer: the mean count of the training rows, for every row."""

    mean: float
    classes: tuple[str, ...] = (COLUMN,)

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full((len(rows), 1), self.mean)


@dataclass(frozen=True)
class CountStatistics:
    """Deviance of the scorer, deviance of the dummy one, and rows, by cluster."""

    sums: Array

    def metrics(self, totals: Array) -> dict[str, Array]:
        errors, dummy, rows = totals.T
        return {"poisson_deviance": errors / rows, "deviance_skill": 1.0 - errors / dummy}


def deviance(truth: Array, expected: Array) -> Array:
    logs = np.log(np.where(truth > 0, truth / expected, 1.0))
    return np.asarray(2.0 * (truth * logs - truth + expected))


@dataclass(frozen=True)
class CountEvaluator(Evaluator):
    @cached_property
    def dummy(self) -> Scorer:
        return Constant(float(self.training_set.train[COLUMN].mean()))

    def sufficient_statistics(self, predictions: Predictions) -> CountStatistics:
        test = self.training_set.test
        truth = test[COLUMN].to_numpy(dtype=np.float64)
        columns = (
            deviance(truth, predictions.values[:, 0]),
            deviance(truth, self.dummy.predict_proba(test)[:, 0]),
            np.ones(len(truth)),
        )
        return CountStatistics(sums_by_cluster(columns, self.rows.clusters, self.cluster_count))

    def ceiling(self, bayes_rule: pd.DataFrame) -> Predictions:
        return Predictions(bayes_rule[["probability"]].to_numpy(dtype=np.float64))

    def details(self, predictions: Predictions) -> TaskDetails:
        return TaskDetails()


def near(matured: MaturedPredictions) -> Array:
    return np.asarray(
        np.exp(-np.abs(matured.predicted.astype(float) - matured.outcome.astype(float)))
    )


@dataclass(frozen=True)
class CountAdapter(TaskAdapter[CountRegression]):
    bounded: ClassVar[bool] = False

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        return ("deviance_skill",)

    @property
    def gains(self) -> Mapping[str, Gain]:
        return {"deviance_skill": near}

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        return (CountStatistics,)

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        return CountEvaluator(training_set, rows)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        return NoDecisions("it predicts an expected count, not a class")

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        truth = training_set.test[COLUMN].to_numpy(dtype=np.float64)
        loss = np.abs(truth - predictions.values[:, 0])
        everywhere = np.ones(len(loss))
        return GroupMetrics(
            loss,
            everywhere > 0,
            "absolute error of the count",
            (Rate(ERROR, loss, everywhere, proportion=False),),
            not_applicable=no_lists() | no_classes() | no_decision("nobody is counted on"),
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        counts = np.array([f"{count:.0f}" for count in values[:, 0]], dtype=object)
        return LoggedPredictions(counts, np.ones(len(counts)))

    def row_errors(self, training_set: TrainingSet, values: Array, columns: np.ndarray) -> Array:
        return np.abs(values[:, 0] - training_set.test[COLUMN].to_numpy(dtype=np.float64))


@dataclass(frozen=True)
class Reads:
    """A scorer that expects the column ``x``, times ``slope``; 4 where it is missing, and never nothing."""

    slope: float = 1.0
    classes: tuple[str, ...] = (COLUMN,)

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        x = rows[["x"]].fillna(4.0).to_numpy(dtype=np.float64)
        return self.slope * np.clip(x, 0.05, 1e6)


POLICY = GatePolicy(
    quality=(
        QualityGate("skill", "deviance_skill", Bound.LIMIT, 0.3, "else the mean would do"),
        QualityGate("over_rules", "deviance_skill", Bound.BASELINE, 0.0, "rules are cheaper"),
        QualityGate("deviance", "poisson_deviance", Bound.AT_MOST, 2.0, "beyond it, noise"),
    ),
)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> TrainingSet:
    """The task and its metrics registered for one test, and rows whose count is Poisson around ``x``."""
    monkeypatch.setattr(registry, "_ADAPTERS", dict(registry._ADAPTERS))
    monkeypatch.setattr(metrics, "_DECLARED", dict(metrics._DECLARED))
    register_task(CountRegression, CountAdapter)
    declare_metric(DEVIANCE)
    declare_metric(SKILL)
    base, draw = make_training_set(), np.random.default_rng(2)

    def counted(rows: pd.DataFrame) -> pd.DataFrame:
        x = draw.gamma(2.0, 2.0, len(rows)) + 0.1
        return rows.assign(x=x, edits=draw.poisson(x).astype(np.float64))

    record = replace(base.record, label=COLUMN, classes=(COLUMN,), features=("x",))
    return TrainingSet(record, counted(base.train), counted(base.test))


def report_of(counts: TrainingSet, candidate: Scorer) -> EvaluationReport:
    spec = replace(
        SPEC,
        task=CountRegression(),
        label=COLUMN,
        features=("x",),
        monitored_metric="deviance_skill",
    )

    def examined(evaluator: Evaluator, predictions: Predictions):
        context = EvaluationContext(
            spec, counts, evaluator, candidate, predictions, seed=1, resamples=200
        )
        return examine(context, examinations(("robustness", "stability", "explanations")))

    return evaluate(
        counts,
        candidate=candidate,
        estimator=candidate,
        baseline=Reads(2.0),
        seed=1,
        task=CountRegression(),
        origin=Origin(
            AS_OF, AS_OF, live=True, artifact_sha256="a" * 64, policy_version=policy_version(POLICY)
        ),
        resamples=200,
        examine=examined,
    )


def test_it_is_evaluated_gated_and_shown(counts: TrainingSet) -> None:
    report = report_of(counts, Reads())
    values = report.candidate.metrics
    assert values["poisson_deviance"].value == pytest.approx(
        1.1, abs=0.1
    )  # about 1 a row, by chi-squared
    assert values["deviance_skill"].low > 0.5
    assert {dimension.name for dimension in report.dimensions} == {
        "robustness", "stability", "explanations",
    }  # fmt: skip
    decision = decide(report, POLICY, good_evidence())
    outcomes = {gate.name: gate.outcome.value for gate in decision.gates}
    assert {outcomes[name] for name in ("skill", "over_rules", "deviance")} == {"pass"}
    page = report_html(report, decision)
    assert "eviance skill" in page
    assert "Poisson deviance" in page


def test_a_scorer_without_skill_fails_its_gates(counts: TrainingSet) -> None:
    report = report_of(counts, Constant(4.0))
    outcomes = {
        gate.name: gate.outcome.value for gate in decide(report, POLICY, good_evidence()).gates
    }
    assert (outcomes["skill"], outcomes["deviance"]) == ("fail", "fail")


def test_without_signal_nothing_is_left_to_learn(counts: TrainingSet) -> None:
    spoilt = without_signal(counts, (COLUMN,), seed=1)
    statistics = evaluator_of(CountRegression(), spoilt).sufficient_statistics(
        Predictions(Reads().predict_proba(spoilt.test))
    )
    (skill,) = statistics.metrics(statistics.sums.sum(axis=0)[None])["deviance_skill"]
    assert skill < 0.0


def test_its_statistics_are_stored_by_an_experiment(counts: TrainingSet) -> None:
    predictions = Predictions(Reads().predict_proba(counts.test))
    statistics = evaluator_of(CountRegression(), counts).sufficient_statistics(predictions)
    stored = statistics_of(statistics_bytes({"baseline": statistics}))["baseline"]
    assert isinstance(stored, CountStatistics)
    assert np.array_equal(stored.sums, statistics.sums)


def test_statistics_under_a_name_that_is_taken_are_refused(
    counts: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    namesake = type("ClassStatistics", (CountStatistics,), {})
    monkeypatch.setattr(CountAdapter, "statistics_types", lambda: (namesake,))
    with pytest.raises(
        IntegrityError, match="'count_regression' has statistics of the class Class"
    ):
        statistics_types()


def test_it_is_logged_and_watched(counts: TrainingSet) -> None:
    task, rows = CountRegression(), counts.test
    logged = predicted(task, Reads(), rows)
    assert logged["predicted"].iloc[0] == f"{rows['x'].iloc[0]:.0f}"
    known = outcomes_of(task, rows, COLUMN, timedelta(days=7))
    assert known["label"].iloc[0] == str(rows[COLUMN].iloc[0])
    frame = logged.assign(outcome=known["label"].to_numpy())
    gain = adapter_of(task).gains["deviance_skill"]
    check = check_performance(None, frame, replace(WATCH, metric="deviance_skill"), gain)
    assert check.level is Performance.UNKNOWN
    assert check.current is not None
    assert 0.2 < check.current < 0.6


def test_an_undeclared_metric_of_an_evaluator_is_an_error_that_names_it(
    counts: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(metrics._DECLARED, "poisson_deviance")
    with pytest.raises(IntegrityError, match="'poisson_deviance' is not declared"):
        report_of(counts, Reads())
