"""What a query counts in the past, compiled: windows become searches in the rows of a key, kept in order.

Windows end strictly before the row, or are written as what comes up to the row less what is at it; either way the
rows that are kept need not have the row that is asked for.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from ml_platform.features.online.expressions import ExpressionError, python_of
from ml_platform.features.online.past_rows import NO_TALLIES, PastRows, Tallies
from ml_platform.features.online.sql_functions import FUNCTIONS

_AGGREGATES: dict[type[exp.Expression], str] = {
    exp.Count: "known",
    exp.Sum: "total",
    exp.Max: "largest",
    exp.Min: "smallest",
}
"""The functions of lists that aggregates are."""
_FOR_EVER = 1 << 62
Ask = Callable[[PastRows, Mapping[str, Any]], dict[str, Any]]
"""Values of the windows for a row: of the kept rows of its key, and of its own columns with its time ``t``."""


@dataclass(frozen=True)
class Windows:
    """The windows of a query."""

    key: tuple[str, ...]
    """What all of them are partitioned by: rows are kept by it."""
    stored: tuple[str, ...]
    """The columns that rows are kept with."""
    tallies: Tallies
    """What is counted of them as rows come."""
    reach: int | None
    """How many microseconds the longest looks back; ``None``: to the first row."""
    ask: Ask


def windows_of(
    select: exp.Select, names: Iterable[str], key: tuple[str, ...] | None = None
) -> Windows:
    """Compile the columns ``names`` of a query with windows over one relation.

    Rows are kept by what all windows share, or by the part ``key`` of it, so that several queries read the same.

    Raises:
        ExpressionError: a column is not there, or is worked out by what is not compiled.
    """
    wanted = {
        projection.alias_or_name: _without_own_moment(projection.unalias())
        for projection in select.expressions
        if projection.alias_or_name in set(names)
    }
    if missing := set(names) - wanted.keys():
        raise ExpressionError(f"No column {', '.join(sorted(missing))}.", remedy="name one that is")
    compiler = _Compiler(
        select, [shape_of(select, w) for e in wanted.values() for w in _windows(e)], key
    )
    columns = {name: compiler.source(expression) for name, expression in wanted.items()}
    return compiler.finished(columns)


@dataclass(frozen=True)
class Shape:
    """Where a window looks: its partition, and how far back (``None``: without bound)."""

    partition: tuple[str, ...]
    back: int | None
    until: int
    """Its end: so many microseconds before the row; 0: the row itself is in it."""


def _windows(expression: exp.Expression) -> list[exp.Window]:
    return list(expression.find_all(exp.Window))


def _without_own_moment(expression: exp.Expression) -> exp.Expression:
    """The expression, with 'up to the row, less at the row' as the one window strictly before it that it is."""

    def rewritten(node: exp.Expression) -> exp.Expression:
        if not (isinstance(node, exp.Sub) and _is_count_of_own(node.this, node.expression)):
            return node
        window: exp.Window = node.this.copy()
        window.args["spec"].set("end", exp.Literal.number(1))
        window.args["spec"].set("end_side", "PRECEDING")
        return window

    return expression.transform(rewritten)


def _is_count_of_own(counted: exp.Expression, own: exp.Expression) -> bool:
    """Whether ``own`` counts, in the window of ``counted``, the rows at the row's own moment."""
    if not (isinstance(counted, exp.Window) and isinstance(own, exp.Window)):
        return False
    spec = own.args.get("spec")
    return bool(
        spec is not None
        and isinstance(own.this, exp.Count)
        and (own.this, own.args.get("alias")) == (counted.this, counted.args.get("alias"))
        and spec.args.get("start") == spec.args.get("end") == "CURRENT ROW"
    )


