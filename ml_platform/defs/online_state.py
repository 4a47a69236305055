"""The online state as an asset, and its proof as a check: features of now are those of training."""

import dagster as dg

from ml_platform.adapters.lake_in_time import TOLD
from ml_platform.application.connections import Connections
from ml_platform.application.measure_skew import measure_skew
from ml_platform.application.online_state import OnlineState
from ml_platform.defs.tables import table

_COMPARED_ROWS = 300
"""Rows of each table that the check compares."""


@dg.asset(
    key="online_state",
    group_name="features",
    kinds={"python"},
    owners=["team:ml"],
    deps=[["lake", name] for name in TOLD],
    description=(
        "What the features of now look back on, up to date with the lake: a snapshot from which a process that "
        "answers starts. Kept hourly once its schedule is turned on; no other asset needs it."
    ),
)
def online_state(platform: dg.ResourceParam[Connections]) -> dg.MaterializeResult[None]:
    """Go on from the snapshot with what is new in the lake, and keep a new one."""
    state = OnlineState(platform.settings)
    found = state.catch_up()
    size = state.keep()
    return dg.MaterializeResult(
        metadata={
            "began": "from the snapshot" if found.from_snapshot else f"anew: {found.why}",
            "told": found.told,
            "files told": found.days,
            "newest event": found.newest.isoformat() if found.newest else "none",
            "megabytes": round(size / 1e6, 1),
        }
    )


@dg.asset_check(
    asset=online_state,
    name="equal_to_training",
    description=(
        "Features of sampled rows as of their moment, replayed from the lake with late and repeated rows, are "
        "those that training has, to the bit."
    ),
)
def equal_to_training(platform: dg.ResourceParam[Connections]) -> dg.AssetCheckResult:
    """Compare, and name what differs."""
    tables = measure_skew(
        platform.settings, rows=_COMPARED_ROWS, seed=0, progress=lambda line: None
    )
    differences = [(found.table, each) for found in tables for each in found.differences]
    return dg.AssetCheckResult(
        passed=not differences,
        metadata={
            "compared": table(
                {"table": found.table, "rows": found.rows, "features": found.features}
                for found in tables
            ),
            "different": table(
                {
                    "table": name,
                    "feature": each.feature,
                    "rows": each.rows,
                    "such as": each.row_id,
                    "now": repr(each.online),
                    "in training": repr(each.training),
                }
                for name, each in differences
            ),
        },
    )


online_state_schedule = dg.ScheduleDefinition(
    name="hourly_online_state",
    job_name="keep_online_state",
    cron_schedule="10 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every hour: a snapshot of the online state. Off until a person turns it on.",
)
skew_schedule = dg.ScheduleDefinition(
    name="weekly_skew",
    job_name="compare_online_features",
    cron_schedule="0 4 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Sundays: features of now beside those of training. Off until a person turns it on.",
)
