"""Where the value of each feature comes from when a model is asked: the request, the online state, or a batch."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ml_platform.clock import WINDOW
from ml_platform.features.online.live_features import ONLINE_TABLES
from ml_platform.spec.feature import FeatureSpec
from ml_platform.spec.feature_table import FeatureTable

_OF_REQUEST = ("the row", "the row, UTC", "the change set", "the candidate time, local")
"""Windows that hold what is asked about and nothing else."""
_GREATEST_AGES = {"adoption_snapshots": timedelta(days=7) + WINDOW}
"""Of tables whose rows are made more seldom than they are built: a snapshot is taken on Mondays."""


class Origin(StrEnum):
    """What a value follows from."""

    REQUEST = "request"
    """What is asked about, and nothing else."""
    STATE = "state"
    """What happened strictly before the moment of the request, as the online state knows it."""
    BATCH = "batch"
    """The newest row that a build of the feature table has of the user or session."""


@dataclass(frozen=True)
class FeatureOrigin:
    """Where the value of one feature comes from when a model is asked."""

    origin: Origin
    greatest_age: timedelta | None
    """Of a batch: how old its row may be. ``None`` where the value is of the moment that is asked about."""


def origin_of(table: FeatureTable, feature: FeatureSpec) -> FeatureOrigin:
    """The origin of a feature of a table; tables of plug-ins are batches of every six hours."""
    if table.name not in ONLINE_TABLES:
        return FeatureOrigin(Origin.BATCH, _GREATEST_AGES.get(table.name, WINDOW))
    origin = Origin.REQUEST if feature.window in _OF_REQUEST else Origin.STATE
    return FeatureOrigin(origin, None)
