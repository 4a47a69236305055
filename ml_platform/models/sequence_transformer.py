"""The sequence transformer: a small causal encoder in the frame of the LSTM, on the same rows, to the same end.

It is held against the LSTM pairwise: where it is not better it is refused, and the record says so. The parameter
``encoder`` names a Hugging Face encoder by name or folder instead (`ml_platform.models.sequences.hugging_face`).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING

from ml_platform.features.step_features import TABLE
from ml_platform.models.recipe import recipe_of
from ml_platform.models.sequence_ngram import fit_baseline
from ml_platform.models.sequences.recipe import (
    LABEL_DELAY,
    OVER_CHAMPION,
    OVER_RULES,
    PLAN,
    SEARCH,
    SOON_GATE,
    NetRecipe,
)
from ml_platform.models.spec import (
    Bound,
    FairnessPolicy,
    FitRequest,
    GatePolicy,
    ModelSpec,
    QualityGate,
    Selected,
)
from ml_platform.models.standard_gates import FAIR_NEEDS, OVERCONFIDENCE, STANDARD
from ml_platform.models.task import Sequence

if TYPE_CHECKING:
    from ml_platform.models.spec import FitOutcome
    from ml_platform.training_sets.training_set import TrainingSet

RECIPE = NetRecipe(encoder="transformer")
OVER_LSTM = QualityGate(
    "over_lstm",
    "accuracy",
    Bound.RIVAL,
    0.0,
    "of two networks at the same cost the better one stays",
)
POLICY = GatePolicy(
    quality=(
        SOON_GATE,
        *OVER_RULES,
        OVER_LSTM,
        OVER_CHAMPION,
        FAIR_NEEDS,
        OVERCONFIDENCE,
        *STANDARD,
    )
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """Fit on the training part alone; on a CPU equal inputs, seed and code give the same bytes."""
    from ml_platform.models.sequences.fit import fit_network

    recipe = recipe_of(RECIPE, request.parameters)
    return fit_network(training_set, request, PLAN, recipe, LABEL_DELAY)


SPEC = ModelSpec(
    name="sequence_transformer",
    title="Sequence transformer",
    table=TABLE,
    task=Sequence(),
    label="next_step",
    label_delay=LABEL_DELAY,
    test_share=0.2,
    features=tuple(PLAN.features),
    policy=POLICY,
    seed=20260101,
    fit=fit,
    fit_rules=fit_baseline,
    defaults=asdict(RECIPE),
    search=SEARCH,
    carried=("workflow_soon",),
    rival="sequence_predictor",
    ceiling="sequence",
    kinds=("pytorch", "onnx"),
    fairness=FairnessPolicy(selected=Selected.FAVOUR),
)
