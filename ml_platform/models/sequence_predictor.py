"""The sequence predictor: an LSTM over a user's last ten steps.

It predicts the next step, and whether a workflow is needed soon.

Hyperparameters were chosen on the newest block of time of training parts, never on a test part.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

from ml_platform.features.step_features import TABLE
from ml_platform.models.hyperparameters import hyperparameters_of
from ml_platform.models.sequence_ngram import fit_baseline
from ml_platform.models.sequences.hyperparameters import (
    LABEL_DELAY,
    LARGEST_CLASS_SHARE,
    OVER_RULES,
    PLAN,
    SEARCH,
    SOON_GATE,
    NetworkHyperparameters,
)
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.gates import GatePolicy
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.standard_gates import (
    ACCURACY_OVER_CHAMPION,
    FAIR_NEEDS,
    OVERCONFIDENCE,
    STANDARD,
)
from ml_platform.spec.task import SequencePrediction

if TYPE_CHECKING:
    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet

HYPERPARAMETERS = NetworkHyperparameters(encoder="lstm")
POLICY = GatePolicy(
    quality=(
        SOON_GATE,
        *OVER_RULES,
        ACCURACY_OVER_CHAMPION,
        FAIR_NEEDS,
        OVERCONFIDENCE,
        *STANDARD,
    )
)


def fit(training_set: "TrainingSet", request: "FitRequest") -> "FitOutcome":
    """Fit on the training part alone; on a CPU equal inputs, seed and code give the same bytes."""
    return fit_with_defaults(training_set, request, HYPERPARAMETERS)


def fit_with_defaults(
    training_set: "TrainingSet", request: "FitRequest", defaults: NetworkHyperparameters
) -> "FitOutcome":
    """A network of the inputs in `PLAN`, with ``defaults`` for what ``request`` does not set."""
    from ml_platform.models.sequences.fit import fit_network

    hyperparameters = hyperparameters_of(defaults, request.parameters)
    return fit_network(training_set, request, PLAN, hyperparameters, LABEL_DELAY)


SPEC = ModelSpec(
    name="sequence_predictor",
    title="Sequence predictor",
    table=TABLE,
    task=SequencePrediction(),
    label="next_step",
    label_delay=LABEL_DELAY,
    largest_class_share=LARGEST_CLASS_SHARE,
    test_share=0.2,
    features=tuple(PLAN.features),
    policy=POLICY,
    seed=20260101,
    fit=fit,
    fit_rules=fit_baseline,
    defaults=asdict(HYPERPARAMETERS),
    search_space=SEARCH,
    extra_columns=("workflow_soon",),
    ceiling_target="next_step",
    technologies=("pytorch", "onnx"),
    effort=80,
    fairness=FairnessPolicy(selected=Selected.FAVOUR),
)
