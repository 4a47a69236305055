"""Dagster's instance of a home, and runs in this process with progress on standard error."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from ml_platform import files, resources
from ml_platform.cli.abandoned import close_abandoned, process_tags
from ml_platform.errors import PlatformError, ServiceError, UsageError
from ml_platform.settings import Settings, read_settings

if TYPE_CHECKING:
    import dagster as dg

    from ml_platform.adapters.services import Services


def dagster_environment(settings: Settings, services: "Services") -> dict[str, str]:
    """What Dagster's processes need to find home and database; copies ``dagster.yaml`` into the home."""
    # In one step: a daemon may be reading it.
    files.write_bytes(settings.dagster / "dagster.yaml", resources.DAGSTER_SETTINGS.read_bytes())
    return {
        "DAGSTER_HOME": str(settings.dagster),
        "ML_PLATFORM_HOME": str(settings.home),
        "ML_PLATFORM_DAGSTER_DATABASE": services.urls.dagster,
    }


@contextmanager
def dagster_instance(settings: Settings, services: "Services") -> Iterator["dg.DagsterInstance"]:
    """The instance on PostgreSQL; runs that a killed process left open are marked as failed."""
    os.environ.update(dagster_environment(settings, services))
    import dagster as dg

    with dg.DagsterInstance.from_config(str(settings.dagster)) as instance:
        close_abandoned(instance)
        yield instance


def run_job(
    name: str,
    instance: "dg.DagsterInstance",
    *,
    partition_key: str | None = None,
    without: Collection[str] = (),
    may_fail: Collection[str] = (),
) -> "dict[str, PlatformError]":
    """Run a job in this process; the first error of an asset is raised as what it is.

    ``without``: models whose assets are left out. ``may_fail``: models whose error is returned, by model,
    when nothing else has failed: what does not depend on them has gone on.

    Raises:
        PlatformError: what an asset raised.
        ServiceError: anything else that failed, with the step's name.
    """
    from ml_platform.defs.build import build_definitions

    job = build_definitions().resolve_job_def(name)
    keys = job.asset_layer.selected_asset_keys
    with _standard_output_to_a_log():
        result = job.execute_in_process(
            instance=instance,
            partition_key=partition_key,
            asset_selection=[key for key in keys if key.path[0] not in without],
            run_config={"loggers": {"progress": {}}},
            tags=process_tags(),
            raise_on_error=False,
        )
    if result.success:
        return {}
    failures = _failures(result)
    for model, failure in failures:
        if model not in may_fail:
            raise failure
    if not failures:
        told = f"see the run {result.run_id} in Dagster"
        raise ServiceError(f"The job {name} failed.", remedy=told)
    return dict(reversed(failures))


@contextmanager
def _standard_output_to_a_log() -> Iterator[None]:
    """What libraries print (dbt's hundred lines): standard output belongs to the command's own answer."""
    path = read_settings().home / "logs" / "run.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as log, redirect_stdout(log):
        yield


def _failures(result: "dg.ExecuteInProcessResult") -> list[tuple[str, PlatformError]]:
    """The errors behind the failed steps, in one line each, with the first part of the asset's key."""
    failures: list[tuple[str, PlatformError]] = []
    for event in result.all_events:
        if event.event_type_value != "STEP_FAILURE":
            continue
        error = event.step_failure_data.error
        cause: Any = error.cause if error and error.cause else error
        text = " ".join(str(cause.message).split()) if cause else "no reason given"
        step = (event.step_key or "").replace("__", "/")
        kind, _, rest = text.partition(": ")
        message = rest if kind.startswith("ml_platform.errors") else text
        found, _, remedy = message.partition(" Remedy: ")
        typed = kind.rpartition(".")[2] in ("UsageError", "SourceError")
        failed = _Mistyped if typed else _Failed
        told = remedy or f"see run {result.run_id} in Dagster"
        failures.append((step.partition("/")[0], failed(f"{step}: {found}", remedy=told)))
    return failures


class _Failed(PlatformError):
    """What an asset raised, told with the asset's name."""


class _Mistyped(UsageError):
    """The same, where what a person gave is at fault: exit code 2."""
