"""The kinds of artifact of the isolation forest and of its rules."""

from ml_platform.models.artifact_kinds import ArtifactKindSpec, TreeSum

ISOLATION_FOREST = ArtifactKindSpec(
    name="isolation_forest",
    scorer="ml_platform.models.isolation_forest.scorer:IsolationScorer",
    files="deviations.json scales the rows, model.onnx isolates them, alarm.json holds the threshold of the alarm",
    trees=TreeSum.MEAN,
    fast_scoring=True,
)
DETECTION_RULES = ArtifactKindSpec(
    name="detection_rules",
    scorer="ml_platform.models.isolation_forest.rules:DetectionRules",
    files="detection_rules.json: means and standard deviations of a few features",
)
KINDS = (ISOLATION_FOREST, DETECTION_RULES)
