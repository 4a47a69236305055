"""The version of each feature: it changes when its definition or the SQL that computes it does."""

from collections.abc import Mapping

from ml_platform.features.act_features import ACT_FEATURES
from ml_platform.features.catalogue import PATTERN_FEATURES
from ml_platform.features.history_features import HISTORY_FEATURES
from ml_platform.features.row_features import ROW_FEATURES
from ml_platform.features.sequence_features import SEQUENCE_FEATURES
from ml_platform.features.spec import FeatureSpec

_EVERY = ("stg_events", "int_objects", "int_events", "pattern_features", "paths", "as_of")
_MODELS_BY_PART: tuple[tuple[tuple[FeatureSpec, ...], tuple[str, ...]], ...] = (
    (ROW_FEATURES, (*_EVERY, "clock")),
    (ACT_FEATURES, (*_EVERY, "int_acts", "operations", "most_frequent")),
    (
        SEQUENCE_FEATURES,
        (*_EVERY, "int_moments", "int_counts", "windows", "memory", "most_frequent"),
    ),
    (HISTORY_FEATURES, (*_EVERY, "int_moments", "int_counts", "windows")),
)


def feature_versions(sql_by_model: Mapping[str, str]) -> dict[str, str]:
    """Twelve hexadecimal digits by feature, from its spec and the SQL of its models and their macros.

    ``sql_by_model`` is the raw SQL by file name (`adapters.warehouse.sql_by_model`). All features share
    ``pattern_features``, so an edit of that file is a new version of each: rather too many than too few.

    Raises:
        KeyError: a model that features depend on is not in ``sql_by_model``.
    """
    versions = {
        spec.name: spec.version("\n".join(sql_by_model[model] for model in models))
        for part, models in _MODELS_BY_PART
        for spec in part
    }
    return {spec.name: versions[spec.name] for spec in PATTERN_FEATURES}
