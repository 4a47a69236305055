"""The features of an event: what is known of it at its moment."""

from ml_platform.features.change_set_features import CHANGE_SET_FEATURES
from ml_platform.features.history_features import HISTORY_FEATURES
from ml_platform.features.row_features import ROW_FEATURES
from ml_platform.features.sequence_features import SEQUENCE_FEATURES
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn

_EVERY = ("stg_events", "int_objects", "int_events", "pattern_features", "paths", "as_of")

TABLE = FeatureTable(
    name="pattern_features",
    title="One row an event, its keys, its label, and what was known of it at that moment.",
    labels=(LabelColumn("workflow_category", "varchar", "The label; null where unknown."),),
    parts=(
        FeaturePart(ROW_FEATURES, (*_EVERY, "clock")),
        FeaturePart(
            CHANGE_SET_FEATURES, (*_EVERY, "int_change_sets", "operations", "most_frequent")
        ),
        FeaturePart(
            SEQUENCE_FEATURES,
            (
                *_EVERY,
                "int_moments",
                "int_memories",
                "int_words",
                "int_user_counts",
                "windows",
                "memory",
                "most_frequent",
            ),
        ),
        FeaturePart(
            HISTORY_FEATURES,
            (
                *_EVERY,
                "int_moments",
                "int_memories",
                "int_user_counts",
                "int_place_counts",
                "windows",
            ),
        ),
    ),
)
PATTERN_FEATURES = TABLE.features
"""The features in the order of the columns of ``pattern_features``, after keys and label."""
