"""A feature table: one dbt model, the keys and labels of its rows, and the features it computes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ml_platform.spec.feature import FeatureSpec


@dataclass(frozen=True)
class LabelColumn:
    """A label, or what is logged with it: a model may learn from it, features be counted by it; it is no input."""

    name: str
    sql_type: str
    """'varchar', 'double', 'varchar[]'."""
    description: str


@dataclass(frozen=True)
class FeaturePart:
    """Features that are computed by the same SQL: dbt models and macros, by file name without ending."""

    features: tuple[FeatureSpec, ...]
    sql: tuple[str, ...]


@dataclass(frozen=True)
class FeatureTable:
    """What ``dbt_project/models/features/<name>.sql`` computes: keys, then ``labels``, then the features.

    The keys are the same in every table: row_id, user_id, cluster_id (rows that depend on each other),
    change_set_id (rows that are one observation), occurred_at, is_bot and source.
    """

    name: str
    title: str
    """What a row is, in a sentence."""
    labels: tuple[LabelColumn, ...]
    parts: tuple[FeaturePart, ...]
    complete_after: timedelta = timedelta(0)
    """How long after its time a row may still be missing or change; older ones are as they will stay.

    A whole number of six-hour windows. Trailing windows of monitoring end so long before the look.
    """

    @property
    def features(self) -> tuple[FeatureSpec, ...]:
        """All features, in the order of the columns."""
        return tuple(feature for part in self.parts for feature in part.features)

    def qualified(self, feature: str) -> str:
        """The name of a feature across tables: ``<table>.<feature>``."""
        return f"{self.name}.{feature}"

    def versions(self, sql_by_model: Mapping[str, str]) -> dict[str, str]:
        """Twelve hexadecimal digits by feature, from its spec and the SQL that computes it.

        ``sql_by_model`` is the raw SQL by file name (`adapters.warehouse.sql_by_model`). Features of a part
        share their SQL, so an edit of it is a new version of each: rather too many than too few.

        Raises:
            KeyError: a model that features depend on is not in ``sql_by_model``.
        """
        return {
            feature.name: feature.version("\n".join(sql_by_model[model] for model in part.sql))
            for part in self.parts
            for feature in part.features
        }
