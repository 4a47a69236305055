"""``session_features`` once more, in plain Python, straight from its definition."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ml_platform_tests.features.pattern_oracle import Event

DAY = 24 * 3_600_000_000
MONTH = 30 * DAY
NAMES = ("work", "step", "transition", "place", "file", "gap")


@dataclass(frozen=True)
class Moment:
    """One moment of a user in its session."""

    user: str
    t: int
    start: int
    first: bool
    tool: str
    operation: str
    folder: str | None
    file: str | None
    subfolder: str | None
    night: bool
    before: "Moment | None"

    @property
    def step(self) -> str:
        """Tool and operation."""
        return f"{self.tool}|{self.operation}"

    @property
    def gap(self) -> float | None:
        """log(1 + seconds) since the session's last moment."""
        return None if self.before is None else math.log(1 + (self.t - self.before.t) / 1e6)


def session_rows(events: Sequence[Event]) -> list[dict[str, Any]]:
    """One row a session of five moments or more, without its label."""
    sessions = _sessions(events)
    everything = [moment for *_, moments in sessions for moment in moments]
    usual_days = _by_day(everything)
    rows = []
    for name, last, moments in sessions:
        if len(moments) >= 5:
            rows.append(_row(name, last, moments, everything, usual_days))
    return sorted(rows, key=lambda row: (row["occurred_at"], row["row_id"]))


def _sessions(events: Sequence[Event]) -> list[tuple[str, Event, list[Moment]]]:
    """Name, last moment's first event and moments of each session; names are one user's alone here."""
    grouped: dict[tuple[str, str], list[tuple[Event, list[Event]]]] = {}
    for user in sorted({event.user_id for event in events}):
        begun, last = 0, None
        mine = [event for event in events if event.user_id == user]
        for t in sorted({event.t for event in mine}):
            here = sorted((e for e in mine if e.t == t), key=lambda event: event.event_id)
            begun = t if last is None or t - last > DAY // 48 else begun
            named = here[0].session_id not in (None, here[0].change_set_id)
            name = str(here[0].session_id) if named else f"stretch:{user}:{begun}"
            grouped.setdefault((user, name), []).append((here[0], here))
            last = t
    return [(name, rows[-1][0], _moments(rows)) for (_, name), rows in grouped.items()]


def _moments(rows: list[tuple[Event, list[Event]]]) -> list[Moment]:
    moments: list[Moment] = []
    for first, here in rows:
        local = first.t + (first.utc_offset_minutes or 0) * 60_000_000
        named = first.parts.folder is not None
        moments.append(
            Moment(
                user=first.user_id,
                t=first.t,
                start=rows[0][0].t,
                first=not moments,
                tool=_main(e.tool for e in here) or "",
                operation=_main(e.operation for e in here) or "",
                folder=_main(e.parts.folder for e in here),
                file=f"{first.object_path}|{first.object_extension}" if named else None,
                subfolder=first.parts.subfolder,
                night=local // (DAY // 24) % 24 < 6,
                before=moments[-1] if moments else None,
            )
        )
    return moments


def _main(values: Iterable[str | None]) -> str | None:
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value), default=None)


def _drawn(counted: float, total: float, towards: float) -> float:
    return (counted + 20 * towards) / (total + 20)


def _surprises(moment: Moment, everything: list[Moment]) -> dict[str, float | None]:
    """Of one moment, against the month before its session."""
    past = [m for m in everything if moment.start - MONTH <= m.t < moment.start]

    def count(condition: Callable[[Moment], bool]) -> int:
        return sum(condition(m) for m in past)

    steps, tools = count(lambda m: m.step == moment.step), count(lambda m: m.tool == moment.tool)
    share = (steps + 1) / (len(past) + 100)
    mine = count(lambda m: m.user == moment.user and m.step == moment.step)
    step = -math.log(_drawn(mine, count(lambda m: m.user == moment.user), share))
    transition = place = file = None
    if moment.before is not None:
        last = moment.before
        after = [m for m in past if m.before is not None]
        same = [m for m in after if m.before and m.before.tool == last.tool]
        switch = sum(m.tool == moment.tool for m in same)
        context = [
            m
            for m in after
            if m.before and m.before.operation == last.operation and m.tool == moment.tool
        ]
        done = sum(m.operation == moment.operation for m in context)
        transition = -math.log(_drawn(switch, len(same), (tools + 1) / (len(past) + 10)))
        transition -= math.log(_drawn(done, len(context), (steps + 1) / (tools + 10)))
    if moment.folder is not None:
        here = [m for m in past if m.folder == moment.folder]
        place = math.log(share) - math.log(
            _drawn(sum(m.step == moment.step for m in here), len(here), share)
        )
    if moment.file is not None:
        files = count(lambda m: m.file == moment.file)
        file = -math.log((files + 1) / (count(lambda m: m.subfolder == moment.subfolder) + 50))
    return {
        "step": step,
        "transition": transition,
        "place": place,
        "file": file,
        "work": (step if transition is None else transition) + (place or 0.0),
        "gap": moment.gap,
    }


_Days = list[tuple[Moment, dict[str, float | None]]]


def _by_day(everything: list[Moment]) -> _Days:
    return [(moment, _surprises(moment, everything)) for moment in everything]


def _unusual(name: str, moments: list[Moment], known: _Days) -> float | None:
    start = moments[0].start
    days = range(start // DAY - 30, start // DAY)
    everybody = [s[name] for m, s in known if m.t // DAY in days and s[name] is not None]
    mine = [
        s[name]
        for m, s in known
        if m.user == moments[0].user and start - MONTH <= m.t < start and s[name] is not None
    ]
    before = [s[name] for m, s in known if m in moments and s[name] is not None]
    if not everybody or not before:
        return None
    usual = _drawn(math.fsum(mine), len(mine), math.fsum(everybody) / len(everybody))  # type: ignore[arg-type]
    return math.fsum(each - usual for each in before) / math.sqrt(len(before))  # type: ignore[operator]


def _row(
    name: str, last: Event, moments: list[Moment], everything: list[Moment], known: _Days
) -> dict[str, Any]:
    user, start, count = moments[0].user, moments[0].start, len(moments)
    past = [m for m in everything if m.user == user and start - MONTH <= m.t < start]
    begun = sum(m.first for m in past)
    gaps = [m.gap for m in moments if m.gap is not None]
    mean = math.fsum(gaps) / len(gaps)
    files = [m.file for m in moments if m.file is not None]
    steps = [m.step for m in moments]
    return {
        "row_id": name,
        "user_id": user,
        "cluster_id": user,
        "occurred_at": last.occurred_at,
        "session_events": float(count),
        "size_deviation": math.log(count * begun / len(past)) if begun >= 3 else None,
        "gap_mean": mean,
        "gap_spread": math.sqrt(math.fsum((gap - mean) ** 2 for gap in gaps) / len(gaps)),
        "distinct_file_share": len(set(files)) / len(files) if files else None,
        "tool_entropy": _entropy([m.tool for m in moments]),
        "step_entropy": _entropy(steps),
        "distinct_transition_share": len(set(pairwise(steps))) / (count - 1),
        "night_share": sum(m.night for m in moments) / count,
        **{f"unusual_{each}": _unusual(each, moments, known) for each in NAMES},
    }


def _entropy(values: list[str]) -> float:
    shares = [count / len(values) for count in Counter(values).values()]
    return -math.fsum(share * math.log(share) for share in shares)