def shape_of(select: exp.Select, window: exp.Window) -> Shape:
    """Where a window of a query looks, by its own words and those of the window that it names.

    Raises:
        ExpressionError: it is no range of time that ends before the row or at it.
    """
    partition, spec = window.args.get("partition_by"), window.args.get("spec")
    name = window.args.get("alias")
    if name is not None:
        (named,) = (w for w in select.args["windows"] if w.name == name.name)
        partition = partition or named.args.get("partition_by")
        spec = spec or named.args.get("spec")
    if spec is None or str(spec.args.get("kind")).upper() != "RANGE":
        raise ExpressionError(
            f"A window without a range of time is not compiled: {window.sql('duckdb')}",
            remedy="say from when to when",
        )
    start, end = spec.args["start"], spec.args["end"]
    until = 0 if end == "CURRENT ROW" else _constant(end)
    if until and str(spec.args["end_side"]).upper() != "PRECEDING":
        raise ExpressionError(
            f"A window must end before the row or at it: {window.sql('duckdb')}",
            remedy="let it end at 1 preceding",
        )
    back = None if str(start).upper() == "UNBOUNDED" else _constant(start)
    return Shape(tuple(column.name for column in partition or ()), back, until)


def _constant(node: exp.Expression) -> int:
    """The whole number that is written, or the sum of several."""
    if isinstance(node, exp.Add):
        return _constant(node.this) + _constant(node.expression)
    return int(node.sql())


def _when_of_time(expression: exp.Expression) -> exp.Expression | None:
    """The condition of 'case when CONDITION then t end', of which the largest is that of the newest row."""
    if not isinstance(expression, exp.Case) or expression.args.get("default") is not None:
        return None
    branches = expression.args["ifs"]
    if expression.this is not None or len(branches) != 1 or branches[0].args["true"].sql() != "t":
        return None
    condition: exp.Expression = branches[0].this
    return condition


