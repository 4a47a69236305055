"""The kinds of artifact of gradient boosting and of its rules."""

from ml_platform.models.artifact_kinds import ArtifactKindSpec, TreeSum

GRADIENT_BOOSTING = ArtifactKindSpec(
    name="gradient_boosting",
    scorer="ml_platform.models.gradient_boosting.scorer:BoostingScorer",
    files="encoding.json makes a matrix of the rows, model.onnx scores it, trees.npy explains it",
    trees=TreeSum.SUM,
    fast_scoring=True,
)
PROPORTION_RULES = ArtifactKindSpec(
    name="proportion_rules",
    scorer="ml_platform.models.gradient_boosting.rules:ProportionRules",
    files="proportion_rules.json: acceptance rates, smoothed by declared constants",
)
KINDS = (GRADIENT_BOOSTING, PROPORTION_RULES)
