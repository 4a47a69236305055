"""``step_features`` as of now: the last steps of a user or case, and the runs between them."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlglot import exp

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.event_state import EventState
from ml_platform.features.online.moments import moment_of
from ml_platform.features.online.past_rows import PastRows
from ml_platform.features.online.row_program import Given, RowProgram
from ml_platform.features.step_features import STEP_FEATURES

_LISTS = ("steps", "objects", "gaps", "runs")
_STEP = (
    *("local_t", "t", "session_position", "session_start", "previous_t"),
    *("last_run_t", "place", "last_run_place", "events_24h"),
)
STARTED_BY_HAND = ("manual", "event")
"""Triggers of runs that depend on what the user is doing."""


class StepRows:
    """Answers what the features of a step are, as of its moment."""

    def __init__(self, sql: DbtSql, state: EventState) -> None:
        """Compile the features; ``state`` is what they look back on."""
        self._state = state
        names = [s.name for s in STEP_FEATURES if s.name not in (*_LISTS, "step", "object", "gap")]
        given = {"ordered": Given("s", frozenset(_STEP))}
        self._row = RowProgram(sql.query("step_features"), given).compile(names)
        gap = Given("row", frozenset({"gap", "in_case"}))
        self._gap = RowProgram(sql.select("gap_code", "gap", "in_case"), {"row": gap}).compile(
            ["value"]
        )
        self._gap_words = _texts(sql.select("gap_words"))
        self._run_words = _texts(sql.select("run_words"))
        self._listed: int = sql.value("listed_steps")
        self._steps_back: int = sql.value("steps_back")

    def features(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The features of the step that the events of one observation are, see `PatternRows.features`."""
        ordered = sorted(events, key=lambda event: str(event["event_id"]))
        rows = [self._state.row(event) for event in ordered]
        first, moment = rows[0], moment_of(rows)
        t = first["t"]
        memories = self._state.memories(first, moment)
        past = self._state.moments_of(first)
        runs = self._state.runs_of(first)
        place = past.rows.before(t)
        back = range(place - 1, max(place - self._listed, -1), -1)
        columns = past.rows.columns
        last_run_t, last_run_place = _last_run(t, place, past.rows, runs)
        words = [
            {word: columns[word][at] for word in ("tool", "operation", "folder", "extension")}
            for at in back
        ]
        steps = [f"{each['tool']}:{each['operation']}" for each in (moment, *words)]
        objects = [_object(each) for each in (moment, *words)]
        times = [t, *(past.rows.times[at] for at in back)]
        oldest = place - len(times)
        times.append(past.rows.times[oldest] if oldest >= 0 else None)
        gaps = [
            self._gap_word(None if before is None else at - before, in_case=first["in_case"])
            for at, before in pairwise(times)
        ]
        given = {
            **memories,
            "local_t": first["local_t"],
            "last_run_t": last_run_t,
            "last_run_place": last_run_place,
        }
        return self._row(given) | {
            **{"steps": steps, "objects": objects, "gaps": gaps},
            **{"step": steps[0], "object": objects[0], "gap": gaps[0]},
            "runs": [self._run_words[0], *self._ran(times, runs)],
        }

    def _gap_word(self, gap: int | None, *, in_case: bool) -> str:
        code: int = self._gap({"gap": gap, "in_case": in_case})["value"]
        return self._gap_words[code - 1]

    def _ran(self, times: Sequence[int | None], runs: PastRows) -> list[str]:
        """Whether a run began between each step before the row and the one that followed it, newest first."""
        known = [t for t in times[:-1] if t is not None]
        return [
            self._run_words[runs.before(after) > runs.before(step)]
            for after, step in pairwise(known)
        ]


def _last_run(
    t: int, place: int, moments: PastRows, runs: PastRows
) -> tuple[int | None, int | None]:
    """When the last run before ``t`` began, and the place of the step that it belongs to."""
    last = runs.before(t) - 1
    if last < 0:
        return None, None
    last_t = runs.times[last]
    at = min(bisect_right(moments.times, last_t), place) - 1
    return last_t, moments.columns["place"][at] if at >= 0 else None


def _object(moment: Mapping[str, Any]) -> str:
    folder, extension = moment["folder"], moment["extension"]
    return "none" if folder is None or extension is None else f"{folder}|{extension}"


def _texts(select: exp.Select) -> tuple[str, ...]:
    """The texts of a list that a macro writes out."""
    found = select.expressions[0].unalias()
    assert isinstance(found, exp.Array), select.sql()
    return tuple(each.this for each in found.expressions)
