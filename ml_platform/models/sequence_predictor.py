"""The sequence predictor: by an LSTM over a user's last ten steps, the next one, and whether a workflow is near.

Hyperparameters were chosen on the newest block of time of training parts, never on a test part.
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
    FairnessPolicy,
    FitRequest,
    GatePolicy,
    ModelSpec,
    Selected,
)
from ml_platform.models.standard_gates import FAIR_NEEDS, OVERCONFIDENCE, STANDARD
from ml_platform.models.task import Sequence

if TYPE_CHECKING:
    from ml_platform.models.spec import FitOutcome
    from ml_platform.training_sets.training_set import TrainingSet

RECIPE = NetRecipe(encoder="lstm")
POLICY = GatePolicy(
    quality=(SOON_GATE, *OVER_RULES, OVER_CHAMPION, FAIR_NEEDS, OVERCONFIDENCE, *STANDARD)
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """Fit on the training part alone; on a CPU equal inputs, seed and code give the same bytes."""
    from ml_platform.models.sequences.fit import fit_network

    recipe = recipe_of(RECIPE, request.parameters)
    return fit_network(training_set, request, PLAN, recipe, LABEL_DELAY)


SPEC = ModelSpec(
    name="sequence_predictor",
    title="Sequence predictor",
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
    ceiling="sequence",
    kinds=("pytorch", "onnx"),
    fairness=FairnessPolicy(selected=Selected.FAVOUR),
)
