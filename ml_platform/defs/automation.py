"""Schedules and sensors; each says whether it is on by default."""

from collections.abc import Callable, Sequence
from datetime import datetime

import dagster as dg

from ml_platform.application.connections import NOTHING_YET, Connections
from ml_platform.application.notify import notify
from ml_platform.application.watch_mlflow import watch_mlflow
from ml_platform.clock import CRON, WINDOW
from ml_platform.defs.champion_page import follow_ledger
from ml_platform.defs.partitions import window_key
from ml_platform.errors import ServiceError
from ml_platform.spec.model import ModelSpec

THOROUGH_EVERY = 60
"""Of so many looks at MLflow, every half minute, one is at the files of every version."""


def ingestion_schedule(job_name: str) -> dg.ScheduleDefinition:
    """Every hour where new events keep coming; archives and simulations have ended."""
    return _while_events_come(
        "hourly_ingestion",
        job_name,
        cron="45 * * * *",
        description="Reads a live source into the lake and rebuilds the features.",
        request=lambda at, _: dg.RunRequest(run_key=f"ingestion:{at.isoformat()}"),
    )


def monitoring_schedule(job_name: str) -> dg.ScheduleDefinition:
    """Every six hours: the newest events, features from them, and the report of the window that ended."""
    return _while_events_come(
        "six_hourly_monitoring",
        job_name,
        cron=CRON,
        description="Every six hours: ingests, rebuilds features, watches the window that has just ended.",
        request=_window_request,
    )


def _window_request(at: datetime, now: datetime) -> dg.RunRequest | dg.SkipReason:
    if now - at > WINDOW:
        return dg.SkipReason("the window ended long ago: the sensor missed_windows catches up")
    key = window_key(at)
    return dg.RunRequest(run_key=f"all:{key}:schedule", partition_key=key)


def _while_events_come(
    name: str,
    job_name: str,
    *,
    cron: str,
    description: str,
    request: Callable[[datetime, datetime], dg.RunRequest | dg.SkipReason],
) -> dg.ScheduleDefinition:
    """A schedule that asks for a run at each of its times, in a home whose source has new events."""

    @dg.schedule(
        name=name,
        job_name=job_name,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Connections]
    ) -> dg.RunRequest | dg.SkipReason:
        if platform.is_new:
            return dg.SkipReason(NOTHING_YET)
        state = platform.home
        if not state.advances:
            ended = f"{state.source.label} ends at {state.as_of:%Y-%m-%dT%H:%MZ}"
            return dg.SkipReason(f"{ended}: there is nothing newer")
        return request(context.scheduled_execution_time, platform.now())

    return schedule


def mlflow_sensor(specs: Sequence[ModelSpec]) -> dg.SensorDefinition:
    """Puts right what MLflow shows, whatever was done to it by hand, or while it was down.

    The champions' pages in Dagster follow the ledger as well, whether MLflow answers or not.
    """

    @dg.sensor(
        name="mlflow_mirror",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="What MLflow shows is compared with the ledger and put right; changes by hand are alerts. "
        "The pages of champions follow what people do by command.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Connections]
    ) -> dg.SensorResult | dg.SkipReason:
        if platform.is_new:
            return dg.SkipReason(NOTHING_YET)
        looks = int(context.cursor or 0)
        try:
            followed = follow_ledger(platform, context.instance, specs)
        except ServiceError as error:
            followed = (str(error),)
        watch = watch_mlflow(platform, thorough=looks % THOROUGH_EVERY == 0)
        told = "; ".join((*followed, str(watch)))
        return dg.SensorResult(skip_reason=dg.SkipReason(told), cursor=str(looks + 1))

    return sensor


def notification_sensor() -> dg.SensorDefinition:
    """Tells people what has happened to versions, and sends what waits for its receivers."""

    @dg.sensor(
        name="notifications",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Changes of versions, and alerts, go to webhook, mail and chat; what failed is sent again.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Connections]
    ) -> dg.SkipReason:
        return dg.SkipReason(NOTHING_YET if platform.is_new else notify(platform))

    return sensor
