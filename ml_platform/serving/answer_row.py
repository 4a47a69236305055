"""The record of one answer of the service: a slim row that is kept for weeks, and a payload of a few days."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec


class Origin(StrEnum):
    """How an answer came about."""

    SERVED = "served"
    """Somebody asked and got it."""
    SHADOW = "shadow"
    """A version that is tried out answered beside; nobody saw it."""
    BATCH = "batch"
    """One of many rows that were asked at once."""


class AnswerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One answer with what it rests on; its key is the day with `prediction_id` and `origin`."""

    day: str
    """UTC day of ``predicted_at``, as 2026-11-23."""
    prediction_id: str
    """UUIDv7; an answer in shadow has that of the answer that was given."""
    model: str
    version: str
    """The version whose answer it is, or the rules as ``rules@`` and 12 digits."""
    arm: str
    """`ml_platform.serving.router.ServedArm`."""
    origin: str
    user_id: str
    """The person that it is for."""
    key_id: str
    """The API key by which it was asked."""
    row_id: str
    """What it is about, such as an event's id; empty where nobody said."""
    predicted_at: datetime
    milliseconds: float
    """From the whole request to the answer, before it was logged."""
    prediction: str
    confidence: float
    """In [0, 1]."""
    fallback: str
    """Why another version answered than should have; empty where none did."""
    failed_version: str
    """The version that was asked first and failed; empty where none did."""
    data_version: str
    feature_version: str
    features: str
    """The features as they were sent, JSON."""
    scores: str
    """One number per class, JSON."""


def days_of(rows: Iterable[AnswerRow]) -> frozenset[date]:
    """The days of answers; a text that names none, or the last one that there is, counts for nothing."""
    days = set[date]()
    for text in {row.day for row in rows}:
        try:
            day = date.fromisoformat(text)
            day + timedelta(days=1)
        except (ValueError, OverflowError):
            continue
        days.add(day)
    return frozenset(days)
