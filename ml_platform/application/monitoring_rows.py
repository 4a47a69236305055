"""The rows of a window that monitoring looks at: all of them, or of a large window those of some clusters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.predict import feature_rows
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import ROW_ID

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.monitoring.baseline import Baseline
    from ml_platform.monitoring.cells import CountedWindow
    from ml_platform.monitoring.findings import ChangedWindow
    from ml_platform.monitoring.report import MonitoringReport

MOST_ROWS = 300_000
"""More rows are not loaded: drift is counted where they lie, all else looks at about so many, of whole clusters."""
SOURCE = "source"


@dataclass(frozen=True)
class LoadedRows:
    """Rows with keys, label and features, oldest first."""

    rows: "pd.DataFrame"
    share: float
    """The share of the rows of the period that they are: 1 where they are all."""


def loaded_rows(
    platform: Connections, spec: ModelSpec, start: datetime, end: datetime, most: int = MOST_ROWS
) -> LoadedRows:
    """The rows of people in ``[start, end)``; where they are more than ``most``, those of some clusters."""
    from ml_platform.adapters.large_windows import count_rows, read_clusters, rows_at_most
    from ml_platform.training_sets.build import BOT, wanted_columns

    features = platform.published_features(spec.table.name)
    count = 0
    if rows_at_most(features, start, end) > most:
        count = count_rows(features, start, end)
    if count <= most:
        return LoadedRows(feature_rows(platform, spec, start, end), 1.0)
    columns = [name for name in wanted_columns(spec) if name != BOT]
    columns = list(dict.fromkeys((*columns, SOURCE)))
    rows = read_clusters(features, columns, start, end, most / count)
    return LoadedRows(rows, len(rows) / count)


def with_source(
    platform: Connections, spec: ModelSpec, rows: "pd.DataFrame", start: datetime, end: datetime
) -> "pd.DataFrame":
    """The rows of ``[start, end)`` with the source of each."""
    from ml_platform.adapters.training_set_files import read_key

    if SOURCE in rows:
        return rows
    sources = read_key(platform.published_features(spec.table.name), SOURCE, start, end)
    return rows.assign(**{SOURCE: rows[ROW_ID].map(sources).to_numpy()})


def counted_rows(
    platform: Connections, spec: ModelSpec, baseline: "Baseline", start: datetime, end: datetime
) -> "CountedWindow":
    """All rows of people in ``[start, end)``, counted in the bins of the baseline without loading them."""
    from ml_platform.adapters.large_windows import count_features

    features = platform.published_features(spec.table.name)
    return count_features(features, baseline.watched, start, end)


def changed_since(
    platform: Connections, spec: ModelSpec, reports: "Sequence[MonitoringReport]"
) -> "tuple[ChangedWindow, ...]":
    """The windows of earlier ``reports``, given oldest first, that have another number of rows by now."""
    from ml_platform.adapters.large_windows import rows_by_cell
    from ml_platform.monitoring.late_rows import changed_windows

    if not reports:
        return ()
    start, end = reports[0].period[0], reports[-1].period[1]
    features = platform.published_features(spec.table.name)
    return changed_windows(reports, rows_by_cell(features, start, end))
