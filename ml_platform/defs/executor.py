"""The executor of all jobs: chains of models side by side in processes, as many as cores and memory allow."""

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, cast

import dagster as dg
import psutil

from ml_platform.adapters.home_files import at_work, lent
from ml_platform.adapters.plugins import home_project
from ml_platform.adapters.services import running_services
from ml_platform.cores import usable_cores
from ml_platform.settings import read_settings
from ml_platform.spec.model import ModelSpec

PROCESS_BYTES = 2 * 1024**3
"""The free memory that a further process must find: about what the largest chain of the default run takes."""
_PRELOADED = (
    "ml_platform.definitions",
    "ml_platform.defs.home_storage",
    "ml_platform.adapters.ledger.postgres",
    "pandas",
    "scipy.stats",
    "sklearn.ensemble",
    "onnxruntime",
    "mlflow",
    "duckdb",
    "evidently",
    "matplotlib.figure",
    "shap",
)
"""Imported once, in the process from which those of the steps are forked."""
_PRELOADED_FOR = {
    "pytorch": ("torch", "torch._dynamo", "onnxscript.function_libs.torch_lib.ops"),
}
"""What is imported beside these where models of a technology (`ModelSpec.technologies`) are fitted: for networks
also what exports them, half as long again as torch itself."""


def most_processes(cores: int, free_bytes: int) -> int:
    """As many processes as there are cores and free memory has room for, at least one."""
    return max(1, min(cores, free_bytes // PROCESS_BYTES))


@dg.executor(
    name="side_by_side",
    config_schema={
        "processes": dg.Field(
            int,
            default_value=0,
            description="processes at a time; 0: as many as chains, cores and memory allow",
        )
    },
)
def side_by_side(context: dg.InitExecutorContext) -> dg.Executor:
    """Steps in processes of their own where several chains can run at once, else in the process of the run.

    The run holds the home's lock from its first step to its last, and its processes work under it. They are
    forked from a process that has imported the heavy libraries already. Chains that take longest start first
    (`ModelSpec.effort`). In an instance that keeps nothing, all steps run in the process of the run.
    """
    return SideBySide(context)


class SideBySide(dg.Executor):
    """Dagster's executor in processes, or the one in this process, whichever suits the steps of a run."""

    def __init__(self, context: dg.InitExecutorContext) -> None:
        self._context = context
        self._here = self._executor_of(dg.in_process_executor, {})

    @property
    def retries(self) -> Any:
        """Whether failed steps are tried again: as by default."""
        return self._here.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """Run the steps of a plan under the lock of the home; the events of all of them, in order of time."""
        settings = read_settings()
        catalogue = home_project(settings).catalogue
        keys = set(execution_plan.step_keys_to_execute)
        names = {key.partition("__")[0] for key in keys}
        models = [spec for spec in catalogue.models if spec.name in names]
        fitted = [spec for spec in models if f"{spec.name}__candidate" in keys]
        wanted = cast("int", self._context.executor_config["processes"])
        processes = _processes(models, wanted)
        if processes < 2 or plan_context.instance.is_ephemeral:
            yield from self._here.execute(plan_context, execution_plan)
            return
        forked = {"forkserver": {"preload_modules": preloaded(fitted)}}
        executor = self._executor_of(
            dg.multiprocess_executor, {"max_concurrent": processes, "start_method": forked}
        )
        with at_work(settings.home, waiting=plan_context.log.info), lent(settings.home):
            # Servers of this process: those that a step has started would end with the step.
            running_services(settings).tracker.begin()
            yield from executor.execute(plan_context, execution_plan)

    def _executor_of(
        self, definition: dg.ExecutorDefinition, config: dict[str, Any]
    ) -> dg.Executor:
        """An executor of Dagster's for the same run."""
        create = definition.executor_creation_fn
        assert create is not None, "Dagster's own executors can be made"
        retries = {"retries": {"enabled": {}}, "tag_concurrency_limits": []}
        return create(
            dg.InitExecutorContext(
                job=self._context.job,
                executor_def=definition,
                executor_config={**retries, **config},
                instance=self._context.instance,
            )
        )


def prepare_processes(home: Path, models: Sequence[ModelSpec], processes: int) -> None:
    """Start the process that the steps of these models are forked from: it imports while something else runs."""
    if _processes(models, processes) < 2:
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(preloaded(models))
    with lent(home):
        forkserver.ensure_running()


def _processes(models: Sequence[ModelSpec], wanted: int) -> int:
    """The chains that run at a time; of 0 that are wanted, as many as cores and memory allow."""
    return min(len(models), wanted or most_processes(usable_cores(), _free_bytes()))


def _free_bytes() -> int:
    """The memory that a new process can have without pushing out others."""
    return int(psutil.virtual_memory().available)


def preloaded(models: Iterable[ModelSpec]) -> list[str]:
    """The modules that take long to import and that chains need in which these models are fitted."""
    used = {name for spec in models for name in spec.technologies}
    extra = (
        module for name, modules in _PRELOADED_FOR.items() if name in used for module in modules
    )
    return [*_PRELOADED, *extra]
