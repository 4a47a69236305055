"""Windows that no run has watched are caught up in one run, whatever the reason, each once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from ml_platform.application.asked_features import built_until
from ml_platform.application.connections import NOTHING_YET, Connections
from ml_platform.application.incidents import follow_missed_windows
from ml_platform.application.missed_windows import catch_up, missed_of
from ml_platform.clock import parse_moment
from ml_platform.defs.monitoring import report_metadata
from ml_platform.defs.partitions import window_key
from ml_platform.defs.prediction_log import predictions_metadata
from ml_platform.errors import ServiceError
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.application.monitor import MonitoredWindow
    from ml_platform.application.predict import LoggedWindow

CATCH_UP, REFRESH, WATCH = "catch_up", "refresh", "six_hourly"
_OPEN = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


class MissedWindows(dg.Config):
    """The windows to catch up."""

    ends: list[str] = Field(description="Their ends, such as 2026-05-01T12:00Z.")


def catch_up_job(specs: Sequence[ModelSpec]) -> Any:
    """The job that watches windows of the past: predictions and report of every model that lacks one."""

    @dg.op(name="catch_up_op", description="Predictions and reports of windows that lack one.")
    def catch_up_op(
        context: dg.OpExecutionContext,
        config: MissedWindows,
        platform: dg.ResourceParam[Connections],
    ) -> None:
        """Each window as it looked at its end; one that fails holds up no other."""

        def watched(spec: ModelSpec, logged: "LoggedWindow", window: "MonitoredWindow") -> None:
            key = window_key(window.report.window_end)
            for step, metadata in (
                ("predictions", predictions_metadata(logged)),
                ("monitoring_report", report_metadata(window, platform.service_address)),
            ):
                context.log_event(
                    dg.AssetMaterialization([spec.name, step], metadata=metadata, partition=key)
                )

        ends = [parse_moment("ends", end) for end in config.ends]
        faults = catch_up(platform, specs, ends, watched, context.log.info)
        if faults:
            window, fault = next(iter(faults.items()))
            raise ServiceError(
                f"{len(faults)} windows were not caught up, the first of {window}: {fault}",
                remedy="the run's log names the others; they are tried again",
            )

    graph = dg.GraphDefinition(
        name=CATCH_UP,
        node_defs=[catch_up_op],
        description="The windows that were missed while nothing ran, of every model, the oldest first.",
    )
    return graph.to_job(executor_def=dg.in_process_executor)


def missed_windows_sensor(
    models: Sequence[str], jobs: Sequence[Any], every: int
) -> dg.SensorDefinition:
    """Catches up on windows that lack a report of some model, whatever the reason.

    Where features do not reach their ends yet, the newest events come first. One run at a time, and each set of
    windows once a day: what fails is asked for again with the next window, and holds up no other.

    Args:
        models: Names of the models.
        jobs: The job that catches up, and the one that brings features up to date.
        every: Seconds between two looks.
    """

    @dg.sensor(
        name="missed_windows",
        jobs=list(jobs),
        minimum_interval_seconds=every,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Six-hour windows of the last seven days that lack a monitoring report are caught up.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Connections]
    ) -> dg.SensorResult | dg.SkipReason:
        if platform.is_new:
            return dg.SkipReason(NOTHING_YET)
        missed = {model: list(missed_of(platform, model)) for model in models}
        for model, ends in missed.items():
            follow_missed_windows(platform, model, ends)
        every_end = sorted({end for ends in missed.values() for end in ends})
        if not every_end:
            return dg.SkipReason("every window has its report")
        if _is_open(context.instance):
            return dg.SkipReason(f"{len(every_end)} windows lack a report, and a run is at work")
        until = built_until(platform)
        ready = [end for end in every_end if until is None or end <= until]
        job, ends = (CATCH_UP, ready) if ready else (REFRESH, every_end)
        words = f"{window_key(ends[0])}..{window_key(ends[-1])}:{len(ends)}"
        key = f"{job}:{words}:{platform.now():%Y%m%d}"
        if context.instance.get_run_records(dg.RunsFilter(tags={"dagster/run_key": key}), limit=1):
            return dg.SkipReason(f"{job} of {words} was asked for today")
        config = {"ends": [f"{end:%Y-%m-%dT%H:%MZ}" for end in ends]}
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=key,
                    job_name=job,
                    run_config={"ops": {"catch_up_op": {"config": config}}}
                    if job == CATCH_UP
                    else {},
                )
            ]
        )

    return sensor


def _is_open(instance: dg.DagsterInstance) -> bool:
    """Whether a run that watches windows, or builds features, waits or runs."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(_OPEN)))
    return any(run.job_name in (CATCH_UP, REFRESH, WATCH) for run in runs)
