"""The Dagster instance of a home, and jobs that a command runs with progress on standard error."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml_platform import files, resources
from ml_platform.cli.abandoned import close_abandoned, process_tags
from ml_platform.cli.run_log import messages_to_a_log, prints_to_a_log
from ml_platform.cli.unforeseen import unforeseen_step
from ml_platform.errors import PlatformError, ServiceError, UsageError
from ml_platform.settings import Settings, read_settings

if TYPE_CHECKING:
    import dagster as dg
    from dagster_shared.error import SerializableErrorInfo

    from ml_platform.adapters.services import Services
    from ml_platform.spec.model import ModelSpec

PARTITION_TAG = "dagster/partition"
"""The tag by which Dagster knows the partition of a run."""
_INTERRUPTED = "steps_interrupted"
"""What Dagster notes in a run when it passes an interruption on to the processes of steps."""
_NO_COMPUTE_LOGS = """
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""
"""Dagster would start four processes a step to copy its output, which our command sends to a log as a whole."""


def dagster_environment(settings: Settings, services: "Services") -> dict[str, str]:
    """The environment in which Dagster's processes find home and database; ``dagster.yaml`` is copied there."""
    from ml_platform.defs.home_storage import DATABASE_VARIABLE

    # In one step: a daemon may be reading it.
    files.write_bytes(settings.dagster / "dagster.yaml", resources.DAGSTER_SETTINGS.read_bytes())
    return {
        "DAGSTER_HOME": str(settings.dagster),
        "ML_PLATFORM_HOME": str(settings.home),
        DATABASE_VARIABLE: services.urls.dagster,
    }


@contextmanager
def dagster_instance(settings: Settings, services: "Services") -> Iterator["dg.DagsterInstance"]:
    """The instance on PostgreSQL; runs that a killed process has left open are marked as failed."""
    os.environ.update(dagster_environment(settings, services))
    import dagster as dg

    settings_file = "command.yaml"
    files.write_text(settings.dagster / settings_file, _settings_of_commands())
    with (
        messages_to_a_log(settings.home),
        dg.DagsterInstance.from_config(str(settings.dagster), settings_file) as instance,
    ):
        close_abandoned(instance)
        yield instance


def _settings_of_commands() -> str:
    """Dagster's settings for what ends with its command: connections that are kept, and no logs of steps."""
    settings = resources.DAGSTER_SETTINGS.read_text()
    return settings.replace("config: {}", "config: {keep_connections: true}") + _NO_COMPUTE_LOGS


def run_job(
    name: str,
    instance: "dg.DagsterInstance",
    *,
    partition_key: str | None = None,
    only: "Collection[dg.AssetKey] | None" = None,
    may_fail: Collection[str] = (),
    processes: int = 0,
    followed_by: "Sequence[ModelSpec]" = (),
) -> "dict[str, PlatformError]":
    """Run a job, its chains side by side; the errors of models that may fail, by model.

    Args:
        name: The job.
        instance: Where the run is recorded.
        partition_key: The window, for a job that runs once a window.
        only: The assets of the job that are made; all of them by default.
        may_fail: Models whose error is returned instead of raised, when nothing else has failed; assets that
            do not depend on them have been materialised all the same. A candidate of theirs that an integrity
            gate stops has a verdict, which is no error.
        processes: How many steps run at a time; 0 for as many as chains, cores and memory allow.
        followed_by: Models whose steps the next job will run; their processes are prepared meanwhile.

    Raises:
        PlatformError: the first error that an asset raised.
        ServiceError: anything else failed; the step is named.
        KeyboardInterrupt: a person has ended it; Dagster keeps the run as failed.
    """
    import dagster as dg

    from ml_platform.defs.executor import prepare_processes
    from ml_platform.defs.jobs import find_job, job_for_processes

    keys = find_job(name).asset_layer.selected_asset_keys
    selected = [key for key in keys if only is None or key in only]
    if not selected:  # Dagster takes no asset at all for all of them
        return {}
    partition = {PARTITION_TAG: partition_key} if partition_key is not None else {}
    home = read_settings().home
    with prints_to_a_log(home):
        if followed_by:
            prepare_processes(home, followed_by, processes)
        result = dg.execute_job(
            job_for_processes(name),
            instance=instance,
            asset_selection=selected,
            run_config={
                "loggers": {"progress": {}},
                "execution": {"config": {"processes": processes}},
            },
            tags={**process_tags(), **partition},
        )
    if result.success:
        return {}
    if was_interrupted(result):
        raise KeyboardInterrupt
    failures = _failures(result)
    if not failures:
        remedy = f"see the run {result.run_id} in Dagster"
        raise ServiceError(f"The job {name} failed.", remedy=remedy)
    return errors_of_models(failures, may_fail)


