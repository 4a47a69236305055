"""Is this file changed again within seven days? A random forest against two tables of shares."""

from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from changed_again.features import FEATURES, TABLE
from ml_platform.models.encoding import EncodingPlan
from ml_platform.models.hyperparameters import hyperparameters_of
from ml_platform.models.random_forest.fit import ForestHyperparameters, fit_forest_model
from ml_platform.models.rules import fit_rules
from ml_platform.spec.feature import Kind
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import FitOutcome, FitRequest, ModelSpec
from ml_platform.spec.standard_gates import EVEN_FOLDS, EVERYWHERE, OVERCONFIDENCE
from ml_platform.spec.task import Classification

if TYPE_CHECKING:
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(days=7)
PLAN = EncodingPlan(
    numbers=tuple(feature.name for feature in FEATURES if feature.kind is Kind.NUMBER),
    categories=tuple(feature.name for feature in FEATURES if feature.kind is Kind.CATEGORY),
    target_encoded=(),
)
HYPERPARAMETERS = ForestHyperparameters(
    trees=100,
    smallest_leaf=5,
    leaf_share=1 / 500,
    drawn_share=0.6,
    drawn_most=10_000,
    change_set_weight_power=0.5,
    folds=4,
)
POLICY = GatePolicy(
    quality=(
        QualityGate("accuracy", "accuracy", Bound.LIMIT, 0.6, "a coin is right every other time"),
        QualityGate(
            "over_rules",
            "accuracy",
            Bound.BASELINE,
            0.0,
            "what does not beat two tables of shares is not worth its upkeep",
        ),
        QualityGate(
            "over_champion",
            "accuracy",
            Bound.CHAMPION,
            -0.01,
            "a candidate may be one point worse than what is in production, no more",
        ),
        QualityGate(
            "calibration",
            "expected_calibration_error",
            Bound.AT_MOST,
            0.05,
            "whoever plans by the probability is wrong by as much as it is",
        ),
        OVERCONFIDENCE,
        *EVERYWHERE,
        EVEN_FOLDS,
    ),
    minimum_test_rows=500,
    minimum_test_clusters=100,
)


def fit(training_set: "TrainingSet", request: FitRequest) -> FitOutcome:
    """Fit on the training part alone; the same training set, request and code give the same bytes."""
    chosen = hyperparameters_of(HYPERPARAMETERS, request.parameters)
    return fit_forest_model(training_set, PLAN, chosen, request.seed, LABEL_DELAY, request.progress)


SPEC = ModelSpec(
    name="changed_again",
    title="Changed again within a week",
    table=TABLE,
    task=Classification(),
    label="changed_again",
    label_delay=LABEL_DELAY,
    test_share=0.2,
    features=tuple(PLAN.features),
    policy=POLICY,
    seed=20260201,
    fit=fit,
    fit_rules=partial(fit_rules, keys=(("recency", "operation"), ("path_kind",))),
    defaults=asdict(HYPERPARAMETERS),
    technologies=("scikitlearn", "onnx"),
)
