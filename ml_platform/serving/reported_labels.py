"""What a report about an answer means for its model: a label in the lake, an outcome for monitoring, or neither."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from ml_platform.events.posted import PostedRow
from ml_platform.serving.feedback import OUTCOME
from ml_platform.spec.label_place import LabelPlace


class _Body(msgspec.Struct):
    model: str
    kind: str
    at: datetime
    label: str | None = None


_BODY = msgspec.json.Decoder(_Body)


@dataclass(frozen=True)
class KnownOutcome:
    """An outcome of a row that is kept for monitoring alone."""

    model: str
    row_id: str
    label: str
    known_at: datetime


def meaning(
    posted: PostedRow, places: Mapping[str, LabelPlace | None]
) -> PostedRow | KnownOutcome | None:
    """What a report means: values that complete a row of the lake, an outcome for monitoring, or neither.

    Args:
        posted: A row of the inbox whose table is `feedback.FEEDBACK`.
        places: By model, where its label lives; a model that is not there is not known any more.
    """
    body = _BODY.decode(posted.body)
    place = places.get(body.model)
    label = body.label if place is None or body.kind == OUTCOME else place.words.get(body.kind)
    if label is None or not posted.row_id or body.model not in places:
        return None
    if place is None:
        return KnownOutcome(body.model, posted.row_id, label, body.at)
    values = {place.column: label}
    if place.time_column:
        values[place.time_column] = body.at.astimezone(UTC).isoformat()
    return PostedRow(
        posted.id,
        place.table,
        posted.row_id,
        posted.user_id,
        json.dumps(values),
        posted.received_at,
        completes=True,
    )
