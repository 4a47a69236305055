"""Retention as an asset: a dry run by default; and the runs of Dagster that are past their days."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from ml_platform.application.connections import Connections
from ml_platform.application.retention import RetentionOutcome, Store, retain
from ml_platform.defs.tables import table
from ml_platform.retention.plan import Item
from ml_platform.retention.rules import Clock, Kind

_SHOWN = 50
_FINISHED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class KeptDagsterRuns:
    """The runs of an instance that have ended, as retention sees them.

    The run of the newest materialisation of an asset is not listed: what a step has made last, with which versions,
    is how the platform knows that it need not make it again.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    def items(self) -> Iterator[Item]:
        """Every run that has ended and is not the newest of an asset."""
        newest = self._newest()
        for record in self._instance.get_run_records(dg.RunsFilter(statuses=list(_FINISHED))):
            run_id = record.dagster_run.run_id
            if run_id not in newest:
                ended = record.end_time or record.create_timestamp.timestamp()
                at = datetime.fromtimestamp(ended, UTC)
                yield Item(Kind.DAGSTER_RUN, run_id, at, clock=Clock.WALL)

    def remove(self, items: Sequence[Item]) -> None:
        """Delete the runs among these items with their events."""
        for item in items:
            if item.kind is Kind.DAGSTER_RUN and self._instance.has_run(item.key):
                self._instance.delete_run(item.key)

    def _newest(self) -> set[str]:
        instance = self._instance
        records = instance.get_asset_records(list(instance.all_asset_keys()))
        newest = {
            record.asset_entry.last_materialization_record.run_id
            for record in records
            if record.asset_entry.last_materialization_record is not None
        }
        return newest


class RetentionConfig(dg.Config):
    """Whether what is past its days goes."""

    apply: bool = Field(
        default=False, description="remove; otherwise it is only said what would go, and why"
    )


@dg.asset(
    key="retention",
    group_name="registry",
    kinds={"python"},
    owners=["team:ml"],
    description=(
        "What is past its days and what nothing needs, of rows, files, MLflow's runs and Dagster's: listed, and "
        "removed where the configuration says `apply`."
    ),
)
def retention(
    context: dg.AssetExecutionContext,
    config: RetentionConfig,
    platform: dg.ResourceParam[Connections],
) -> dg.MaterializeResult[None]:
    """Plan, and with ``apply`` remove, under the home's lock, which the run holds."""
    others: list[Store] = [KeptDagsterRuns(context.instance)]
    outcome = retain(platform, others, apply=config.apply)
    return dg.MaterializeResult(metadata=_metadata(outcome))


def _metadata(outcome: RetentionOutcome) -> dict[str, dg.MetadataValue | str | int | float]:
    return {
        "applied": str(outcome.applied),
        "megabytes": round(outcome.bytes / 1e6, 1),
        "by kind": table(
            {"kind": line.kind.value, "things": line.things, "megabytes": line.bytes / 1e6}
            for line in outcome.summary
        ),
        "first removals": table(
            {"kind": removal.item.kind.value, "key": removal.item.key, "why": removal.why}
            for removal in outcome.removals[:_SHOWN]
        ),
        "past their days, needed": len(outcome.kept),
        "without a rule": ", ".join(outcome.without_rule) or "nothing",
    }


@dg.schedule(
    name="weekly_retention",
    job_name="remove_expired",
    cron_schedule="30 3 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Sundays: what is past its days is removed. Off until a person turns it on.",
)
def retention_schedule() -> dg.RunRequest:
    """Ask for a run that removes."""
    return dg.RunRequest(run_config={"ops": {"retention": {"config": {"apply": True}}}})
