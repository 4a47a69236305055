"""The features of a row as they were sent: bounded, plain values, and nothing that the log could not hold."""

from collections.abc import Iterator, Mapping

import msgspec

from ml_platform.api.problems import Kind, Refused
from ml_platform.serving.json_faults import UNREADABLE

MOST_ROW_BYTES = 65_536
"""The longest features of a row: hundreds of them take a tenth of it, and each row is logged as it came."""
Value = float | str | list[str] | None
_FEATURES = msgspec.json.Decoder(dict[str, Value])
_NUL, _SENT_NUL = "\0", rb"\u0000"


def values_of(sent: bytes) -> dict[str, Value]:
    """The features as plain values.

    Raises:
        Refused: they are too long, or no object of numbers, texts, lists of texts and nulls; or a text of theirs
            has the character NUL, which PostgreSQL stores in no text.
    """
    if len(sent) > MOST_ROW_BYTES:
        raise Refused(
            Kind.REFUSED,
            f"The features have {len(sent):,} bytes; {MOST_ROW_BYTES:,} are the most of a row.",
            remedy="send the features of one row, and no document",
        )
    try:
        values = _FEATURES.decode(sent)
    except UNREADABLE as error:
        raise Refused(
            Kind.REFUSED,
            f"The features cannot be used: {error}.",
            remedy="send an object: a number, a text, a list of texts or null by the name of the feature",
        ) from error
    if _SENT_NUL in sent and (faults := tuple(_with_nul(values))):
        raise Refused(
            Kind.REFUSED,
            "A text must not have the character NUL.",
            remedy="leave the character out",
            errors=faults,
        )
    return values


def _with_nul(values: Mapping[str, Value]) -> Iterator[str]:
    """Each feature whose name or text has the character."""
    for name, value in values.items():
        texts: list[object] = [name, *value] if isinstance(value, list) else [name, value]
        if any(isinstance(text, str) and _NUL in text for text in texts):
            yield f"features.{name[:80].replace(_NUL, '<NUL>')} has the character NUL"
