"""Cases of a process log to events, one a step, and to workflow executions, one a case.

A case is its name and its steps in order; a long one comes in several parts, so that memory is bounded. Ids of
events are the case and the number of its step. Resources are often people: they become keyed hashes. A case
without a resource is its own user. A case counts as completed at its last step.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.column_map import LogMap
from ml_platform.events.sources.local_time import in_zone
from ml_platform.events.sources.pseudonym import pseudonym
from ml_platform.events.sources.xes import (
    ACTIVITY,
    GROUP,
    LIFECYCLE,
    PART_EVENTS,
    RESOURCE,
    TIME,
    Trace,
)

_USUAL_NAMES = {
    "case": ("case:concept:name", "caseid", "case_id", "case id", "case", "traceid", "trace_id"),
    "activity": ("concept:name", "activity", "activity_name", "task", "event", "step"),
    "time": (
        "time:timestamp",
        "complete timestamp",
        "completetimestamp",
        "timestamp",
        "time",
        "end_time",
        "start_time",
    ),
    "resource": ("org:resource", "resource", "user", "org:group", "role"),
}
_EVENT = (
    "event_id",
    "user_id",
    "occurred_at",
    "tool",
    "operation",
    "session_id",
    "object_path",
    "attributes",
)
_EXECUTION = ("execution_id", "workflow_id", "user_id", "started_at", "finished_at", "status")


Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Step:
    """One event of a case; ``time`` is text with its time zone."""

    activity: str | None
    time: str | None
    resource: str | None
    lifecycle: str | None = None


@dataclass(frozen=True)
class CasePart:
    """A case, or some steps of one that follow one another; the parts of a case come one after the other."""

    name: str
    """The name of the case, empty where it has none."""
    steps: list[Step]
    """In order; may be empty."""
    first: int = 1
    """The number of the first step within the case, from 1."""
    last: bool = True


def case_tables(
    parts: Iterable[CasePart], workflow: str, user_key: bytes
) -> Iterator[tuple[str, pa.Table]]:
    """Tables of events and of workflow executions, each with its name, `BATCH_ROWS` rows at most.

    ``workflow`` is the workflow that every case is an execution of.
    """
    events: list[Row] = []
    executions: list[Row] = []
    begun: Step | None = None
    ended: Step | None = None
    for part in parts:
        events.extend(_events(part, user_key))
        if part.first == 1:
            begun = part.steps[0] if part.steps else None
        ended = part.steps[-1] if part.steps else ended
        if part.last and part.name and begun is not None and ended is not None:
            user = _user(part.name, begun.resource, user_key)
            executions.append((part.name, workflow, user, begun.time, ended.time, "completed"))
        while len(events) >= BATCH_ROWS:
            yield "events", _table(_EVENT, events[:BATCH_ROWS])
            del events[:BATCH_ROWS]
        if len(executions) >= BATCH_ROWS:
            yield "workflow_executions", _table(_EXECUTION, executions)
            executions = []
    if events:
        yield "events", _table(_EVENT, events)
    if executions:
        yield "workflow_executions", _table(_EXECUTION, executions)


def xes_cases(traces: Iterable[Trace]) -> Iterator[CasePart]:
    """The cases of an XES log, in its order; a trace without a name is named by its number."""
    for trace in traces:
        steps = [
            Step(
                activity=event.get(ACTIVITY),
                time=event.get(TIME),
                resource=event.get(RESOURCE) or event.get(GROUP),
                lifecycle=event.get(LIFECYCLE),
            )
            for event in trace.events
        ]
        yield CasePart(trace.name or f"trace {trace.number}", steps, trace.first, trace.last)


def csv_cases(lines: pa.Table, mapping: LogMap) -> Iterator[CasePart]:
    """The cases of a CSV log by name, the steps of each by time and, at equal times, by line.

    ``lines`` has the columns case, activity, time and resource as text, and line, a number.
    """
    for case, group in groupby(_ordered(lines, mapping), key=itemgetter(0)):
        steps = (Step(activity, time, resource) for _, activity, time, resource in group)
        first, part = 1, list(islice(steps, PART_EVENTS))
        while part:
            following = list(islice(steps, PART_EVENTS))
            yield CasePart(case or "", part, first, last=not following)
            first, part = first + len(part), following


def log_columns(header: list[str], mapping: LogMap, file_name: str) -> dict[str, str]:
    """The column of the CSV for each of case, activity, time and, where there is one, resource.

    Raises:
        SourceError: a column that the map names, or one that is needed, is missing.
    """
    by_name = {name.strip().casefold(): name for name in reversed(header)}
    columns = {}
    for ours, usual_names in _USUAL_NAMES.items():
        mapped: str | None = getattr(mapping, ours)
        if mapped is None:
            theirs = next((by_name[name] for name in usual_names if name in by_name), None)
        else:
            theirs = mapped if mapped in header else None
        if theirs is not None:
            columns[ours] = theirs
        elif mapped is not None or ours != "resource":
            raise SourceError(
                f"{file_name} has no column for the {ours} ({mapped or 'such as ' + usual_names[0]}); "
                f"it has {', '.join(header) or 'none'}.",
                remedy=f"Name it with --map FILE: [log] {ours} = ...",
            )
    return columns


def _user(case: str, resource: str | None, user_key: bytes) -> str:
    return pseudonym(user_key, resource) if resource else f"case {case}"


def _events(part: CasePart, user_key: bytes) -> Iterator[Row]:
    case = part.name
    for number, step in enumerate(part.steps, start=part.first):
        yield (
            f"{case}:{number:06d}" if case else None,
            _user(case, step.resource, user_key),
            step.time,
            "process-log",
            step.activity,
            case,
            None,
            json.dumps({"lifecycle": step.lifecycle}) if step.lifecycle else None,
        )


def _table(columns: tuple[str, ...], rows: list[Row]) -> pa.Table:
    values = zip(*rows, strict=True)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(columns, values, strict=True)}
    )


def _ordered(lines: pa.Table, mapping: LogMap) -> Iterator[Row]:
    """Case, activity, time with its zone and resource, by case, time and line."""
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("lines", lines)
        moment = in_zone("time", mapping.timezone, mapping.time_format)
        rows = connection.execute(
            f'SELECT "case", activity, {moment} AS moment, resource FROM lines '
            'ORDER BY "case", try_cast(moment AS TIMESTAMPTZ), line'
        )
        while some := rows.fetchmany(PART_EVENTS):
            yield from some
