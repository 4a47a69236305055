"""The hash chain over promotion events: each hash covers an event's content and the hash before it.

Whoever changes, drops or reorders an event that others have seen changes every hash after it; what
the chain cannot see, a tail cut off, `verify` finds by comparing it with versions and production.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ml_platform.errors import UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.values import to_json

GENESIS = "0" * 64
"""The hash before the first event."""


@dataclass(frozen=True)
class EventDraft:
    """An event that is not yet a link of the chain."""

    model: str
    version: int
    action: Action
    verdict: Verdict
    at: datetime
    actor: str
    evidence: dict[str, str]


def content_hash(event: PromotionEvent) -> str:
    """SHA-256 of the canonical JSON of the event, its own hash left out."""
    return hashlib.sha256(to_json(replace(event, hash="")).encode()).hexdigest()


def link(previous: PromotionEvent | None, draft: EventDraft) -> PromotionEvent:
    """The draft as the next link after ``previous`` (``None``: the first).

    Raises:
        UsageError: the time of the draft has no zone.
    """
    if draft.at.tzinfo is None:
        raise UsageError(
            f"The time {draft.at.isoformat()} of an event has no zone.", remedy="Give a UTC time."
        )
    event = PromotionEvent(
        sequence=previous.sequence + 1 if previous else 1,
        model=draft.model,
        version=draft.version,
        action=draft.action,
        verdict=draft.verdict,
        at=draft.at.astimezone(UTC),
        actor=draft.actor,
        evidence=dict(draft.evidence),
        previous_hash=previous.hash if previous else GENESIS,
        hash="",
    )
    return replace(event, hash=content_hash(event))


def extend(
    previous: PromotionEvent | None, drafts: Iterable[EventDraft]
) -> tuple[PromotionEvent, ...]:
    """The drafts, in order, as links after ``previous``."""
    links: list[PromotionEvent] = []
    for draft in drafts:
        previous = link(previous, draft)
        links.append(previous)
    return tuple(links)


def breaks(events: Sequence[PromotionEvent]) -> tuple[str, ...]:
    """Every place where the chain does not hold, in words; empty if it holds."""
    found: list[str] = []
    before: PromotionEvent | None = None
    for event in events:
        expected = before.sequence + 1 if before else 1
        if event.sequence != expected:
            found.append(f"event {event.sequence} stands where {expected} should")
        if event.previous_hash != (before.hash if before else GENESIS):
            found.append(f"event {event.sequence} does not continue the event before it")
        if event.hash != content_hash(event):
            found.append(f"event {event.sequence} has been changed: its hash does not fit")
        before = event
    return tuple(found)
