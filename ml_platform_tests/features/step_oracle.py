"""``step_features`` once more, in plain Python, straight from its definition."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from ml_platform_tests.features.pattern_oracle import Event

MINUTE = 60_000_000
HALF_HOUR = 30 * MINUTE
HOUR = 2 * HALF_HOUR
BOUNDS = (2, 5, 10, 20, 40, 80, 160, 320, 640, 1800)

Run = tuple[str, int]
"""Who started an unscheduled run, and when in microseconds."""


def step_rows(
    events: Iterable[Event], runs: Sequence[Run], as_of: datetime
) -> list[dict[str, Any]]:
    """One row a user, or case of a process log, and moment, in order of time and first event."""
    clock = Event("clock", "", as_of, "", "", "").t
    rows: list[tuple[int, str, dict[str, Any]]] = []
    everything = list(events)
    rest = _rest(everything)
    for actor in sorted({event.actor for event in everything}):
        mine = [event for event in everything if event.actor == actor]
        moments = sorted({event.t for event in mine})
        started = sorted({t for who, t in runs if (False, who) == actor})
        for place, t in enumerate(moments):
            first = min((e for e in mine if e.t == t), key=lambda event: event.event_id)
            row = _row(first, place, moments, mine, started, bool(runs), clock, rest)
            rows.append((t, first.event_id, row))
    return [row for *_, row in sorted(rows, key=lambda each: each[:2])]


def _rest(events: list[Event]) -> int:
    """The pause that 95 % of the pauses inside cases do not exceed."""
    pauses = []
    for case in {event.case for event in events} - {None}:
        moments = sorted({event.t for event in events if event.case == case})
        pauses += [later - earlier for earlier, later in pairwise(moments)]
    return sorted(pauses)[math.ceil(0.95 * len(pauses)) - 1] if pauses else 0


def _row(
    event: Event,
    place: int,
    moments: list[int],
    mine: list[Event],
    started: list[int],
    any_runs: bool,
    clock: int,
    rest: int,
) -> dict[str, Any]:
    t = moments[place]
    first, last = place, place
    longest = HALF_HOUR if event.case is None else math.inf
    while first and moments[first] - moments[first - 1] <= longest:
        first -= 1
    while last + 1 < len(moments) and moments[last + 1] - moments[last] <= longest:
        last += 1
    over = clock > moments[last] + (HALF_HOUR if event.case is None else rest)
    until = moments[place + 3] if last >= place + 3 else moments[last] + HALF_HOUR
    seen = range(place, max(place - 10, -1), -1)
    before = [run for run in started if run < t]
    ran = [any(moments[i] <= run < moments[i + 1] for run in started) for i in range(place)]
    local = t + (event.utc_offset_minutes or 0) * MINUTE
    minute, weekday = local // MINUTE % 1440, (local // (24 * HOUR) + 3) % 7
    return {
        "row_id": event.event_id,
        "user_id": event.user_id,
        "cluster_id": f"case:{event.case}"
        if event.case
        else f"stretch:{event.user_id}:{moments[first]}",
        "change_set_id": f"case:{event.case}" if event.case else event.change_set_id,
        "occurred_at": event.occurred_at,
        "is_bot": event.is_bot,
        "source": event.source,
        "next_step": _step(mine, moments[place + 1]) if last > place else "end" if over else None,
        "workflow_soon": _soon(t, until, started)
        if any_runs and (last >= place + 3 or over)
        else None,
        "steps": [_step(mine, moments[i]) for i in seen],
        "objects": [_object(mine, moments[i]) for i in seen],
        "gaps": [_gap(moments[i] - moments[i - 1] if i else None, event) for i in seen],
        "runs": ["-", *("run" if ran[i] else "-" for i in seen[1:])],
        "step": _step(mine, t),
        "object": _object(mine, t),
        "gap": _gap(t - moments[place - 1] if place else None, event),
        "is_weekend": float(weekday >= 5),
        "hour": float(local // HOUR % 24),
        "weekday": float(weekday),
        "hour_sin": math.sin(2 * math.pi * minute / 1440),
        "hour_cos": math.cos(2 * math.pi * minute / 1440),
        "weekday_sin": math.sin(2 * math.pi * weekday / 7),
        "weekday_cos": math.cos(2 * math.pi * weekday / 7),
        "session_position": float(place - first),
        "session_minutes": (t - moments[first]) / MINUTE,
        "seconds_since_last": (t - moments[place - 1]) / 1_000_000 if place else None,
        "hours_since_run": (t - before[-1]) / HOUR if before else None,
        "steps_since_run": float(
            min(place - max((i for i in range(place) if ran[i]), default=-1), 100)
        ),
        "events_24h": float(sum(t - 24 * HOUR <= other.t < t for other in mine)),
    }


def _soon(t: int, until: int, started: list[int]) -> str:
    return "yes" if any(t < run <= until for run in started) else "no"


def _step(mine: list[Event], t: int) -> str:
    here = [event for event in mine if event.t == t]
    return f"{_main(e.tool for e in here)}:{_main(e.operation for e in here)}"


def _object(mine: list[Event], t: int) -> str:
    here = [event.parts for event in mine if event.t == t]
    folder, extension = _main(e.folder for e in here), _main(e.extension for e in here)
    return "none" if folder is None or extension is None else f"{folder}|{extension}"


def _main(values: Iterable[str | None]) -> str | None:
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def _gap(gap: int | None, event: Event) -> str:
    if gap is None:
        return "first"
    for bound in BOUNDS:
        if gap <= bound * 1_000_000:
            return f"{bound}s"
    word = "8h" if gap <= 8 * HOUR else "3d" if gap <= 72 * HOUR else "long"
    return word if event.case else f"pause:{word}"
