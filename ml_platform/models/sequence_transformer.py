"""The sequence transformer: a small causal encoder in place of the LSTM, on the same rows, for the same task.

It challenges the LSTM: where its paired difference is not above 0 it is rejected, and the report says so. The
parameter ``encoder`` may name a Hugging Face encoder instead (`ml_platform.models.sequences.hugging_face`).
"""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ml_platform.models.sequence_predictor import SPEC as SEQUENCE_PREDICTOR
from ml_platform.models.sequence_predictor import fit_with_defaults
from ml_platform.models.sequences.hyperparameters import (
    OVER_RULES,
    SOON_GATE,
    NetworkHyperparameters,
)
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.standard_gates import (
    ACCURACY_OVER_CHAMPION,
    FAIR_NEEDS,
    OVERCONFIDENCE,
    STANDARD,
)

if TYPE_CHECKING:
    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet

HYPERPARAMETERS = NetworkHyperparameters(
    encoder="transformer",
    second=16,
    dropout=0.1,
    learning_rate=5e-3,
    visits=1_800_000,
    soon_weight=6.0,
)
OVER_LSTM = QualityGate(
    "over_lstm",
    "accuracy",
    Bound.CHALLENGED,
    0.0,
    "of two networks at the same cost the better one stays",
)
POLICY = GatePolicy(
    quality=(
        SOON_GATE,
        *OVER_RULES,
        OVER_LSTM,
        ACCURACY_OVER_CHAMPION,
        FAIR_NEEDS,
        OVERCONFIDENCE,
        *STANDARD,
    )
)


def fit(training_set: "TrainingSet", request: "FitRequest") -> "FitOutcome":
    """Fit on the training part alone; on a CPU equal inputs, seed and code give the same bytes."""
    return fit_with_defaults(training_set, request, HYPERPARAMETERS)


SPEC = replace(
    SEQUENCE_PREDICTOR,
    name="sequence_transformer",
    title="Sequence transformer",
    policy=POLICY,
    fit=fit,
    defaults=asdict(HYPERPARAMETERS),
    challenges="sequence_predictor",
    effort=120,
)
