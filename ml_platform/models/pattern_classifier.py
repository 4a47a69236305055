"""The pattern classifier: which workflow category an event belongs to, from what is known when it happens.

A random forest over the event, its change set, its session and its user's history, with the words of its paths
and session target-encoded by class. Hyperparameters were chosen on the last blocks of time inside training parts,
never on a test part (docs/pattern_classifier.md).
"""

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_platform.features.pattern_features import PATTERN_FEATURES, TABLE
from ml_platform.models.encoding import EncodingPlan, TargetEncodedColumn
from ml_platform.models.hidden_markov_filter import ObservedWords
from ml_platform.models.hyperparameters import hyperparameters_of
from ml_platform.models.random_forest.fit import ForestHyperparameters, fit_forest_model
from ml_platform.models.rules import fit_rules
from ml_platform.spec.data_need import MINIMUM_TRAIN_ROWS, DataNeed
from ml_platform.spec.feature import FeatureSpec, Kind
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.label_place import LabelPlace
from ml_platform.spec.model import FitRequest, ModelSpec, ReferenceModel
from ml_platform.spec.search_space import Float, Int
from ml_platform.spec.standard_gates import (
    ACCURACY_OVER_CHAMPION,
    CALIBRATION,
    EVEN_FOLDS,
    OVERCONFIDENCE,
    STANDARD,
)
from ml_platform.spec.task import Classification

if TYPE_CHECKING:
    from ml_platform.spec.model import FitOutcome, Scorer
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(days=1)

TARGET_ENCODED = (
    TargetEncodedColumn("change_set_tokens", lists=True, per_change_set=True, jointly=True),
    TargetEncodedColumn("path_tokens", lists=True),
)
OBSERVED = (
    ObservedWords("session_tokens", (("t:", "tool"), ("|o:", "operation"))),
    ObservedWords("session_places", (("s:", "subfolder"), ("|x:", "extension"))),
)
EVENT_COLUMNS = ("tool", "operation", "subfolder", "extension")
"""What the event itself says; the rows of naive Bayes, the reference without any history."""
_MANY_VALUES = ("file_name", "subfolder")
"""Too many values for a rank to mean anything; their words are among the path's."""
_COVERED_BY_FILTER = (
    "lag1_tool",
    "lag1_operation",
    "lag1_extension",
    "lag1_folder",
    "lag2_tool",
    "lag2_operation",
    "lag2_extension",
    "lag2_folder",
    "lag3_operation",
    "session_position",
    "session_minutes",
    "same_tool_as_last",
    "same_folder_as_last",
    "run_length",
    "session_distinct_tools",
    "session_same_operation_share",
    "rate_1h_to_7d",
    "share_hour_7d",
)
"""The hidden Markov filter over `OBSERVED` covers them: without them validation accuracy is no lower."""
_LEFT_OUT = frozenset((*_MANY_VALUES, *_COVERED_BY_FILTER))


def encoding_plan(features: tuple[FeatureSpec, ...]) -> EncodingPlan:
    """Numbers as they are, categories by rank, and `TARGET_ENCODED` for those of its columns that exist."""
    names = {feature.name for feature in features}
    plain = [feature for feature in features if feature.name not in _LEFT_OUT]
    return EncodingPlan(
        numbers=tuple(f.name for f in plain if f.kind is Kind.NUMBER),
        categories=tuple(f.name for f in plain if f.kind is Kind.CATEGORY),
        target_encoded=tuple(column for column in TARGET_ENCODED if column.feature in names),
        observed=tuple(words for words in OBSERVED if words.feature in names),
    )


PLAN = encoding_plan(PATTERN_FEATURES)

HYPERPARAMETERS = ForestHyperparameters(
    trees=150,
    smallest_leaf=2,
    leaf_share=1 / 5000,
    drawn_share=0.6,
    drawn_most=15_000,
    change_set_weight_power=0.5,
    folds=5,
)

POLICY = GatePolicy(
    quality=(
        QualityGate(
            "accuracy",
            "accuracy",
            Bound.LIMIT,
            0.85,
            "below it, one suggestion in seven is about the wrong kind of work",
        ),
        QualityGate(
            "over_rules",
            "accuracy",
            Bound.BASELINE,
            0.0,
            "a model that does not beat two lookup tables is not worth its upkeep",
        ),
        ACCURACY_OVER_CHAMPION,
        CALIBRATION,
        OVERCONFIDENCE,
        *STANDARD,
        EVEN_FOLDS,
    ),
    minimum_test_rows=1_000,
    minimum_test_clusters=100,
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """Fit on the training part alone; the same training set, request and code give the same bytes."""
    hyperparameters = hyperparameters_of(HYPERPARAMETERS, request.parameters)
    return fit_forest_model(
        training_set, PLAN, hyperparameters, request.seed, LABEL_DELAY, request.progress
    )


def _fit_naive_bayes(training_set: "TrainingSet") -> "Scorer":
    from ml_platform.models.random_forest.references import fit_naive_bayes

    return fit_naive_bayes(training_set, EVENT_COLUMNS)


def _fit_filter(training_set: "TrainingSet") -> "Scorer":
    from ml_platform.models.random_forest.references import fit_filter

    return fit_filter(training_set, OBSERVED)


SPEC = ModelSpec(
    name="pattern_classifier",
    title="Pattern classifier",
    table=TABLE,
    task=Classification(),
    label="workflow_category",
    label_place=LabelPlace("events", "workflow_category"),
    needs=(DataNeed("events", "workflow_category", MINIMUM_TRAIN_ROWS, values=2),),
    ceiling_target="workflow_category",
    label_delay=LABEL_DELAY,
    test_share=0.2,
    features=tuple(PLAN.features),
    policy=POLICY,
    seed=20260101,
    fit=fit,
    fit_rules=fit_rules,
    defaults=asdict(HYPERPARAMETERS),
    search_space=(
        Int("smallest_leaf", 1, 10, log=True),
        Float("leaf_share", 1e-4, 2e-3, log=True),
        Float("drawn_share", 0.3, 0.9),
        Float("change_set_weight_power", 0.0, 1.0),
    ),
    references=(
        ReferenceModel("naive Bayes of the event alone", _fit_naive_bayes),
        ReferenceModel("hidden Markov filter over the events so far", _fit_filter),
    ),
    technologies=("scikitlearn", "onnx"),
    effort=40,
)
