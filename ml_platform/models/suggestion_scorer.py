"""The suggestion scorer: the share of the occasions of the next 14 days on which a user will take a suggestion.

Boosted trees on use (frequency, recency, success, similarity to the user's work) and on what became of
earlier offers. Hyperparameters were chosen on the last block of time inside training parts, never on a test part
(docs/suggestion_scorer.md).
"""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_platform.features.suggestion_features import SUGGESTION_FEATURES, TABLE
from ml_platform.models.encoding import EncodingPlan
from ml_platform.models.gradient_boosting.fit import (
    BoostingHyperparameters,
    BoostingPlan,
    fit_boosting,
)
from ml_platform.models.gradient_boosting.rules import fit_proportion_rules
from ml_platform.models.hyperparameters import hyperparameters_of
from ml_platform.spec.data_need import MINIMUM_TRAIN_ROWS, DataNeed
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.feature import Kind
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.label_place import LabelPlace
from ml_platform.spec.model import FitRequest, ModelSpec
from ml_platform.spec.search_space import Float, Int
from ml_platform.spec.standard_gates import EVEN_FOLDS, STANDARD
from ml_platform.spec.task import ProportionRegression

if TYPE_CHECKING:
    from ml_platform.spec.model import FitOutcome
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(days=15)
"""The 14 days of the label, and one for the last outcome in them."""

PLAN = BoostingPlan(
    encoding=EncodingPlan(
        numbers=tuple(f.name for f in SUGGESTION_FEATURES if f.kind is Kind.NUMBER),
        categories=tuple(f.name for f in SUGGESTION_FEATURES if f.kind is Kind.CATEGORY),
        target_encoded=(),
    ),
    repeats="round_shown",
    rising=(
        "runs_14d",
        "success_14d",
        "similarity",
        "round_accepted",
        "round_rate",
        "pair_accepted",
        "pair_rate",
        "user_rate_30d",
        "workflow_rate_30d",
    ),
    falling=("hours_since_run",),
)
"""Constraints on the direction of some features: nobody would understand a reason such as "accepted too often"."""
HYPERPARAMETERS = BoostingHyperparameters()

POLICY = GatePolicy(
    quality=(
        QualityGate(
            "r2",
            "r2",
            Bound.LIMIT,
            0.7,
            "below it, scores leave more than three tenths of the differences in adoption unexplained",
        ),
        QualityGate(
            "roc_auc",
            "roc_auc",
            Bound.LIMIT,
            0.7,
            "where adoption is one yes or no: below it a wanted suggestion ranks under an unwanted one "
            "three times in ten",
        ),
        QualityGate(
            "over_rules",
            "one_minus_mae",
            Bound.BASELINE,
            0.0,
            "a model that is no nearer than the pair's own acceptance rate is not worth its upkeep",
        ),
        QualityGate(
            "over_champion",
            "one_minus_mae",
            Bound.CHAMPION,
            -0.01,
            "a candidate may be no more than one point further off than what is in production",
        ),
        *STANDARD,
        EVEN_FOLDS,
    ),
    minimum_test_rows=1_000,
    minimum_test_clusters=100,
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """Fit on the training part alone; the same training set, request and code give the same bytes."""
    hyperparameters = hyperparameters_of(HYPERPARAMETERS, request.parameters)
    return fit_boosting(training_set, PLAN, hyperparameters, LABEL_DELAY, request)


SPEC = ModelSpec(
    name="suggestion_scorer",
    title="Suggestion scorer",
    table=TABLE,
    task=ProportionRegression(outcome="adopted"),
    label="adopted_share",
    label_place=LabelPlace(
        "suggestions",
        "outcome",
        "outcome_at",
        {"applied": "accepted", "dismissed": "dismissed"},
    ),
    ceiling_target="adopted_share",
    extra_columns=("adopted", "occasions"),
    label_delay=LABEL_DELAY,
    test_share=0.2,
    features=tuple(PLAN.encoding.features),
    policy=POLICY,
    seed=20260102,
    fit=fit,
    fit_rules=fit_proportion_rules,
    defaults=asdict(HYPERPARAMETERS),
    search_space=(
        Int("iterations", 100, 600, log=True),
        Float("learning_rate", 0.01, 0.1, log=True),
        Int("leaves", 7, 63, log=True),
        Int("smallest_leaf", 50, 1_000, log=True),
        Float("ridge", 0.5, 50.0, log=True),
        Float("column_share", 0.2, 1.0),
        Float("repeat_power", 0.0, 1.0),
    ),
    needs=(DataNeed("suggestions", "outcome", MINIMUM_TRAIN_ROWS, values=2),),
    monitored_metric="one_minus_mae",
    technologies=("scikitlearn", "onnx"),
    fairness=FairnessPolicy(selected=Selected.FAVOUR, threshold=0.3),
)
