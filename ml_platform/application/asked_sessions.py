"""From which moment on sessions, and the moments that they look back on, may differ from what is published.

A session's row stands at its last moment, looks back on the month before its first one, and compares it with what
was usual in that month, which is known of moments that are published. So what is built begins earlier than what has
changed: with the first session that a change reaches, and events are read from the month before its begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.feature_parts import MOMENTS, kept_parts

if TYPE_CHECKING:
    from ml_platform.adapters.published_moments import PublishedMoments

SESSIONS, EVENTS = "session_features", "int_events"
LOOK_BACK = timedelta(days=30)
"""What windows look back on before a row, or before the begin of a session."""
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(frozen=True)
class AskedSessions:
    """From which moments on what sessions need is built."""

    moments: Mapping[str, datetime]
    """Of each table: where a published part ends."""
    first_begin: datetime
    """When the first session began that has a moment from there on."""


def asked_sessions(
    features: Path, published: "PublishedMoments", changed: datetime
) -> AskedSessions | None:
    """What is to be built where the lake has changed from ``changed`` on; ``None`` for everything.

    Args:
        features: The folder of the published tables.
        published: The moments before ``changed``.
        changed: The first moment of which something is otherwise.
    """
    reached = _first(published.last_of_reached(), published.relabelled(), _number(changed))
    kept = kept_parts(features / SESSIONS, reached)
    if not kept:
        return None
    sessions_from = kept[-1].end
    begin = _first(published.first_begin(_number(sessions_from)), _number(sessions_from))
    kept = kept_parts(features / MOMENTS, min(begin, changed))
    if not kept:
        return None
    moments_from = kept[-1].end
    first_begin = _first(published.first_begin(_number(moments_from)), _number(moments_from))
    return AskedSessions({SESSIONS: sessions_from, MOMENTS: moments_from}, first_begin)


def read_from(published: "PublishedMoments", first_row: datetime) -> datetime:
    """The moment from which on events are read where ``first_row`` is the first whose windows look back.

    No session and no stretch of work is cut there that has a moment within what is looked back on.
    """
    since = _number(first_row - LOOK_BACK)
    return _first(published.first_stretch(since), since)


def _number(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _first(*moments: int | None) -> datetime:
    return _EPOCH + min(moment for moment in moments if moment is not None) * _MICROSECOND
