"""The hash chain over promotion events: each hash covers an event's content and the hash before it.

To change, drop or reorder an event is to change every hash after it. The chain alone cannot show that its
end was cut off; `verify` finds that by comparing it with the registered versions and with production.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

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


def content_hash(stored: str) -> str:
    """SHA-256 of the canonical JSON of an event as it is stored, with its own hash left empty.

    The text itself is hashed, not the event that it is read as: a field that a later release adds to events
    changes no hash of those that stand already.
    """
    content = json.loads(stored) | {"hash": ""}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def link(
    previous: PromotionEvent | None, draft: EventDraft, recorded_at: datetime | None = None
) -> PromotionEvent:
    """The draft as the next link after ``previous`` (``None``: the first).

    Args:
        previous: The last link.
        draft: What has happened.
        recorded_at: The clock on the wall.

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
        recorded_at=recorded_at,
    )
    return replace(event, hash=content_hash(to_json(event)))


def extend(
    previous: PromotionEvent | None,
    drafts: Iterable[EventDraft],
    recorded_at: datetime | None = None,
) -> tuple[PromotionEvent, ...]:
    """The drafts, in order, as links after ``previous``, all of one moment on the wall."""
    links: list[PromotionEvent] = []
    for draft in drafts:
        previous = link(previous, draft, recorded_at)
        links.append(previous)
    return tuple(links)


def breaks(stored: Sequence[str]) -> tuple[str, ...]:
    """A sentence for each place where a chain of stored events is broken; empty if it holds.

    Args:
        stored: The JSON text of every event, in the order of the chain.
    """
    faults: list[str] = []
    previous: dict[str, Any] | None = None
    for text in stored:
        try:
            event: dict[str, Any] = json.loads(text)
            sequence, hashed = event["sequence"], content_hash(text)
        except (ValueError, KeyError, TypeError):
            return (*faults, f"an event cannot be read: {text[:60]!r}")
        expected = previous["sequence"] + 1 if previous else 1
        if sequence != expected:
            faults.append(f"event {sequence} stands where {expected} should")
        if event.get("previous_hash") != (previous.get("hash") if previous else GENESIS):
            faults.append(f"event {sequence} does not continue the event before it")
        if event.get("hash") != hashed:
            faults.append(f"event {sequence} has been changed: its hash does not match")
        previous = event
    return tuple(faults)
