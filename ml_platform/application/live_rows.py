"""Rows of features as of now, for models that are asked about an event, an offer, a start, a user or a session."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ml_platform.adapters.newest_rows import NewestRows
from ml_platform.application.online_state import CaughtUp, OnlineState
from ml_platform.errors import UsageError
from ml_platform.home import read_home
from ml_platform.settings import Settings

About = Mapping[str, Any]
"""What a model is asked about, as it came in a request."""
Row = dict[str, Any]

MOST_AT_ONCE = 50
"""Offers or starts that may be asked about at once."""
_HOUR = 3_600_000_000


class LiveRows:
    """Answers from the online state, and from the newest build where a table is a batch."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is known before the first `catch_up`."""
        self._state = OnlineState(settings)
        home = read_home(settings)
        self._source = home.source.text if home is not None else ""
        self._batches = {
            "adoption_snapshots": NewestRows(settings.features / "adoption_snapshots", "user_id"),
            "session_features": NewestRows(settings.features / "session_features", "row_id"),
        }
        self._tables: dict[str, Callable[[About], list[Row]]] = {
            "pattern_features": self._patterns,
            "step_features": self._steps,
            "suggestion_features": self._suggestions,
            "start_time_features": self._start_times,
            "adoption_snapshots": lambda about: self._batch("adoption_snapshots", about, "user_id"),
            "session_features": lambda about: self._batch("session_features", about, "session_id"),
        }

    def catch_up(self, progress: Callable[[float], None] = lambda share: None) -> CaughtUp:
        """Know what the lake knows, see `OnlineState.catch_up`; where all of it was read, a snapshot is kept."""
        caught_up = self._state.catch_up(progress)
        if not caught_up.from_snapshot:
            self._state.keep()
        for batch in self._batches.values():
            batch.read()
        return caught_up

    def tell_event(self, event: Row) -> None:
        """Take an event that has happened, before it is in the lake; times are microseconds since 1970."""
        self._state.live.event(event)

    def rows(self, table: str, about: About) -> list[Row]:
        """The rows of a feature table for what is asked about, with plain values, each feature by name.

        Raises:
            UsageError: the table cannot be asked so, a field cannot be used, or nothing is known of it.
        """
        if table not in self._tables:
            raise UsageError(
                f"{table} has no rows as of now.", remedy="send the features in the request"
            )
        return [_plain(row) for row in self._tables[table](about)]

    def _patterns(self, about: About) -> list[Row]:
        return self._state.live.pattern_features([self._event(about)])

    def _steps(self, about: About) -> list[Row]:
        return [self._state.live.step_features([self._event(about)])]

    def _suggestions(self, about: About) -> list[Row]:
        shown_at = _moment(about, "shown_at")
        offers = about.get("workflows")
        if not isinstance(offers, Sequence) or isinstance(offers, str) or not offers:
            offers = [{"workflow_id": about.get("workflow_id"), "category": about.get("category")}]
        _require_few("workflows", offers)
        asked = [
            {
                "user_id": _text(about, "user_id"),
                "workflow_id": _text(offer, "workflow_id"),
                "category": _text(offer, "category", needed=False),
                "shown_at": shown_at,
            }
            for offer in offers
        ]
        return self._state.live.suggestions.features(asked)

    def _start_times(self, about: About) -> list[Row]:
        t = _moment(about, "decided_at")
        decision = {
            "user_id": _text(about, "user_id"),
            "workflow_id": _text(about, "workflow_id"),
            "trigger": _text(about, "trigger", needed=False) or "schedule",
            "utc_offset_minutes": _whole(about, "utc_offset_minutes"),
            "t": t,
        }
        live = self._state.live.start_times
        zone = live.zone(decision, t)
        starts = about.get("starts") or [None]
        _require_few("starts", starts)
        times = [t if start is None else _micros("starts", start) for start in starts]
        return live.features(decision, [(c, (c + zone) // _HOUR % 24) for c in times])

    def _event(self, about: About) -> Row:
        """What is asked about as an event of the lake; its source is that of the home unless one is named."""
        event: Row = {name: _text(about, name) for name in ("user_id", "tool", "operation")}
        for name in ("object_path", "object_extension", "session_id", "change_set_id"):
            event[name] = _text(about, name, needed=False)
        return {
            **event,
            "event_id": "asked",
            "occurred_at": _moment(about, "occurred_at"),
            "source": _text(about, "source", needed=False) or self._source,
            "utc_offset_minutes": _whole(about, "utc_offset_minutes"),
            "workflow_category": None,
            "is_bot": False,
        }

    def _batch(self, table: str, about: About, field: str) -> list[Row]:
        name = _text(about, field)
        row = self._batches[table].find(str(name))
        if row is None:
            raise UsageError(
                f"Nothing is known of {field} {str(name)[:80]!r} in the newest build of {table}.",
                remedy=f"give a {field} that the lake had at that build, or send the features",
            )
        return [row]


def _require_few(field: str, asked: object) -> None:
    if isinstance(asked, str) or not isinstance(asked, Sequence) or len(asked) > MOST_AT_ONCE:
        raise UsageError(
            f"{field} is {asked!r:.40}, not a list of at most {MOST_AT_ONCE}.",
            remedy="ask several times",
        )


def _text(about: About, field: str, *, needed: bool = True) -> str | None:
    value = about.get(field) if isinstance(about, Mapping) else None
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not value:
        raise UsageError(
            f"{field} is {value!r:.40}, not a text.", remedy=f"say what is asked about: {field}"
        )
    return value


def _whole(about: About, field: str) -> int | None:
    value = about.get(field)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise UsageError(f"{field} is {value!r:.40}, not whole minutes.", remedy="leave it out")
    return value


def _moment(about: About, field: str) -> int:
    """Microseconds since 1970 of a time that was given; without one, of now."""
    given = about.get(field)
    return int(datetime.now(UTC).timestamp() * 1e6) if given is None else _micros(field, given)


def _micros(field: str, given: object) -> int:
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError as error:
        raise UsageError(
            f"{field} is {given!r:.40}, not a time.", remedy="write it as 2026-05-01T12:00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise UsageError(f"{field} {given!r:.40} has no zone.", remedy="end it with Z for UTC")
    return int(moment.timestamp() * 1e6)


def _plain(row: Mapping[str, Any]) -> Row:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return [str(word) for word in value]
    if isinstance(value, bool | int | float):
        return float(value) if math.isfinite(value) else None
    return value
