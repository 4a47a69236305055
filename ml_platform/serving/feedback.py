"""What people report of an answer: an outcome, or feedback."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import msgspec

FEEDBACK = "feedback"
"""In place of a table of the lake: a report about an answer, which its model decides the meaning of."""
OUTCOME = "outcome"
_FIRST_DAY = date(1970, 1, 1).toordinal()
_MILLISECONDS_OF_A_DAY = 86_400_000


class FeedbackKind(StrEnum):
    """What somebody has done with an answer."""

    APPLIED = "applied"
    DISMISSED = "dismissed"
    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    EDIT = "edit"
    DELETE = "delete"
    DWELL = "dwell"
    """Looked at it, for ``value`` seconds."""


class Report(msgspec.Struct, frozen=True):
    """One report as it is stored; the same report twice is one."""

    prediction_id: UUID
    kind: str
    """A `FeedbackKind`, or `OUTCOME`."""
    label: str | None
    """Of an outcome alone."""
    value: float | None
    """Of dwelling alone: seconds."""
    at: datetime
    """When it happened, or was known."""
    once: str
    """Reports of a prediction and kind that are equal in this are the same one."""


def days_of(prediction_id: UUID) -> tuple[date, ...]:
    """The days that the answer of an id may be logged under; none of an id that the service never gave.

    The id, a UUIDv7, has the time of its making; the answer was given a moment before, perhaps on the day before.
    """
    ordinal = _FIRST_DAY + (prediction_id.int >> 80) // _MILLISECONDS_OF_A_DAY
    if prediction_id.version != 7 or ordinal > date.max.toordinal():
        return ()
    return date.fromordinal(ordinal), date.fromordinal(ordinal - 1)
