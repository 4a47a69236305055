"""The challenger of the workflow recommender: EASE on the same table, evaluated on the same rows."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform.models.one_standard_error import CHOSEN
from ml_platform.models.recommenders.fit import Family, Learned, fit_recommender
from ml_platform.models.recommenders.user_vectors import NEARLY_NONE
from ml_platform.models.workflow_recommender import POLICY
from ml_platform.models.workflow_recommender import SPEC as RECOMMENDER
from ml_platform.spec.gates import Bound, QualityGate
from ml_platform.spec.model import FitRequest, Parameter

if TYPE_CHECKING:
    from scipy import sparse

    from ml_platform.models.recommenders.fit import Parameters
    from ml_platform.models.recommenders.user_vectors import UserVectors
    from ml_platform.spec.model import FitOutcome
    from ml_platform.spec.training_set import TrainingSet

DEFAULTS: Mapping[str, Parameter] = MappingProxyType(
    {
        "penalty": CHOSEN,
        "prior_weight": CHOSEN,
        "recency": 0.0,
        "growth": 1.0,
        "shrinkage": 0.3,
        "choose": True,
    }
)
"""``choose``: whether what is left to the fit is chosen on the newest block; else it takes its usual value."""


def _learn(
    matrix: "sparse.csr_matrix", vectors: "UserVectors", parameters: "Parameters", seed: int
) -> Learned:
    from ml_platform.models.recommenders.item_weights import ItemWeightsScorer, fit_weights

    weights = fit_weights(matrix, vectors.items, float(parameters["penalty"]))
    scorer = ItemWeightsScorer(vectors, weights)
    return Learned(scorer, scorer)


FAMILY = Family(
    learn=_learn,
    fitted=("penalty",),
    usual=MappingProxyType({"penalty": 3.0, "prior_weight": 10.0}),
    choices=MappingProxyType(
        {
            "penalty": (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1),
            "prior_weight": (20.0, 10.0, 3.0, NEARLY_NONE),
        }
    ),
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """`fit_recommender` with weights of items on items."""
    return fit_recommender(training_set, request, FAMILY, DEFAULTS)


SPEC = replace(
    RECOMMENDER,
    name="workflow_recommender_ease",
    title="Workflow recommender, EASE",
    policy=replace(
        POLICY,
        quality=(
            *POLICY.quality,
            QualityGate(
                name="over_challenged",
                metric="ndcg_at_5",
                bound=Bound.CHALLENGED,
                limit=0.0,
                why="a second recommender is worth keeping only where it beats the first",
            ),
        ),
    ),
    seed=20_260_302,
    fit=fit,
    defaults=DEFAULTS,
    challenges="workflow_recommender",
    ceiling_target="next_used",
)
