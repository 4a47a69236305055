"""Every model of the platform, in the order in which they are trained (a challenged model after the one it
challenges).
"""

from ml_platform.errors import UsageError
from ml_platform.models.anomaly_detector import SPEC as ANOMALY_DETECTOR
from ml_platform.models.pattern_classifier import SPEC as PATTERN_CLASSIFIER
from ml_platform.models.sequence_ngram import SPEC as SEQUENCE_NGRAM
from ml_platform.models.sequence_predictor import SPEC as SEQUENCE_PREDICTOR
from ml_platform.models.sequence_transformer import SPEC as SEQUENCE_TRANSFORMER
from ml_platform.models.suggestion_scorer import SPEC as SUGGESTION_SCORER
from ml_platform.models.trigger_predictor import SPEC as TRIGGER_PREDICTOR
from ml_platform.models.workflow_recommender import SPEC as WORKFLOW_RECOMMENDER
from ml_platform.models.workflow_recommender_ease import SPEC as WORKFLOW_RECOMMENDER_EASE
from ml_platform.spec.model import ModelSpec

MODELS: tuple[ModelSpec, ...] = (
    PATTERN_CLASSIFIER,
    SUGGESTION_SCORER,
    SEQUENCE_NGRAM,
    SEQUENCE_PREDICTOR,
    SEQUENCE_TRANSFORMER,
    TRIGGER_PREDICTOR,
    WORKFLOW_RECOMMENDER,
    WORKFLOW_RECOMMENDER_EASE,
    ANOMALY_DETECTOR,
)


def spec_named(name: str) -> ModelSpec:
    """The model called ``name``.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    for spec in MODELS:
        if spec.name == name:
            return spec
    raise UsageError(
        f"There is no model {name!r}.", remedy=f"choose of {', '.join(s.name for s in MODELS)}"
    )
