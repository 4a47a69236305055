"""The anomaly detector: sessions unlike anything that their user, or anybody, does.

It is fitted on all sessions without labels, and evaluated on what people report. How often it raises an alarm is
chosen (`alarm_rate`), not inherited from a guess of how many anomalies there are.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_platform.features.session_features import TABLE
from ml_platform.models.isolation_forest.deviations import HIGH, LOW
from ml_platform.models.isolation_forest.rules import fit_rules
from ml_platform.models.one_standard_error import CHOSEN
from ml_platform.spec.data_need import ANY_EVENTS, DataNeed
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import ModelSpec, ReferenceModel
from ml_platform.spec.search_space import Int
from ml_platform.spec.standard_gates import (
    EVEN_FOLDS,
    EVERYWHERE,
    FAIR_ALARMS,
    ROC_AUC_OVER_CHAMPION,
)
from ml_platform.spec.task import NO, YES, Detection

if TYPE_CHECKING:
    from ml_platform.spec.model import FitOutcome, FitRequest, Scorer
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(days=1)
"""People tell of a session within a day of its end."""

SIDES = {
    "size_deviation": HIGH,
    "gap_mean": LOW,
    "gap_spread": LOW,
    "tool_entropy": HIGH,
    "night_share": HIGH,
    "unusual_work": HIGH,
    "unusual_step": HIGH,
    "unusual_transition": HIGH,
    "unusual_place": HIGH,
    "unusual_file": HIGH,
    "unusual_gap": LOW,
}
"""Features by the side that is suspicious: a session may be as short, slow and ordinary as it likes."""

ALARM_RATE = 0.0275
"""The share of the training sessions that are alarms."""

POLICY = GatePolicy(
    quality=(
        QualityGate(
            "recall",
            "recall",
            Bound.LIMIT,
            0.6,
            "a detector that misses two anomalies in five is not relied upon",
            decides=False,  # About a hundred anomalies: seven draws in ten repeat it (docs/adr/0013).
        ),
        QualityGate(
            "precision",
            "precision",
            Bound.LIMIT,
            0.5,
            "people stop looking at alarms of which most are false",
        ),
        QualityGate(
            "false_alarm_rate",
            "false_alarm_rate",
            Bound.AT_MOST,
            0.015,
            "three ordinary sessions in two hundred are the most that anybody will look into for nothing",
        ),
        QualityGate(
            "over_rules",
            "roc_auc",
            Bound.BASELINE,
            0.0,
            "a model that ranks sessions no better than three z-scores is not worth its upkeep",
        ),
        QualityGate(
            "over_rules_f1",
            "f1",
            Bound.BASELINE,
            0.0,
            "alarms must find more, or cost less, than those of three z-scores",
        ),
        ROC_AUC_OVER_CHAMPION,
        FAIR_ALARMS,
        *EVERYWHERE,
        EVEN_FOLDS,
    ),
    minimum_test_rows=1_000,
    minimum_test_clusters=100,
)


def fit(training_set: "TrainingSet", request: "FitRequest") -> "FitOutcome":
    """Fit on the training part alone; the same training set, parameters and code give the same bytes."""
    from ml_platform.models.isolation_forest.fit import fit_isolation

    return fit_isolation(training_set, SIDES, request, LABEL_DELAY)


def _fit_robust_z_scores(training_set: "TrainingSet") -> "Scorer":
    from ml_platform.models.isolation_forest.references import fit_robust_z_scores

    return fit_robust_z_scores(training_set, SIDES, ALARM_RATE)


SPEC = ModelSpec(
    name="anomaly_detector",
    title="Anomaly detector",
    table=TABLE,
    task=Detection(),
    label="anomalous",
    ceiling_target="anomalous",
    label_delay=LABEL_DELAY,
    test_share=0.2,
    features=tuple(SIDES),
    policy=POLICY,
    seed=20260106,
    fit=fit,
    fit_rules=fit_rules,
    defaults={"trees": 200, "samples": CHOSEN, "alarm_rate": ALARM_RATE},
    search_space=(Int("trees", 100, 400),),
    references=(ReferenceModel("largest robust z-score", _fit_robust_z_scores),),
    required_column="cluster_id",
    needs=(ANY_EVENTS, DataNeed("known_anomalies")),
    classes=(NO, YES),
    monitored_metric="one_minus_brier",
    technologies=("scikitlearn", "onnx"),
    fairness=FairnessPolicy(selected=Selected.BURDEN),
)
