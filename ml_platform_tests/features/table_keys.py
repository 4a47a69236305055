"""The columns that every feature table begins with, as `ml_platform.spec.feature_table.FeatureTable` promises."""

KEYS = (
    "row_id",
    "user_id",
    "cluster_id",
    "change_set_id",
    "occurred_at",
    "is_bot",
    "source",
)
