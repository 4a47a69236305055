"""Every feature once more, in plain Python, straight from its definition: the oracle of the tests.

For each row it looks at all events of the table, keeps those strictly before the row (and those of the
row's own change set, for the features of the change set), and computes. Quadratic in the rows, so for hundreds of
them; the dbt models must agree to the bit, ties, duplicates and late rows included.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ml_platform_tests.features.paths_oracle import ObjectParts, object_parts

Value = float | str | bool | datetime | list[str] | None

MICROSECOND = timedelta(microseconds=1)
HOUR = 3_600_000_000
DAY = 24 * HOUR
STRETCH_PAUSE = HOUR // 2
MEMORY_SPAN = 8 * HOUR
MEMORY_MOMENTS = 12
CHANGE_SET_TOKENS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPERATIONS = {
    "add": {"add", "added", "a", "create", "created", "new"},
    "delete": {"delete", "deleted", "d", "remove", "removed"},
    "rename": {"rename", "renamed", "r", "move", "moved"},
}
_KINDS = ("test", "docs", "ci", "config", "lock", "manifest", "source")


@dataclass(frozen=True)
class Event:
    """A row of the table ``events``, as far as a feature may look at it."""

    event_id: str
    user_id: str
    occurred_at: datetime
    change_set_id: str
    tool: str
    operation: str
    source: str = "test"
    object_path: str | None = None
    object_extension: str | None = None
    session_id: str | None = None
    workflow_category: str | None = None
    is_bot: bool = False
    utc_offset_minutes: int | None = None

    @property
    def case(self) -> str | None:
        """The case that the event belongs to, in a process log."""
        return self.session_id if self.source.startswith("process-log:") else None

    @property
    def actor(self) -> tuple[bool, str]:
        """Whose earlier events are the row's past: the user's, or in a process log those of the case."""
        return (False, self.user_id) if self.case is None else (True, self.case)

    @property
    def t(self) -> int:
        """Microseconds since 1970, exact."""
        return (self.occurred_at - _EPOCH) // MICROSECOND

    @property
    def named(self) -> tuple[str | None, str | None]:
        """The object, as the source names it."""
        return self.object_path, self.object_extension

    @property
    def parts(self) -> ObjectParts:
        """What its path tells."""
        return object_parts(self.object_path, self.object_extension)


@dataclass(frozen=True)
class Moment:
    """What a user did in one microsecond, by its most frequent values."""

    t: int
    tool: str | None
    operation: str | None
    extension: str | None
    folder: str | None
    subfolder: str | None


def pattern_features(events: Iterable[Event]) -> list[dict[str, Value]]:
    """Keys, label and features of every event, in order of (occurred_at, event_id)."""
    unique = {event.event_id: event for event in events}
    ordered = sorted(unique.values(), key=lambda event: (event.occurred_at, event.event_id))
    return [_row(event, ordered) for event in ordered]


def _row(row: Event, events: Sequence[Event]) -> dict[str, Value]:
    before = [event for event in events if event.t < row.t]
    mine = [event for event in before if event.user_id == row.user_id]
    key = (row.user_id, row.t, row.change_set_id)
    change_set = [event for event in events if (event.user_id, event.t, event.change_set_id) == key]
    moments = _moments(mine)
    stretch = _stretch_start(row.t, [moment.t for moment in moments])
    return {
        "row_id": row.event_id,
        "user_id": row.user_id,
        "cluster_id": row.session_id or f"stretch:{row.user_id}:{stretch}",
        "change_set_id": row.change_set_id,
        "occurred_at": row.occurred_at,
        "is_bot": row.is_bot,
        "source": row.source,
        "workflow_category": row.workflow_category,
        **_of_the_row(row),
        **_of_the_clock(row.t + (row.utc_offset_minutes or 0) * 60_000_000),
        **_of_the_change_set(row, change_set),
        **_of_the_sequence(row, moments, mine, stretch),
        **_of_the_user(row, mine),
        **_of_the_object(row, before),
    }


def _of_the_row(row: Event) -> dict[str, Value]:
    parts = row.parts
    return {
        "tool": row.tool,
        "operation": row.operation,
        "extension": parts.extension,
        "folder": parts.folder,
        "subfolder": parts.subfolder,
        "file_name": parts.file_name,
        "path_depth": parts.path_depth,
        "path_kind": parts.path_kind,
        "is_dotfile": parts.is_dotfile,
        "path_tokens": list(parts.tokens),
        "extension_x_operation": _crossed(parts.extension, row.operation),
        "kind_x_operation": _crossed(parts.path_kind, row.operation),
    }


def _of_the_clock(local: int) -> dict[str, Value]:
    weekday = (local // DAY + 3) % 7
    turn = 2 * math.pi * (local // 60_000_000 % 1440) / 1440
    week_turn = 2 * math.pi * weekday / 7
    return {
        "is_weekend": float(weekday >= 5),
        "hour": float(local // HOUR % 24),
        "weekday": float(weekday),
        "hour_sin": math.sin(turn),
        "hour_cos": math.cos(turn),
        "weekday_sin": math.sin(week_turn),
        "weekday_cos": math.cos(week_turn),
    }


def _of_the_change_set(row: Event, change_set: Sequence[Event]) -> dict[str, Value]:
    parts = [event.parts for event in change_set]
    kinds = [part.path_kind for part in parts if part.path_kind is not None]
    depths = [part.path_depth for part in parts if part.path_depth is not None]
    tokens = Counter(
        token for event in change_set for token in (*event.parts.tokens, _operation_token(event))
    )
    shares: dict[str, Value] = {
        f"change_set_share_{name}": _mean(event.operation.lower() in names for event in change_set)
        for name, names in _OPERATIONS.items()
    }
    shares |= {
        f"change_set_share_{kind}": _mean(other == kind for other in kinds) for kind in _KINDS
    }
    return shares | {
        "change_set_rows": float(len(change_set)),
        "change_set_extensions": float(len({p.extension for p in parts} - {None})),
        "change_set_folders": float(len({p.folder for p in parts} - {None})),
        "change_set_kinds": float(len(set(kinds))),
        "change_set_depth_mean": _mean(depths),
        "change_set_main_extension": _most_frequent(p.extension for p in parts),
        "change_set_main_folder": _most_frequent(p.folder for p in parts),
        "change_set_main_kind": _most_frequent(kinds),
        "same_extension_share": _share(row.parts.extension, [p.extension for p in parts]),
        "same_folder_share": _share(row.parts.folder, [p.folder for p in parts]),
        "change_set_tokens": sorted(tokens, key=lambda token: (-tokens[token], token))[
            :CHANGE_SET_TOKENS
        ],
    }


def _of_the_sequence(
    row: Event, moments: Sequence[Moment], mine: Sequence[Event], stretch: int
) -> dict[str, Value]:
    memory = [moment for moment in reversed(moments) if moment.t >= row.t - MEMORY_SPAN]
    memory = memory[:MEMORY_MOMENTS]
    day = [moment.t for moment in moments if moment.t >= row.t - DAY]
    eight = [event for event in mine if event.t >= row.t - MEMORY_SPAN]
    lags: dict[str, Value] = {
        f"lag{step}_{what}": getattr(memory[step - 1], what) if len(memory) >= step else None
        for step in (1, 2, 3)
        for what in ("tool", "operation", "extension", "folder")
        if step < 3 or what == "operation"
    }
    return lags | {
        "session_position": float(sum(moment.t >= stretch for moment in moments)),
        "session_minutes": (row.t - stretch) / 60_000_000,
        "seconds_since_last": (row.t - moments[-1].t) / 1_000_000 if moments else None,
        "mean_gap_24h": (day[-1] - day[0]) / 1_000_000 / (len(day) - 1) if len(day) > 1 else None,
        "session_tokens": [f"t:{past.tool}|o:{past.operation}" for past in memory],
        "session_places": [f"s:{p.subfolder or ''}|x:{p.extension or ''}" for p in memory],
        "same_tool_as_last": float(row.tool == memory[0].tool) if memory else None,
        "same_folder_as_last": _same(row.parts.folder, memory[0].folder) if memory else None,
        "run_length": _run_length(row.parts.folder, moments) if memory else None,
        "session_distinct_tools": float(len({event.tool for event in eight})) or None,
        "session_same_operation_share": _mean(e.operation == row.operation for e in eight),
    }


def _of_the_user(row: Event, mine: Sequence[Event]) -> dict[str, Value]:
    week = [event for event in mine if event.t >= row.t - 7 * DAY]
    day = [event for event in week if event.t >= row.t - DAY]
    hour = [event for event in day if event.t >= row.t - HOUR]
    clock = _local_hour(row)
    return {
        "events_1h": float(len(hour)),
        "events_24h": float(len(day)),
        "events_7d": float(len(week)),
        "change_sets_24h": float(len({(event.t, event.change_set_id) for event in day})),
        "rate_1h_to_7d": len(hour) * 168 / len(week) if week else None,
        "distinct_extensions_24h": float(len({e.parts.extension for e in day} - {None})),
        "share_extension_7d": _share(row.parts.extension, [e.parts.extension for e in week]),
        "share_tool_7d": _share(row.tool, [event.tool for event in week]),
        "share_folder_7d": _share(row.parts.subfolder, [e.parts.subfolder for e in week]),
        "share_hour_7d": _mean(_local_hour(event) == clock for event in week),
    }


def _of_the_object(row: Event, before: Sequence[Event]) -> dict[str, Value]:
    everybody = float(sum(event.t >= row.t - DAY for event in before))
    month = [event for event in before if event.t >= row.t - 30 * DAY]
    place = row.parts.subfolder
    touches = [event.t for event in month if event.named == row.named]
    here = [event for event in month if event.parts.subfolder == place]
    known: dict[str, float | None] = {
        "object_touches_30d": float(len(touches)),
        "hours_since_object_touched": (row.t - max(touches)) / HOUR if touches else None,
        "folder_touches_7d": float(sum(event.t >= row.t - 7 * DAY for event in here)),
        "folder_users_30d": float(len({event.user_id for event in here})),
        "folder_user_touches_30d": float(sum(e.user_id == row.user_id for e in here)),
    }
    values: dict[str, Value] = {
        name: value if place is not None else None for name, value in known.items()
    }
    return values | {"all_events_24h": everybody}


def _moments(events: Sequence[Event]) -> list[Moment]:
    return [
        _moment(t, [event for event in events if event.t == t])
        for t in sorted({event.t for event in events})
    ]


def _moment(t: int, events: Sequence[Event]) -> Moment:
    def main(value_of: Callable[[Event], str | None]) -> str | None:
        return _most_frequent(value_of(event) for event in events)

    return Moment(
        t,
        main(lambda event: event.tool),
        main(lambda event: event.operation),
        main(lambda event: event.parts.extension),
        main(lambda event: event.parts.folder),
        main(lambda event: event.parts.subfolder),
    )


def _stretch_start(t: int, past: Sequence[int]) -> int:
    start = t
    for earlier in reversed(past):
        if start - earlier > STRETCH_PAUSE:
            break
        start = earlier
    return start


def _run_length(folder: str | None, moments: Sequence[Moment]) -> float | None:
    if folder is None:
        return None
    length = 0
    following = moments[-1].t
    for moment in reversed(moments):
        if moment.folder != folder or following - moment.t > MEMORY_SPAN:
            break
        length += 1
        following = moment.t
    return float(length)


def _most_frequent(values: Iterable[str | None]) -> str | None:
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None


def _share(value: str | None, among: Sequence[str | None]) -> float | None:
    return None if value is None else _mean(other == value for other in among)


def _same(one: str | None, other: str | None) -> float | None:
    return None if one is None or other is None else float(one == other)


def _crossed(value: str | None, operation: str) -> str | None:
    return None if value is None else f"{value}|{operation}"


def _operation_token(event: Event) -> str:
    kind = event.parts.path_kind
    return f"o:{event.operation}" + (f"|k:{kind}" if kind is not None else "")


def _local_hour(event: Event) -> int:
    return (event.t + (event.utc_offset_minutes or 0) * 60_000_000) // HOUR % 24
