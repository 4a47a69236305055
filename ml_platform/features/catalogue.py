"""The features of an event, by part; the dbt model ``pattern_features`` computes exactly these.

The contract of that model (``dbt_project/models/features/_features.yml``) is rendered from here, so a
feature that is missing on either side fails the build with its name.
"""

from ml_platform.features.act_features import ACT_FEATURES
from ml_platform.features.history_features import HISTORY_FEATURES
from ml_platform.features.row_features import ROW_FEATURES
from ml_platform.features.sequence_features import SEQUENCE_FEATURES
from ml_platform.features.spec import FeatureSpec

KEYS: tuple[str, ...] = (
    "event_id",
    "user_id",
    "session_id",
    "act_id",
    "occurred_at",
    "is_bot",
    "source",
    "workflow_category",
)
"""Columns before the features: who and when, and the label, ``workflow_category``, null where unknown."""

PATTERN_FEATURES: tuple[FeatureSpec, ...] = (
    *ROW_FEATURES,
    *ACT_FEATURES,
    *SEQUENCE_FEATURES,
    *HISTORY_FEATURES,
)
"""In the order of the columns of ``pattern_features.parquet``, after `KEYS`."""
