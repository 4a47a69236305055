"""A process log: one event a step, the case as the session, and one workflow execution a case."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.column_map import LogMap, in_zone, read_log_map
from ml_platform.events.sources.files import separator
from ml_platform.events.sources.pseudonym import pseudonym
from ml_platform.events.sources.xes import traces

if TYPE_CHECKING:
    import polars as pl

_USUAL = {
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


@dataclass(frozen=True)
class Step:
    """One event of a case; ``time`` is text with its zone."""

    activity: str | None
    time: str | None
    resource: str | None
    lifecycle: str | None = None


@dataclass(frozen=True)
class ProcessLogSource:
    """``process-log:FILE``: XES (by its first bytes), gzipped or not, or CSV.

    Ids are the case and the number of its step, in the order of time and, at equal times, of the file.
    Resources are often people: they become keyed hashes. A case without a resource is its own user.
    The workflow is named after the file; a case counts as completed at its last step.
    """

    path: Path
    user_key: bytes
    map_file: Path | None = None
    simulated: bool = False
    live: bool = False

    @property
    def name(self) -> str:
        """``process-log:`` and the absolute path."""
        return f"process-log:{self.path.resolve()}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """As `Source.batches`: events, and the executions of the same cases."""
        if not self.path.is_file():
            raise SourceError(f"There is no file {self.path}.", remedy="Correct process-log:FILE.")
        cases = _xes_cases(self.path) if _is_xes(self.path) else _csv_cases(self.path, self._map())
        events: list[tuple[str | None, ...]] = []
        executions: list[tuple[str | None, ...]] = []
        for case, steps in cases:
            events.extend(self._events(case, steps))
            if steps and case:
                executions.append(self._execution(case, steps))
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

    def _map(self) -> LogMap:
        return read_log_map(self.map_file) if self.map_file else LogMap()

    def _user(self, case: str, resource: str | None) -> str:
        return pseudonym(self.user_key, resource) if resource else f"case {case}"

    def _events(self, case: str, steps: list[Step]) -> Iterator[tuple[str | None, ...]]:
        for number, step in enumerate(steps, start=1):
            lifecycle = step.lifecycle
            yield (
                f"{case}:{number:06d}" if case else None,
                self._user(case, step.resource),
                step.time,
                "process-log",
                step.activity,
                case,
                None,
                json.dumps({"lifecycle": lifecycle}) if lifecycle else None,
            )

    def _execution(self, case: str, steps: list[Step]) -> tuple[str | None, ...]:
        workflow = self.path.name.split(".")[0]
        user = self._user(case, steps[0].resource)
        return case, workflow, user, steps[0].time, steps[-1].time, "completed"


def _table(columns: tuple[str, ...], rows: list[tuple[str | None, ...]]) -> pa.Table:
    values = zip(*rows, strict=True)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(columns, values, strict=True)}
    )


def _is_xes(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(256)
    return start[:2] == b"\x1f\x8b" or start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _xes_cases(path: Path) -> Iterator[tuple[str, list[Step]]]:
    for number, trace in enumerate(traces(path), start=1):
        case = trace.attributes.get("concept:name") or f"trace {number}"
        steps = [
            Step(
                activity=event.get("concept:name"),
                time=event.get("time:timestamp"),
                resource=event.get("org:resource") or event.get("org:group"),
                lifecycle=event.get("lifecycle:transition"),
            )
            for event in trace.events
        ]
        yield case, steps


def _csv_cases(path: Path, mapping: LogMap) -> Iterator[tuple[str, list[Step]]]:
    import polars as pl

    names = _columns(path, mapping)
    try:
        # An empty cell alone is missing: a case may well be named NA.
        rows = pl.read_csv(
            path, columns=list(names.values()), infer_schema=False, separator=separator(path)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(
            f"{path} cannot be read as CSV: {error}.", remedy="Correct the line that is named."
        ) from error
    resource = pl.col(names["resource"]) if "resource" in names else pl.lit(None, pl.String)
    lines = rows.select(
        case=names["case"], activity=names["activity"], time=names["time"], resource=resource
    ).with_row_index("line")
    for case, group in groupby(_ordered(lines, mapping.timezone), key=itemgetter(0)):
        yield case or "", [Step(activity, time, who) for _, activity, time, who in group]


def _ordered(lines: "pl.DataFrame", timezone: str) -> list[tuple[str | None, ...]]:
    """Case, activity, time with its zone and resource, by case, time and line."""
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("lines", lines.to_arrow())
        moment = in_zone("time", timezone)
        rows: list[tuple[str | None, ...]] = connection.execute(
            f'SELECT "case", activity, {moment} AS moment, resource FROM lines '
            'ORDER BY "case", try_cast(moment AS TIMESTAMPTZ), line'
        ).fetchall()
        return rows


def _columns(path: Path, mapping: LogMap) -> dict[str, str]:
    """Ours to theirs; the resource may be missing."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream, delimiter=separator(path)), [])
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path} is not UTF-8: {error}.", remedy="Convert it to UTF-8."
        ) from error
    by_name = {name.strip().casefold(): name for name in reversed(header)}
    found = {}
    for ours, usual in _USUAL.items():
        given: str | None = getattr(mapping, ours)
        theirs = (
            given if given in header else next((by_name[n] for n in usual if n in by_name), None)
        )
        if (given is not None and given not in header) or (theirs is None and ours != "resource"):
            raise SourceError(
                f"{path} has no column for the {ours} ({given or 'such as ' + usual[0]}); "
                f"it has {', '.join(header) or 'none'}.",
                remedy=f"Name it with --map FILE: [log] {ours} = ...",
            )
        if theirs is not None:
            found[ours] = theirs
    return found
