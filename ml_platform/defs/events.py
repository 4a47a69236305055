"""Stage events: the source is read into the day-partitioned lake, and its state is checked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.adapters.expectations import EXPECTATIONS
from ml_platform.application.connections import Connections
from ml_platform.clock import WINDOW, last_boundary, next_boundary
from ml_platform.defs.tables import table
from ml_platform.events.schema import EVENT_TIME, TABLES
from ml_platform.home import HomeState, user_key, write_home

if TYPE_CHECKING:
    from ml_platform.events.ingest import IngestReport, TableCount

DESCRIPTIONS = {
    "events": "Who did what, with which tool, on which object, when; a row an event.",
    "workflow_executions": "Which workflows ran, when, why, and how they ended.",
    "suggestions": "Which suggestions were shown, and what became of them.",
    "users": "Team, region and tenure of users, for segments and fairness groups.",
    "ceilings": "Predictions of the Bayes rule by a source that knows the truth; empty elsewhere.",
    "known_anomalies": "Sessions that people have reported as anomalous; empty where nobody reports.",
}
EVENTS_KEY = dg.AssetKey(["lake", "events"])


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
        )
        for name in TABLES
    ],
)
def lake(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
) -> Iterator[dg.MaterializeResult[None]]:
    """Read the source; merge new rows by id into their days; put refused rows aside, with reasons."""
    from ml_platform.adapters.sources.dispatch import open_source
    from ml_platform.events.ingest import ingest

    state = _advanced(platform)
    source = open_source(state.source, state.as_of, user_key(platform.settings))
    now = max(datetime.now(UTC), state.as_of)
    report = ingest(source, platform.lake, now=now, progress=context.log.info)
    for note in report.notes:
        context.log.info(note)
    if not state.settled and not source.live and report.newest_event_at is not None:
        write_home(platform.settings, _settled(state, report.newest_event_at))
    end = platform.home.as_of
    if report.newest_event_at is not None and report.newest_event_at >= end:
        context.log.info(
            f"events from {end:%Y-%m-%dT%H:%MZ} on are kept but not used yet: --as-of now"
        )
    for counts in report.tables:
        yield _materialized(platform, report, counts)


def _advanced(platform: Connections) -> HomeState:
    """The home's state; where new events keep coming its clock has moved to the last boundary."""
    state = platform.home
    if state.advances:
        state = replace(state, as_of=max(state.as_of, last_boundary(datetime.now(UTC))))
        write_home(platform.settings, state)
    return state


def _settled(state: HomeState, newest: datetime) -> HomeState:
    """The clock of an archive: the boundary after its newest event, where that is earlier."""
    as_of = min(state.as_of, next_boundary(newest))
    return replace(state, as_of=as_of, first_window=as_of - WINDOW, settled=True)


def _materialized(
    platform: Connections, report: "IngestReport", counts: "TableCount"
) -> dg.MaterializeResult[None]:
    name = counts.table
    timed = EVENT_TIME[name] is not None
    fingerprint = platform.lake.fingerprint(name, platform.home.as_of) if timed else ""
    refused = [{"reason": reason, "rows": rows} for reason, rows in counts.refused.items()]
    metadata: dict[str, Any] = {
        "source": report.source,
        "simulated": report.simulated,
        "dagster/row_count": platform.lake.counts()[name],
        "read": table(
            [
                {
                    "read": counts.read,
                    "new": counts.added,
                    "completed": counts.updated,
                    "repeated": counts.duplicates,
                    "conflicting": counts.conflicts,
                    "refused": sum(counts.refused.values()),
                }
            ]
        ),
        "in quarantine now": table(refused),
    }
    if fingerprint:
        metadata["fingerprint"] = fingerprint
    return dg.MaterializeResult(
        asset_key=["lake", name],
        metadata=metadata,
        data_version=dg.DataVersion(fingerprint) if fingerprint else None,
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
    from ml_platform.adapters.expectations import SAMPLE_ROWS, validate_events

    state = platform.home
    survey = platform.lake.survey("events", state.as_of, SAMPLE_ROWS)
    for outcome in validate_events(survey, as_of=state.as_of, live=state.source.live):
        yield dg.AssetCheckResult(
            asset_key=EVENTS_KEY,
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"observed": outcome.observed, "limit": outcome.limit},
        )
