"""Retention: what is past its days and what nothing needs is removed, from rows, files, MLflow and Dagster alike.

What is removed is recorded in the ledger before it goes, so that a process may be killed anywhere: `verify` finds a
thing that is there, or one that retention has removed, and the next retention goes on with the rest.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from ml_platform import files
from ml_platform.adapters.serving.spool import spooled_days
from ml_platform.application.connections import Connections
from ml_platform.application.reached import moments_of, reachable
from ml_platform.errors import UsageError
from ml_platform.retention.plan import Item, Removal, RetentionPlan, plan
from ml_platform.retention.reachable import LegalHold
from ml_platform.retention.rules import Clock, Kind, Place, Rule, rules

RECORDED = (Kind.ARTIFACT, Kind.TRAINING_SET, Kind.EVALUATION_REPORT, Kind.MLFLOW_RUN)
"""The kinds that `verify` and the mirror of MLflow would miss, did the ledger not say that they were removed."""


class Store(Protocol):
    """A place where things with an age lie."""

    def items(self) -> Iterable[Item]:
        """Everything there that has an age."""
        ...

    def remove(self, items: Sequence[Item]) -> None:
        """Remove those of the items that lie there; what is gone already is no fault."""


@dataclass(frozen=True)
class KindSummary:
    """What goes, or has gone, of one kind."""

    kind: Kind
    things: int
    bytes: int


@dataclass(frozen=True)
class RetentionOutcome:
    """What retention would remove, or has removed."""

    applied: bool
    removals: tuple[Removal, ...]
    kept: tuple[str, ...]
    """What is past its days and stays: kind, key, and who needs it."""
    without_rule: tuple[str, ...]
    """Files and folders of the home that no rule names; they stay."""

    @property
    def bytes(self) -> int:
        """The bytes of everything that goes."""
        return sum(removal.item.bytes for removal in self.removals)

    @property
    def summary(self) -> tuple[KindSummary, ...]:
        """A line a kind."""
        things, sizes = Counter[Kind](), Counter[Kind]()
        for removal in self.removals:
            things[removal.item.kind] += removal.item.count
            sizes[removal.item.kind] += removal.item.bytes
        return tuple(KindSummary(kind, things[kind], sizes[kind]) for kind in Kind if things[kind])


def retain(
    platform: Connections,
    others: Sequence[Store] = (),
    *,
    apply: bool,
    wall: datetime | None = None,
) -> RetentionOutcome:
    """Plan what goes, and with ``apply`` remove it; whoever applies holds the home's lock.

    Args:
        platform: The home.
        others: Stores beside ledger, files and MLflow: Dagster's runs.
        apply: Remove; by default of every caller it is only said what would go.
        wall: The clock on the wall.
    """
    now = {Clock.DATA: platform.now(), Clock.WALL: wall or datetime.now(UTC)}
    with _stores(platform) as own:
        stores = (*own, *others)
        decided = _planned(platform, stores, now)
        if apply:
            platform.ledger.seal_answers(now[Clock.WALL], spooled_days(platform.settings.spool))
            _remove(platform, stores, decided.removals, now)
    return RetentionOutcome(
        applied=apply,
        removals=decided.removals,
        kept=tuple(f"{kept.item.kind} {kept.item.key}: {kept.why}" for kept in decided.kept),
        without_rule=without_rule(platform),
    )


def without_rule(platform: Connections) -> tuple[str, ...]:
    """What lies in the home and has no rule: somebody has put it there, or a rule was forgotten."""
    known = {rule.name for rule in _rules() if rule.place is Place.FOLDER}
    temporary = (files.TEMPORARY_SUFFIX, "-journal", "-wal", "-shm")
    return tuple(
        sorted(
            path.name
            for path in platform.settings.home.iterdir()
            if path.name not in known and not path.name.endswith(temporary)
        )
    )


def hold(platform: Connections, model: str, version: int, *, actor: str, reason: str) -> None:
    """Let a version and all that it needs stay until the hold is lifted.

    Raises:
        UsageError: there is no such version, or it is held already.
    """
    platform.ledger.version(model, version)
    held = LegalHold(model, version, datetime.now(UTC), actor, reason)
    if not platform.ledger.set_legal_hold(held):
        raise UsageError(
            f"{model} {version} is held already.", remedy="`ml-platform retention holds` lists them"
        )


def lift(platform: Connections, model: str, version: int, *, actor: str) -> None:
    """Lift the hold of a version.

    Raises:
        UsageError: it is not held.
    """
    if not platform.ledger.lift_legal_hold(model, version, datetime.now(UTC), actor):
        raise UsageError(
            f"{model} {version} is not held.", remedy="`ml-platform retention holds` lists what is"
        )


def _rules() -> tuple[Rule, ...]:
    from ml_platform.adapters.plugins import installed_catalogue

    delays = [spec.label_delay for spec in installed_catalogue().models]
    return rules(max(delays, default=timedelta(0)))


@contextmanager
def _stores(platform: Connections) -> Iterator[tuple[Store, ...]]:
    """Ledger, files and MLflow of a home; what MLflow's aliases name is added to what is needed."""
    from ml_platform.adapters.kept_files import KeptFiles
    from ml_platform.adapters.ledger.kept_rows import KeptRows

    rows = KeptRows(platform.urls.ml_platform)
    try:
        yield platform.kept_runs, rows, KeptFiles(platform.settings), _Experiments(platform)
    finally:
        rows.close()


class _Experiments:
    """The experiments of a home, which have a rule of their own (`experiments.lifecycle.retention`)."""

    def __init__(self, platform: Connections) -> None:
        self._platform = platform

    def items(self) -> Iterator[Item]:
        """Every experiment, by the time of its last event."""
        ledger = self._platform.ledger
        for name in ledger.experiment_names():
            last = max(event.at for event in ledger.experiment_events(name))
            statistics = ledger.experiment_statistics(name) or b""
            yield Item(Kind.EXPERIMENT, name, last, len(statistics))

    def remove(self, items: Sequence[Item]) -> None:
        """Take definition, result and statistics away; the log stays."""
        for item in items:
            if item.kind is Kind.EXPERIMENT:
                self._platform.ledger.prune_experiment(item.key, datetime.now(UTC))


def _planned(
    platform: Connections, stores: Sequence[Store], now: dict[Clock, datetime]
) -> RetentionPlan:
    moments = moments_of(platform)
    items = [_dated(item, moments) for store in stores for item in store.items()]
    named = platform.kept_runs.named_by_aliases()
    needed = reachable(platform, {(Kind.MLFLOW_RUN, run): why for run, why in named.items()})
    return plan(items, _rules(), needed, now)


def _dated(item: Item, moments: Mapping[tuple[Kind, str], datetime]) -> Item:
    """The item with the time of the version that it belongs to, by the clock of the data."""
    at = moments.get((item.kind, item.key))
    return item if at is None else replace(item, at=at, clock=Clock.DATA)


def _remove(
    platform: Connections,
    stores: Sequence[Store],
    removals: Sequence[Removal],
    now: Mapping[Clock, datetime],
) -> None:
    """Record what goes, then let each store remove its part."""
    files.remove_leftovers(platform.settings.home / "run")
    recorded = [removal for removal in removals if removal.item.kind in RECORDED]
    platform.ledger.record_removals(recorded, now[Clock.WALL])
    items = [removal.item for removal in removals]
    for store in stores:
        store.remove(items)
