"""The workflow recommender: which five workflows to show a user who has not run them yet.

Non-negative matrix factorisation of who ran what, folded in for every user, with the content of a user as
pseudo-counts, so that a new user gets recommendations by what they do. Its number of tastes, and what content
weighs, are chosen on the newest block of time inside the training part, never on a test part.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from ml_platform.features.adoption_snapshots import HORIZON_DAYS, TABLE
from ml_platform.models.one_standard_error import CHOSEN
from ml_platform.models.recommenders.fit import Family, Learned, fit_recommender
from ml_platform.models.recommenders.popularity import fit_popularity
from ml_platform.models.recommenders.references import fit_item_neighbours
from ml_platform.models.recommenders.user_vectors import DOINGS, NEARLY_NONE, RECENT, TEAM, USED
from ml_platform.spec.data_need import MINIMUM_TRAIN_ROWS, DataNeed
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import FitRequest, ModelSpec, Parameter, ReferenceModel
from ml_platform.spec.search_space import Float
from ml_platform.spec.standard_gates import EVERYWHERE, FAIR_LISTS, STABLE_REASONS
from ml_platform.spec.task import Ranking

if TYPE_CHECKING:
    from scipy import sparse

    from ml_platform.models.recommenders.fit import Parameters
    from ml_platform.models.recommenders.user_vectors import UserVectors
    from ml_platform.spec.model import FitOutcome
    from ml_platform.spec.training_set import TrainingSet

LABEL_DELAY = timedelta(days=HORIZON_DAYS)
DEFAULTS: Mapping[str, Parameter] = MappingProxyType(
    {
        "tastes": CHOSEN,
        "prior_weight": CHOSEN,
        "recency": 0.0,
        "growth": 1.5,
        "shrinkage": 0.3,
        "choose": True,
    }
)
"""``choose``: whether what is left to the fit is chosen on the newest block; else it takes its usual value."""
POLICY = GatePolicy(
    quality=(
        QualityGate(
            name="over_popularity",
            metric="ndcg_at_5",
            bound=Bound.BASELINE,
            limit=0.0,
            why="what everybody begins needs no model",
        ),
        QualityGate(
            name="over_popularity_recall",
            metric="recall_at_5",
            bound=Bound.BASELINE,
            limit=0.0,
            why="five places must hold more of what users go on to run than the five most popular ones",
        ),
        QualityGate(
            name="over_champion",
            metric="ndcg_at_5",
            bound=Bound.CHAMPION,
            limit=-0.02,
            why="a candidate may not be worse than what is in production by more than .02",
        ),
        FAIR_LISTS,
        *EVERYWHERE,
        STABLE_REASONS,
    ),
    minimum_test_rows=150,
    minimum_test_clusters=100,
)


def _learn(
    matrix: "sparse.csr_matrix", vectors: "UserVectors", parameters: "Parameters", seed: int
) -> Learned:
    from ml_platform.models.recommenders.item_factors import (
        FactorsScorer,
        NmfEstimator,
        fit_components,
    )

    nmf = fit_components(matrix, vectors.items, int(parameters["tastes"]), seed)
    return Learned(NmfEstimator(vectors, nmf), FactorsScorer(vectors, nmf.components_))


FAMILY = Family(
    learn=_learn,
    fitted=("tastes",),
    usual=MappingProxyType({"tastes": 10, "prior_weight": 10.0}),
    choices=MappingProxyType(
        {"tastes": (5, 8, 10, 12, 15, 20, 30), "prior_weight": (20.0, 10.0, 3.0, NEARLY_NONE)}
    ),
)


def fit(training_set: "TrainingSet", request: FitRequest) -> "FitOutcome":
    """`fit_recommender` with non-negative factors."""
    return fit_recommender(training_set, request, FAMILY, DEFAULTS)


SPEC = ModelSpec(
    name="workflow_recommender",
    title="Workflow recommender",
    table=TABLE,
    task=Ranking(k=5),
    label="next_used",
    ceiling_target="next_used",
    label_delay=LABEL_DELAY,
    test_share=0.15,
    features=(USED, RECENT, DOINGS, TEAM),
    policy=POLICY,
    seed=20_260_301,
    fit=fit,
    fit_rules=fit_popularity,
    defaults=DEFAULTS,
    search_space=(
        Float("recency", 0.0, 2.0),
        Float("growth", 1.0, 2.0),
        Float("shrinkage", 0.03, 3.0, log=True),
    ),
    needs=(DataNeed("workflow_executions", "workflow_id", MINIMUM_TRAIN_ROWS, values=2),),
    references=(ReferenceModel("item neighbours by cosine, untuned", fit_item_neighbours),),
    monitored_metric="hit_at_1",
    technologies=("scikitlearn", "numpy"),
)