class _Compiler:
    def __init__(
        self, select: exp.Select, shapes: list[Shape], key: tuple[str, ...] | None
    ) -> None:
        self._select = select
        self._shapes = shapes
        partitions = [shape.partition for shape in shapes]
        shared = tuple(c for c in partitions[0] if all(c in other for other in partitions))
        self._key = shared if key is None else key
        self._lows: dict[int | None, str] = {}
        self._ends: dict[int, str] = {}
        self._stored: dict[str, str] = {}
        self._tallies = NO_TALLIES

    def source(self, expression: exp.Expression) -> str:
        """The Python source of a column."""
        windows = {id(window): self._window(window) for window in _windows(expression)}
        return python_of(
            expression,
            lambda column: f"asked[{column.name!r}]",
            lambda window: windows[id(window)],
        )

    def finished(self, columns: Mapping[str, str]) -> Windows:
        """The function of all columns."""
        lines = ["times = rows.times", "t = asked['t']"]
        lines += [f"{end} = before(times, t - {until - 1})" for until, end in self._ends.items()]
        for back, low in self._lows.items():
            lines.append(f"{low} = 0" if back is None else f"{low} = before(times, t - {back})")
        lines += [f"{kept} = rows.columns[{name!r}]" for name, kept in self._stored.items()]
        result = ", ".join(f"{name!r}: {source}" for name, source in columns.items())
        body = "\n    ".join([*lines, f"return {{{result}}}"])
        space: dict[str, Any] = {**FUNCTIONS, "before": bisect_left}
        exec(f"def ask(rows, asked):\n    {body}", space)
        backs = [shape.back for shape in self._shapes]
        reach = None if None in backs else max(back for back in backs if back is not None)
        stored = (*self._stored, *self._tallies.summed, *self._tallies.matched)
        return Windows(self._key, tuple(dict.fromkeys(stored)), self._tallies, reach, space["ask"])

    def _window(self, window: exp.Window) -> str:
        shape = shape_of(self._select, window)
        low = self._lows.setdefault(shape.back, f"lo{len(self._lows)}")
        until = shape.until or 1
        end = self._ends.setdefault(until, "hi" if until == 1 else f"hi{until}")
        alike = [column for column in shape.partition if column not in self._key]
        what = window.this
        if isinstance(what, exp.Filter):
            # Kept rows are those that are known; none of them asks.
            if what.expression.this.sql() != "NOT asking":
                raise ExpressionError(f"{what.sql('duckdb')} is not compiled.", remedy="")
            what = what.this
        if isinstance(what, exp.FirstValue) and not shape.until:
            column = what.this.name
            return f"({self._kept(column)}[{low}] if {low} < {end} else asked[{column!r}])"
        if not shape.until:
            raise ExpressionError(
                f"Only a first value may have the row itself: {window.sql('duckdb')}", remedy=""
            )
        if len(alike) == 1 and isinstance(what, exp.Count) and isinstance(what.this, exp.Star):
            (name,) = alike
            self._tallies |= Tallies(matched=(name,))
            since = f"{-_FOR_EVER}" if shape.back is None else f"t - {shape.back}"
            return f"rows.matching({name!r}, asked[{name!r}], {since}, t - {until - 1})"
        return self._aggregate(what, (low, end), alike)

    def _aggregate(self, what: exp.Expression, ends: tuple[str, str], alike: list[str]) -> str:
        low, end = ends
        if isinstance(what, exp.Count) and isinstance(what.this, exp.Star):
            if not alike:
                return f"({end} - {low})"
            return f"sum(1 for _ in {self._taken('None', ends, alike)})"
        if isinstance(what, exp.Count) and isinstance(what.this, exp.Distinct):
            (value,) = what.this.expressions
            if not alike:
                return f"len({{*{self._kept(value.name)}[{low}:{end}]}} - {{None}})"
            return f"len({{*{self._taken(self._value(value), ends, alike)}}} - {{None}})"
        name = _AGGREGATES.get(type(what))
        if isinstance(what, exp.Max | exp.Min) and what.this.sql() == "t" and not alike:
            place = f"{end} - 1" if isinstance(what, exp.Max) else low
            return f"(times[{place}] if {low} < {end} else None)"
        if name is None:
            raise ExpressionError(f"{what.sql('duckdb')} over a window is not compiled.", remedy="")
        if (
            isinstance(what, exp.Sum | exp.Count)
            and isinstance(what.this, exp.Column)
            and not alike
        ):
            self._tallies |= Tallies(summed=(what.this.name,))
            return f"rows.{name}({what.this.name!r}, {low}, {end})"
        if isinstance(what, exp.Max) and not alike and (condition := _when_of_time(what.this)):
            times = self._taken("own_t", ends, [], when=self._value(condition))
            return f"next({times}, None)"
        if isinstance(what.this, exp.Column) and not alike:
            return f"{name}({self._kept(what.this.name)}[{low}:{end}])"
        return f"{name}([*{self._taken(self._value(what.this), ends, alike)}])"

    def _value(self, expression: exp.Expression) -> str:
        return python_of(expression, lambda column: f"own_{column.name}")

    def _taken(
        self, value: str, ends: tuple[str, str], alike: list[str], when: str | None = None
    ) -> str:
        """A generator of ``value`` over the rows of a window that are like the asked one in ``alike``.

        With ``when`` it is of the rows for which this is true, the newest first.
        """
        low, end = ends
        names = list(dict.fromkeys([*re.findall(r"own_(\w+)", f"{value} {when or ''}"), *alike]))
        turned = "[::-1]" if when else ""
        lists = [
            f"{'times' if name == 't' else self._kept(name)}[{low}:{end}]{turned}" for name in names
        ]
        loop = f"for ({' '.join(f'own_{name},' for name in names)}) in zip({', '.join(lists)})"
        same = [f"own_{name} == asked[{name!r}]" for name in alike]
        same += [f"({when}) is True"] if when else []
        return f"({value} {loop}{' if ' + ' and '.join(same) if same else ''})"

    def _kept(self, name: str) -> str:
        return self._stored.setdefault(name, f"c{len(self._stored)}")
