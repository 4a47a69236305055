"""The trigger predictor: how probable it is that a workflow succeeds if it is started at a given time.

Its rows are candidate start times; what it is worth is measured by off-policy evaluation of its choice of hour on
the logged runs (`ml_platform.evaluation.tasks.evaluators.off_policy_choice`), not by its fit to the past.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_platform.features.start_time_features import TABLE
from ml_platform.models.start_times.design import HOUR_COS, HOUR_SIN, UNIT
from ml_platform.models.start_times.fit import CLASSES, StartTimePlan, fit_start_time_model
from ml_platform.models.start_times.rules import fit_rules
from ml_platform.spec.data_need import MINIMUM_TRAIN_ROWS, DataNeed
from ml_platform.spec.feature import Kind
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.search_space import Float, Int
from ml_platform.spec.standard_gates import (
    EVEN_FOLDS,
    OVERCONFIDENCE,
    ROC_AUC_OVER_CHAMPION,
    STANDARD,
)
from ml_platform.spec.task import OffPolicyChoice

if TYPE_CHECKING:
    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(days=2)
"""A run starts within a day of the decision; one that takes longer than another is left out."""
_PLAIN = ("is_weekend", "weekday_sin", "weekday_cos")
_CIRCLES = (HOUR_SIN, HOUR_COS, "hour", "weekday")

PLAN = StartTimePlan(
    unbounded=tuple(
        feature.name
        for feature in TABLE.features
        if feature.kind is Kind.NUMBER and feature.high != 1 and feature.name not in _CIRCLES
    ),
    shares=tuple(
        feature.name
        for feature in TABLE.features
        if feature.kind is Kind.NUMBER
        and feature.high == 1
        and feature.name not in (*_PLAIN, *_CIRCLES)
    ),
    plain=_PLAIN,
    categories=("launch_trigger",),
)
FEATURES = (
    *(*PLAN.unbounded, *PLAN.shares, *PLAN.plain, HOUR_SIN, HOUR_COS, *PLAN.categories, UNIT),
)

POLICY = GatePolicy(
    quality=(
        QualityGate(
            "relative_success",
            "relative_success",
            Bound.LIMIT,
            0.20,
            "a fifth more successful runs than by a fixed hour is what the move is worth",
        ),
        QualityGate(
            "over_rules",
            "roc_auc",
            Bound.BASELINE,
            0.0,
            "a model that ranks times no better than a table of success rates is not worth its upkeep",
        ),
        QualityGate(
            "over_rules_success",
            "relative_success",
            Bound.BASELINE,
            0.0,
            "hours that succeed no more often than those of a table of success rates are not worth a model",
            decides=False,  # Not even the Bayes rule is shown above the rules at the default size (docs/adr/0013).
        ),
        ROC_AUC_OVER_CHAMPION,
        QualityGate(
            "calibration",
            "expected_calibration_error",
            Bound.AT_MOST,
            0.08,
            "a threshold on the probability of success is wrong by as much as the probability is",
        ),
        OVERCONFIDENCE,
        *STANDARD,
        EVEN_FOLDS,
    ),
    minimum_test_rows=1_000,
    minimum_test_clusters=100,
)


def fit(training_set: "TrainingSet", request: "FitRequest") -> "FitOutcome":
    """Fit on the training part alone; the same training set, parameters and code give the same bytes."""
    return fit_start_time_model(training_set, PLAN, request, LABEL_DELAY)


SPEC = ModelSpec(
    name="trigger_predictor",
    title="Trigger predictor",
    table=TABLE,
    task=OffPolicyChoice(),
    label="succeeded",
    ceiling_target="succeeded",
    label_delay=LABEL_DELAY,
    test_share=0.2,
    features=FEATURES,
    policy=POLICY,
    seed=20260104,
    fit=fit,
    fit_rules=fit_rules,
    defaults={"harmonics": 2, "unit_spread": 0.5, "hour_spread": 1.0},
    search_space=(
        Int("harmonics", 1, 4),
        Float("unit_spread", 0.1, 2.0, log=True),
        Float("hour_spread", 0.2, 4.0, log=True),
    ),
    extra_columns=("outcome", "chosen", "propensity", "logged_hour", "slot"),
    required_column="outcome",
    classes=CLASSES,
    needs=(DataNeed("workflow_executions", "status", MINIMUM_TRAIN_ROWS, values=2),),
    monitored_metric="one_minus_brier",
    technologies=("scikitlearn", "onnx"),
)
