"""Streams of what happened: a UNION ALL over tables of the lake, of which each new row adds what it says.

A suggestion, for instance, adds its offer when it is shown and its outcome when it is known. Times of source rows
are microseconds since 1970.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlglot import exp

from ml_platform.features.online.keyed_rows import KeyedRows
from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.past_rows import PastRows
from ml_platform.features.online.row_program import Given, RowProgram
from ml_platform.features.online.windows import Windows

SUGGESTIONS, EXECUTIONS, EVENTS = "stg_suggestions", "stg_workflow_executions", "stg_events"
SOURCES = {
    SUGGESTIONS: Given(
        "row",
        frozenset(
            {
                *("suggestion_id", "user_id", "workflow_id", "shown_at"),
                *("outcome", "outcome_at", "category"),
            }
        ),
    ),
    EXECUTIONS: Given(
        "row",
        frozenset(
            {
                *("execution_id", "workflow_id", "user_id", "started_at", "finished_at"),
                *("status", "trigger", "utc_offset_minutes"),
            }
        ),
    ),
    EVENTS: Given(
        "row", frozenset({"user_id", "occurred_at", "workflow_category", "utc_offset_minutes"})
    ),
    "int_runs": Given(
        "row", frozenset({"workflow_id", "user_id", "t", "settled_t", "zone", "outcome"})
    ),
}
"""The relations that streams read, and what of a row they read."""
_FOR_EVER = 1 << 62
IS_IN = "_is_in"
"""Whether a branch is about a source row at all."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Branch:
    """One SELECT of a stream."""

    source: str
    number: int
    values: Callable[[Row], dict[str, Any]]

    def row(self, source_row: Row) -> dict[str, Any] | None:
        """What the source row adds; nothing where it is not what the branch is about."""
        values = self.values(source_row)
        return values if values.pop(IS_IN) else None


class StreamWindows:
    """The windows of a query over a stream, as of any moment of the last ``more`` microseconds."""

    def __init__(
        self,
        stream: exp.Expression,
        ctes: Mapping[str, exp.Select],
        windows: Windows,
        *,
        more: int = 0,
    ) -> None:
        """Compile the branches of ``stream``, a SELECT or a UNION ALL of several; begin without rows."""
        selects = list(_branches(stream))
        names = [each.alias_or_name for each in selects[0].expressions]
        self._branches: dict[str, list[_Branch]] = {}
        for number, select in enumerate(selects):
            branch = _compiled(select, names, ctes, number)
            self._branches.setdefault(branch.source, []).append(branch)
        self._windows = windows
        reach = _FOR_EVER if windows.reach is None else windows.reach + more
        self._rows = KeyedRows((*windows.stored, "id"), reach, windows.tallies)

    def reads(self, source: str) -> bool:
        """Whether rows of this relation are in the stream."""
        return source in self._branches

    def advance(self, source: str, identity: int, row: Row, newest: int) -> None:
        """Take a row of a relation, by its id as `short` has it; what is known of it already changes nothing."""
        for branch in self._branches[source]:
            values = branch.row(row)
            if values is None:
                continue
            key, t = tuple([values[column] for column in self._windows.key]), values["t"]
            values["id"] = own = identity ^ branch.number
            known = self._rows.of(key)
            times = known.times
            if times and t <= times[-1]:
                first, end = known.before(t), known.before(t + 1)
                if own in known.columns["id"][first:end]:
                    continue
            self._rows.add(key, t, values, newest)

    def pack(self, packer: Packer, name: str) -> None:
        """Give all rows to a snapshot."""
        self._rows.pack(packer, name)

    def unpack(self, unpacker: Unpacker, name: str) -> None:
        """Go on with the rows of a snapshot."""
        self._rows.unpack(unpacker, name)

    def ask(self, asked: Row) -> dict[str, Any]:
        """The values of the windows for a row with the key's columns and its time ``t``."""
        rows: PastRows = self._rows.of(tuple([asked[column] for column in self._windows.key]))
        return self._windows.ask(rows, asked)


def window_names(select: exp.Select) -> list[str]:
    """The columns of a query that have a window."""
    return [each.alias_or_name for each in select.expressions if each.find(exp.Window)]


def short(name: str) -> int:
    """Eight bytes of a hash in place of a name: two of one key and microsecond that are alike do not happen."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


def _branches(query: exp.Expression) -> Iterator[exp.Select]:
    if isinstance(query, exp.Union):
        yield from _branches(query.this)
        yield from _branches(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from _branches(query.this)
    else:
        assert isinstance(query, exp.Select)
        yield query


def _compiled(
    select: exp.Select, names: list[str], ctes: Mapping[str, exp.Select], number: int
) -> _Branch:
    """A branch whose columns have the names of the first one's."""
    select = select.copy()
    columns = [
        each if each.alias_or_name == name else exp.alias_(each.unalias().copy(), name)
        for name, each in zip(names, select.expressions, strict=True)
    ]
    select.set("expressions", columns)
    source = _origin(select, ctes)
    program = RowProgram(select, {source: SOURCES[source]}, ctes)
    return _Branch(source, number, program.compile(names, condition=IS_IN))


def _origin(select: exp.Select, ctes: Mapping[str, exp.Select]) -> str:
    """The relation that a SELECT reads at the bottom."""
    source = select.args["from_"].this
    inner = source.this if isinstance(source, exp.Subquery) else ctes.get(source.name)
    return source.name if inner is None else _origin(inner, ctes)
