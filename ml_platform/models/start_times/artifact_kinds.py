"""The kinds of artifact of the start-time model and of its rules."""

from ml_platform.models.artifact_kinds import ArtifactKindSpec

START_TIME = ArtifactKindSpec(
    name="start_time",
    scorer="ml_platform.models.start_times.scorer:StartTimeScorer",
    files="design.json makes columns of the rows, model.onnx scores them",
    fast_scoring=True,
    fast_fit=True,
)
START_TIME_RULES = ArtifactKindSpec(
    name="start_time_rules",
    scorer="ml_platform.models.start_times.rules:StartTimeRules",
    files="start_time_rules.json: success rates by workflow and part of the day",
)
KINDS = (START_TIME, START_TIME_RULES)
