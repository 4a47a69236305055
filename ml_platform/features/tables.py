"""Every feature table of the platform; each is computed by the dbt model of its name.

The contract of that model (``dbt_project/models/features/_<name>.yml``) is rendered from here, so a feature
that is missing on either side fails the build with its name.
"""

from ml_platform.features.adoption_snapshots import TABLE as ADOPTION_SNAPSHOTS
from ml_platform.features.pattern_features import TABLE as PATTERN_FEATURES
from ml_platform.features.session_features import TABLE as SESSION_FEATURES
from ml_platform.features.start_time_features import TABLE as START_TIME_FEATURES
from ml_platform.features.step_features import TABLE as STEP_FEATURES
from ml_platform.features.suggestion_features import TABLE as SUGGESTION_FEATURES
from ml_platform.spec.feature_table import FeatureTable

TABLES: dict[str, FeatureTable] = {
    table.name: table
    for table in (
        PATTERN_FEATURES,
        STEP_FEATURES,
        ADOPTION_SNAPSHOTS,
        SUGGESTION_FEATURES,
        START_TIME_FEATURES,
        SESSION_FEATURES,
    )
}
