"""Jobs for what a person does with a version, with typed config: the same as `ml-platform models`.

They take no lock of the home: a rollback waits for no training.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from ml_platform.application.change_version import asked, change_version
from ml_platform.application.connections import Connections
from ml_platform.application.guard_rollout import skip_step
from ml_platform.application.roll_back import roll_back
from ml_platform.registry.records import PromotionEvent
from ml_platform.settings import read_settings

VERSION_JOBS = ("change_version", "compare_versions", "roll_back", "skip_rollout_step")
"""Jobs that need to be told which version is meant."""


class UnlockedPlatform(dg.ConfigurableResource[Connections]):
    """Gives ops their `Connections` without the lock of the home, which is for whoever changes its files."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Connections]:
        """Give the connections, not opened yet."""
        yield Connections(read_settings())


class Asked(dg.Config):
    """Who asks for a change of which model, and why."""

    model: str = Field(description="Name of the model, such as pattern_classifier.")
    actor: str = Field(description="Who asks for it; it stands in the chain.")
    reason: str = Field(description="Why; it stands in the chain.")


class ChangeVersion(Asked):
    """A change of one version."""

    version: int = Field(description="Number of the version.")
    change: Literal["approve", "hold", "resume"] = Field(description="What happens to it.")


class RollBack(Asked):
    """A rollback."""

    to: str = Field(
        default="", description="Number of an earlier champion, or `rules`; empty: the one before."
    )


class CompareVersions(dg.Config):
    """Two versions of a model."""

    model: str = Field(description="Name of the model.")
    first: int = Field(description="The version that is there.")
    second: int = Field(description="The version that is held against it.")


@dg.op(name="change_version_op", description="Approves, holds or resumes one version.")
def change_version_op(
    context: dg.OpExecutionContext, config: ChangeVersion, unlocked: dg.ResourceParam[Connections]
) -> None:
    """One of the changes of `ml-platform models`."""
    request = asked(unlocked, config.actor, config.reason)
    events = change_version(unlocked, config.change, config.model, config.version, request)
    _tell(context, events)


@dg.op(
    name="roll_back_op", description="Takes away a rollout, or goes back to the champion before."
)
def roll_back_op(
    context: dg.OpExecutionContext, config: RollBack, unlocked: dg.ResourceParam[Connections]
) -> None:
    """`ml-platform models rollback`."""
    request = asked(unlocked, config.actor, config.reason)
    done = roll_back(unlocked, config.model, request, config.to or None)
    left = f"version {done.left}" if done.left else "the rules"
    context.log.info(f"{left} answered, {done.answers} answers now")
    context.add_output_metadata(
        {"answered before": left, "answers": done.answers, "revision": done.revision}
    )


@dg.op(
    name="skip_rollout_step_op", description="Leads a rollout on before its step has seen enough."
)
def skip_step_op(
    context: dg.OpExecutionContext, config: Asked, unlocked: dg.ResourceParam[Connections]
) -> None:
    """`ml-platform models promote --skip-step`."""
    request = asked(unlocked, config.actor, config.reason)
    rollout = skip_step(unlocked, config.model, request)
    share = f"{rollout.step.share:.0%} of the users" if rollout else "in production"
    context.log.info(f"{config.model}: {share}")
    context.add_output_metadata({"rollout": share})


@dg.op(
    name="compare_versions_op", description="Two versions on the same rows, and what is advised."
)
def compare_versions_op(
    context: dg.OpExecutionContext, config: CompareVersions, unlocked: dg.ResourceParam[Connections]
) -> None:
    """`ml-platform models compare`."""
    from ml_platform.application.compare_versions import compare_versions, write_comparison
    from ml_platform.defs.tables import table

    compared = compare_versions(unlocked, config.model, config.first, config.second)
    decision = compared.decision
    context.add_output_metadata(
        {
            "advice": f"{decision.verdict.value.upper()}: {decision.row}",
            "rows": f"{compared.rows:,} rows, which {compared.rows_of}",
            "metrics": table(
                {
                    "metric": metric.metric,
                    "first": metric.first.value,
                    "second": metric.second.value,
                    "difference": metric.difference.value,
                    "low": metric.difference.low,
                    "high": metric.difference.high,
                    "p": metric.p,
                }
                for metric in compared.metrics
            ),
            "schema": table(
                {"change": change.text, "breaking": str(change.breaking)}
                for change in compared.schema
            ),
            "way back": compared.way_back,
            "page": dg.MetadataValue.path(str(write_comparison(unlocked, compared))),
        }
    )


def version_jobs() -> Iterator[Any]:
    """A job for each op, run in the process that launches it; config goes to the op, such as ``roll_back_op``."""
    ops = (change_version_op, compare_versions_op, roll_back_op, skip_step_op)
    for name, op in zip(VERSION_JOBS, ops, strict=True):
        graph = dg.GraphDefinition(name=name, node_defs=[op], description=op.description)
        yield graph.to_job(executor_def=dg.in_process_executor)


def _tell(context: dg.OpExecutionContext, events: tuple[PromotionEvent, ...]) -> None:
    words = [f"{event.model} {event.version} {event.action}" for event in events]
    context.log.info("; ".join(words) or "nothing to do")
    context.add_output_metadata({"events": ", ".join(words) or "none"})
