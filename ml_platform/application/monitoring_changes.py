"""Changes of the platform in a monitoring window, which may explain what its report sees."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.application.build_features import feature_versions
from ml_platform.application.connections import Connections
from ml_platform.monitoring.causes.parts import CauseKind, PlatformChange
from ml_platform.registry.records import Action
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.spec.training_set import TrainingSetRecord

SILENT = timedelta(days=1)
"""A table of the lake without a row in so long a time before the window's end has stopped."""
_TO_PRODUCTION = {
    Action.PROMOTED: "was promoted",
    Action.ROLLED_BACK: "was rolled back",
    Action.RESTORED: "was restored",
    Action.RAMPED: "went on to a further step of its rollout",
    Action.WITHDRAWN: "was withdrawn from its rollout",
}


def changes_of(
    platform: Connections,
    spec: ModelSpec,
    trained: "TrainingSetRecord",
    start: datetime,
    end: datetime,
) -> tuple[PlatformChange, ...]:
    """The changes that concern the window ``[start, end)`` of a model whose version was fitted to ``trained``.

    They are features whose definition is another one than in that training set, another source, tables of the
    lake that have stopped, and changes of what answers in the window.
    """
    return (
        *_definitions(platform, spec, trained),
        *_source(platform, trained),
        *_stopped_tables(platform, spec, end),
        *_production(platform, spec.name, start, end),
    )


def _definitions(
    platform: Connections, spec: ModelSpec, trained: "TrainingSetRecord"
) -> Iterator[PlatformChange]:
    now = feature_versions(platform, spec.table)
    names = tuple(
        name for name, version in trained.feature_versions.items() if now.get(name) != version
    )
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
        yield PlatformChange(
            CauseKind.DEFINITION,
            names,
            f"the definition of {shown} is another one than in the training set of {trained.as_of:%Y-%m-%d}",
            features=names,
        )


def _source(platform: Connections, trained: "TrainingSetRecord") -> Iterator[PlatformChange]:
    label = platform.home.source.label
    if label != trained.source:
        yield PlatformChange(
            CauseKind.SOURCE,
            (label,),
            f"rows come from {label}, those of training from {trained.source}",
        )


def _stopped_tables(
    platform: Connections, spec: ModelSpec, end: datetime
) -> Iterator[PlatformChange]:
    for table in dict.fromkeys(("events", *spec.needed_tables)):
        newest = platform.lake.newest(table)
        if newest is not None and newest < end - SILENT:
            yield PlatformChange(
                CauseKind.UPSTREAM,
                (table,),
                f"{table} of the lake has no row after {newest:%Y-%m-%dT%H:%MZ}, "
                f"{(end - newest) / timedelta(days=1):.1f} days before the end of the window",
            )


def _production(
    platform: Connections, model: str, start: datetime, end: datetime
) -> Iterator[PlatformChange]:
    for event in platform.ledger.events(model):
        if event.action in _TO_PRODUCTION and start <= event.at < end:
            yield PlatformChange(
                CauseKind.PRODUCTION,
                (str(event.version),),
                f"version {event.version} {_TO_PRODUCTION[event.action]} at {event.at:%Y-%m-%dT%H:%MZ}, "
                "within the window",
            )
