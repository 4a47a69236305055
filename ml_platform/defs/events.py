"""Stage events: the source is read into the day-partitioned lake, and its state is checked."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from ml_platform.adapters.expectations import EXPECTATIONS
from ml_platform.application.connections import Connections
from ml_platform.application.ingest import (
    Ingestion,
    LakeTable,
    check_events,
    ingest_source,
    lake_version,
)
from ml_platform.application.settle_home import settle_home
from ml_platform.defs.code_versions import lake_code_version
from ml_platform.defs.tables import table
from ml_platform.events.schema import TABLES

DESCRIPTIONS = {
    "events": "Who did what, with which tool, on which object, when; a row an event.",
    "workflow_executions": "Which workflows ran, when, why, and how they ended.",
    "suggestions": "Which suggestions were shown, and what became of them.",
    "users": "Team, region and tenure of users, for segments and fairness groups.",
    "ceilings": "Predictions of the Bayes rule by a source that knows the truth; empty elsewhere.",
    "known_anomalies": "Sessions that people have reported as anomalous; empty where nobody reports.",
}
EVENTS_KEY = dg.AssetKey(["lake", "events"])


class SourceChoice(dg.Config):
    """The source of a home, as `ml-platform run` takes it; a field that is left out agrees with the home's.

    A new home without any of them gets the default simulation.
    """

    source: str | None = Field(
        default=None,
        description="simulate, git:PATH, files:DIR, process-log:FILE or postgres:URL",
    )
    as_of: str | None = Field(default=None, description="the home's clock: 2026-05-01T12:00Z, now")
    map_file: str | None = Field(default=None, description="column map of files or a process log")
    query_file: str | None = Field(default=None, description="queries for postgres:URL")
    days: int | None = Field(default=None, description="days of the simulation")
    users: int | None = Field(default=None, description="users of the simulation")
    seed: int | None = Field(default=None, description="seed of the simulation")


def _column_schema(name: str) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                field.name,
                str(field.type),
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
            for field in TABLES[name]
        ]
    )


@dg.multi_asset(
    name="lake",
    specs=[
        dg.AssetSpec(
            ["lake", name],
            group_name="events",
            kinds={"python", "parquet"},
            description=DESCRIPTIONS[name],
            owners=["team:data"],
            metadata={"dagster/column_schema": _column_schema(name)},
            code_version=lake_code_version(),
        )
        for name in TABLES
    ],
)
def lake(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections], config: SourceChoice
) -> Iterator[dg.MaterializeResult[None]]:
    """Read the source; merge new rows by id into their days; put refused rows aside, with reasons."""
    choice = config.model_dump()
    if platform.is_new or any(value is not None for value in choice.values()):
        settle_home(platform.settings, source_text=choice.pop("source"), **choice)
    ingestion = ingest_source(platform, context.log.info)
    for stored in ingestion.tables:
        yield _result(ingestion, stored)


def _result(ingestion: Ingestion, stored: LakeTable) -> dg.MaterializeResult[None]:
    counts = stored.counts
    refused = [{"reason": reason, "rows": rows} for reason, rows in counts.refused.items()]
    metadata: dict[str, Any] = {
        "source": ingestion.source,
        "simulated": ingestion.simulated,
        "dagster/row_count": stored.rows,
        "fingerprint": stored.fingerprint,
        "read": table(
            [
                {
                    "read": counts.read,
                    "new": counts.added,
                    "completed": counts.updated,
                    "repeated": counts.duplicates,
                    "conflicting": counts.conflicts,
                    "refused": sum(counts.refused.values()),
                    "forgotten": counts.forgotten,
                }
            ]
        ),
        "in quarantine now": table(refused),
    }
    return dg.MaterializeResult(
        asset_key=["lake", counts.table],
        metadata=metadata,
        data_version=dg.DataVersion(lake_version(stored.fingerprint, ingestion.until)),
    )


@dg.multi_asset_check(
    name="events_expectations",
    specs=[
        dg.AssetCheckSpec(name, asset=EVENTS_KEY, blocking=True, description="great-expectations")
        for name in EXPECTATIONS
    ],
)
def lake_checks(
    platform: dg.ResourceParam[Connections],
) -> Iterator[dg.AssetCheckResult]:
    """Row count and freshness first, then columns, nulls and ranges of the stored events."""
    for outcome in check_events(platform):
        yield dg.AssetCheckResult(
            asset_key=EVENTS_KEY,
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=outcome.explanation,
            metadata={
                "observed": outcome.observed,
                "limit": outcome.limit,
                "remedy": outcome.remedy,
            },
        )
