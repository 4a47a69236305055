"""The kinds of artifact of the recommenders and of their rules."""

from ml_platform.models.artifact_kinds import ArtifactKindSpec

MATRIX_FACTORISATION = ArtifactKindSpec(
    name="matrix_factorisation",
    scorer="ml_platform.models.recommenders.item_factors:FactorsScorer",
    files="user_vectors.json and content.npy make a vector of a user, factors.npy scores the items by it",
    fast_scoring=True,
    fast_fit=True,
)
EASE = ArtifactKindSpec(
    name="ease",
    scorer="ml_platform.models.recommenders.item_weights:ItemWeightsScorer",
    files="user_vectors.json and content.npy make a vector of a user, item_weights.npy scores the items by it",
    fast_scoring=True,
    fast_fit=True,
)
POPULARITY = ArtifactKindSpec(
    name="popularity",
    scorer="ml_platform.models.recommenders.popularity:PopularityScorer",
    files="popularity.json: the share of every item",
)
KINDS = (MATRIX_FACTORISATION, EASE, POPULARITY)
