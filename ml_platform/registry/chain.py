"""The hash chain over promotion events: each hash covers an event's content and the hash before it.

To change, drop or reorder an event is to change every hash after it. The chain alone cannot show that its
end was cut off; `verify` finds that by comparing it with the registered versions and with production.
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
    """An event before it is linked into the chain: without sequence number and hashes."""

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
    """A sentence for each place where the chain is broken; empty if it holds."""
    problems: list[str] = []
    previous: PromotionEvent | None = None
    for event in events:
        expected = previous.sequence + 1 if previous else 1
        if event.sequence != expected:
            problems.append(f"event {event.sequence} stands where {expected} should")
        if event.previous_hash != (previous.hash if previous else GENESIS):
            problems.append(f"event {event.sequence} does not continue the event before it")
        if event.hash != content_hash(event):
            problems.append(f"event {event.sequence} has been changed: its hash does not match")
        previous = event
    return tuple(problems)
