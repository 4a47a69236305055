"""What the hot path takes and gives, as it stands in JSON: nothing is coerced, and nothing unknown is let in."""

from typing import Any

import msgspec


def nothing_sent() -> msgspec.Raw:
    """A part of a body that was left out."""
    return msgspec.Raw(b"")


class PredictRequest(msgspec.Struct, forbid_unknown_fields=True):
    """One row for one model."""

    model: str
    features: msgspec.Raw = msgspec.field(default_factory=nothing_sent)
    """Every feature of the model by name: a number, a text, a list of texts, or null where there is none."""
    about: dict[str, Any] | None = None
    """In place of features: an event, an offer, a start, a session, or nothing but the user. Its features as of now
    are computed here."""
    user_id: str | None = None
    """The person that it is for; by default the owner of the key."""
    row_id: str = ""
    """What it is about, such as the id of an event or a suggestion: by it the outcome is found later."""
    explain: bool = False
    """Whether reasons are wanted, which take longer."""
    scores: bool = False
    """Whether the number of every class is wanted."""


class PredictAnswer(msgspec.Struct, omit_defaults=True):
    """The answer, and who gave it."""

    prediction_id: str
    model: str
    version: str
    arm: str
    prediction: str
    confidence: float
    fallback: bool
    """Whether another version answered than should have."""
    cause: str = ""
    """Why; left out where none did."""
    cached: bool = False
    scores: dict[str, float] | None = None
    reasons: Any = None


class Problem(msgspec.Struct, omit_defaults=True):
    """A refusal as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str = ""
    errors: tuple[str, ...] = ()
    """Each field at fault, in words."""
