"""Training-serving skew of a home: features as of now, replayed from its lake, beside those that were published."""

from collections.abc import Callable
from pathlib import Path

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.lake_in_time import LakeInTime, sampled_rows
from ml_platform.errors import UsageError
from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.live_features import ONLINE_TABLES, LiveFeatures
from ml_platform.features.online.skew import SkewSearch, TableSkew
from ml_platform.features.tables import TABLES
from ml_platform.settings import Settings


def measure_skew(
    settings: Settings, *, rows: int, seed: int, progress: Callable[[str], None]
) -> list[TableSkew]:
    """Compare sampled rows of every table that is answered as of now.

    Args:
        settings: The home, in which features were built.
        rows: How many rows of each table are compared, drawn by a hash of their ids.
        seed: Of what comes late and what comes twice.
        progress: Told what is read.

    Raises:
        UsageError: no features were built.
    """
    published = [name for name in ONLINE_TABLES if _is_published(settings.features / name)]
    if not published:
        raise UsageError("No features were built in this home.", remedy="`ml-platform run`")
    sql = DbtSql(PLATFORM_PROJECT.sql_by_model())
    sampled = {name: sampled_rows(settings.features / name, rows) for name in published}
    sampled = {name: found for name, found in sampled.items() if found}
    features = {name: tuple(f.name for f in TABLES[name].features) for name in sampled}
    for name, found in sampled.items():
        progress(f"{name}: {len(found):,} rows, {len(features[name])} features")
    lake = LakeInTime(sql, settings.lake)
    decisions = lake.decisions(sampled.get("start_time_features", {}))
    search = SkewSearch(LiveFeatures(sql), sampled, features, seed=seed)
    return search.replay(lake.happened(decisions))


def _is_published(folder: Path) -> bool:
    return (folder / "parts.json").exists()
