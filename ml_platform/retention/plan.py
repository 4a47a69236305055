"""What is to be removed and what stays: each thing against its rule and against what is reachable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_platform.retention.reachable import Reachable
from ml_platform.retention.rules import Clock, Kind, Rule


@dataclass(frozen=True)
class Item:
    """A thing that is kept, or many rows of one week or day."""

    kind: Kind
    key: str
    at: datetime
    """Its time by ``clock``; of many rows that of the last one."""
    bytes: int = 0
    count: int = 1
    clock: Clock | None = None
    """``None``: the clock of its rule."""


@dataclass(frozen=True)
class Removal:
    """A thing that is past its days and that nothing needs."""

    item: Item
    why: str


@dataclass(frozen=True)
class Removed:
    """What the ledger says of a thing that was removed."""

    at: datetime
    """When that was first recorded."""
    why: str


@dataclass(frozen=True)
class Kept:
    """A thing that is past its days and stays, since something needs it."""

    item: Item
    why: str


@dataclass(frozen=True)
class RetentionPlan:
    """What goes, and what is past its days but stays."""

    removals: tuple[Removal, ...]
    kept: tuple[Kept, ...]


def plan(
    items: Iterable[Item],
    rules: Iterable[Rule],
    reachable: Reachable,
    now: Mapping[Clock, datetime],
) -> RetentionPlan:
    """Hold every item against the rule of its kind: reachable things stay, whatever their age."""
    rule_by_kind = {rule.kind: rule for rule in rules if rule.kind is not None}
    removals, kept = list[Removal](), list[Kept]()
    for item in items:
        rule = rule_by_kind[item.kind]
        age = now[item.clock or rule.clock] - item.at
        if rule.days is None or age < timedelta(days=rule.days):
            continue
        needed = reachable.why(item.kind, item.key)
        if needed:
            kept.append(Kept(item, needed))
        else:
            removals.append(Removal(item, f"{age.days} days old, kept {rule.days}: {rule.why}"))
    return RetentionPlan(tuple(removals), tuple(kept))
