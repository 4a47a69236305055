"""The back-off n-gram as a model of its own: what followed the same last steps, and how often a run came soon.

The baseline of the sequence networks; its own baseline is the most frequent successor of the last step alone.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_platform.features.step_features import TABLE
from ml_platform.models.hyperparameters import hyperparameters_of
from ml_platform.models.sequences.hyperparameters import LARGEST_CLASS_SHARE
from ml_platform.models.sequences.ngram import FEATURES
from ml_platform.models.sequences.ngram_fit import SOON_LABEL, NgramHyperparameters, fit_ngram
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import FitRequest, ModelSpec
from ml_platform.spec.search_space import Float, Int
from ml_platform.spec.standard_gates import (
    ACCURACY_OVER_CHAMPION,
    CALIBRATION,
    FAIR_NEEDS,
    OVERCONFIDENCE,
    STANDARD,
)
from ml_platform.spec.task import SequencePrediction

if TYPE_CHECKING:
    from ml_platform.spec.artifact import Artifact
    from ml_platform.spec.model import FitOutcome
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(hours=2)
"""Three pauses of half an hour, and one more until the session is known to be over."""
HYPERPARAMETERS = NgramHyperparameters()
LAST_STEP = NgramHyperparameters(order=1)

POLICY = GatePolicy(
    quality=(
        QualityGate(
            "over_rules",
            "accuracy",
            Bound.BASELINE,
            0.0,
            "contexts that predict no better than the last step are not worth their memory",
        ),
        ACCURACY_OVER_CHAMPION,
        CALIBRATION,
        FAIR_NEEDS,
        OVERCONFIDENCE,
        *STANDARD,
    ),
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """Count the training part; nothing is drawn, so the seed has no say."""
    hyperparameters = hyperparameters_of(HYPERPARAMETERS, request.parameters)
    return fit_ngram(training_set, request, hyperparameters, LABEL_DELAY)


def fit_rules(training_set: "TrainingSet") -> "Artifact":
    """The most frequent successor of the last step."""
    return fit_ngram(training_set, FitRequest(seed=0), LAST_STEP, LABEL_DELAY).artifact


def fit_baseline(training_set: "TrainingSet") -> "Artifact":
    """The n-gram as the rules of another sequence model."""
    return fit_ngram(training_set, FitRequest(seed=0), HYPERPARAMETERS, LABEL_DELAY).artifact


SPEC = ModelSpec(
    name="sequence_ngram",
    title="Back-off n-gram",
    table=TABLE,
    task=SequencePrediction(),
    label="next_step",
    label_delay=LABEL_DELAY,
    largest_class_share=LARGEST_CLASS_SHARE,
    test_share=0.2,
    features=tuple(FEATURES),
    policy=POLICY,
    seed=20260101,
    fit=fit,
    fit_rules=fit_rules,
    defaults=vars(HYPERPARAMETERS),
    search_space=(Int("order", 2, 12), Int("minimum", 1, 5), Float("discount", 0.0, 0.9)),
    extra_columns=(SOON_LABEL,),
    ceiling_target="next_step",
    technologies=("numpy",),
    fairness=FairnessPolicy(selected=Selected.FAVOUR),
)
