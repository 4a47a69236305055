"""The kind of artifact of the random forest."""

from ml_platform.models.artifact_kinds import ArtifactKindSpec, TreeSum

RANDOM_FOREST = ArtifactKindSpec(
    name="random_forest",
    scorer="ml_platform.models.random_forest.scorer:ForestScorer",
    files="encoding.json and target_encoding.npy make a matrix of the rows, model.onnx scores it",
    trees=TreeSum.MEAN,
)
KINDS = (RANDOM_FOREST,)
