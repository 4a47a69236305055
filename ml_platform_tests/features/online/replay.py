"""Events replayed in the order in which they come."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from ml_platform_tests.features.pattern_oracle import Event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def online_event(event: Event) -> dict[str, Any]:
    """An event as the online state takes it."""
    return {"source": "test", **asdict(event), "t": microseconds(event.occurred_at)}


def observations(events: Sequence[Event]) -> Iterator[list[dict[str, Any]]]:
    """Events of one actor and microsecond together, in the order of time."""
    rows = sorted((online_event(event) for event in events), key=_observation)
    for _, group in groupby(rows, key=_observation):
        yield list(group)


def _observation(event: dict[str, Any]) -> tuple[int, bool, str]:
    in_case = event["source"].startswith("process-log:") and event["session_id"] is not None
    return event["t"], in_case, event["session_id"] if in_case else event["user_id"]