def errors_of_models(
    failures: Sequence[tuple[str, PlatformError]], may_fail: Collection[str]
) -> "dict[str, PlatformError]":
    """The first error of each model; that an integrity gate stops a candidate of these is its verdict, no error.

    Raises:
        PlatformError: the first error of anything that may not fail.
    """
    for model, failure in failures:
        if model not in may_fail:
            raise failure
    errors = [(model, error) for model, error in failures if not isinstance(error, StoppedByGates)]
    return dict(reversed(errors))


def was_interrupted(result: "dg.JobExecutionResult") -> bool:
    """Whether the failure of a step, or what caused it, is a person's Ctrl-C or a signal to end."""
    from dagster import DagsterExecutionInterruptedError

    interruptions = {DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__}
    for event in result.all_events:
        if event.event_type_value == "PIPELINE_CANCELED":
            return True
        if event.is_engine_event and _INTERRUPTED in event.engine_event_data.metadata:
            return True
        error = event.step_failure_data.error if event.is_step_failure else None
        while error is not None:
            if error.cls_name in interruptions:
                return True
            error = error.cause
    return False


def _failures(result: "dg.JobExecutionResult") -> list[tuple[str, PlatformError]]:
    """The error of each failed step in one line, by the first part of its asset's key (the model)."""
    failures: list[tuple[str, PlatformError]] = []
    for event in result.all_events:
        if event.event_type_value != "STEP_FAILURE":
            continue
        step = (event.step_key or "").replace("__", "/")
        failure = stopped_by_gates(result, event.step_key or "", step) or _step_error(
            step, event.step_failure_data.error, result.run_id
        )
        failures.append((step.partition("/")[0], failure))
    return failures


def stopped_by_gates(
    result: "dg.JobExecutionResult", step_key: str, name: str
) -> "StoppedByGates | None":
    """The error of a step whose blocking checks did not pass: each with its reason; ``None`` if there is none."""
    from dagster import AssetCheckSeverity

    failed = [
        event.asset_check_evaluation_data
        for event in result.all_events
        if event.event_type_value == "ASSET_CHECK_EVALUATION" and event.step_key == step_key
    ]
    failed = [
        check
        for check in failed
        if not check.passed and check.blocking and check.severity is AssetCheckSeverity.ERROR
    ]
    if not failed:
        return None
    reasons = "; ".join(f"{check.check_name}: {check.description}" for check in failed)
    remedies = (check.metadata.get("remedy") for check in failed)
    remedy = "; ".join(str(text.value) for text in remedies if text is not None)
    return StoppedByGates(
        f"{name}: an integrity gate stops it. {reasons}.",
        remedy=remedy or f"see run {result.run_id} in Dagster",
    )


def _step_error(step: str, error: "SerializableErrorInfo | None", run_id: str) -> PlatformError:
    """The error of one step: the platform's own with its words and remedy, any other by the table of causes."""
    cause = error.cause if error and error.cause else error
    if error is None or cause is None:
        return _StepError(f"{step}: no reason given.", remedy=f"see run {run_id} in Dagster")
    kind, _, text = " ".join(cause.message.split()).partition(": ")
    if not kind.startswith("ml_platform.errors"):
        return unforeseen_step(error, step, read_settings().home)
    reason, _, remedy = text.partition(" Remedy: ")
    is_usage_error = kind.rpartition(".")[2] in ("UsageError", "SourceError")
    error_type = _StepUsageError if is_usage_error else _StepError
    return error_type(f"{step}: {reason}", remedy=remedy or f"see run {run_id} in Dagster")


class StoppedByGates(PlatformError):
    """A candidate that an integrity gate stops: a verdict (REJECT), which has done no harm to the run."""


class _StepError(PlatformError):
    """The error of an asset, with the name of the asset in front."""


class _StepUsageError(UsageError):
    """The error of an asset whose cause is what a person typed: exit code 2."""
