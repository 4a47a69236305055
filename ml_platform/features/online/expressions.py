"""SQL expressions as Python source: functions become calls of `sql_functions`, columns what is given for them."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

from ml_platform.errors import UsageError

Resolve = Callable[[exp.Column], str]
"""The Python source of a column's value."""
Window = Callable[[exp.Window], str]

_CALLS: dict[type[exp.Expression], tuple[str, tuple[str, ...]]] = {
    exp.And: ("both", ("this", "expression")),
    exp.Or: ("either", ("this", "expression")),
    exp.Least: ("least", ("this", "expressions")),
    exp.Greatest: ("greatest", ("this", "expressions")),
    exp.Lower: ("lower", ("this",)),
    exp.Left: ("left", ("this", "expression")),
    exp.Right: ("right", ("this", "expression")),
    exp.Length: ("length", ("this",)),
    exp.Replace: ("replaced", ("this", "expression", "replacement")),
    exp.Trim: ("ltrim", ("this", "expression")),
    exp.Split: ("split", ("this", "expression")),
    exp.Like: ("like", ("this", "expression")),
    exp.StartsWith: ("begins_with", ("this", "expression")),
    exp.RegexpLike: ("matches", ("this", "expression")),
    exp.RegexpReplace: ("first_replaced", ("this", "expression", "replacement")),
    exp.ArrayToString: ("joined_text", ("this", "expression")),
    exp.ArrayConcat: ("joined_lists", ("this", "expressions")),
    exp.ArrayAppend: ("appended", ("this", "expression")),
    exp.ArraySort: ("sorted_values", ("this",)),
    exp.Floor: ("floor", ("this",)),
}
_INLINE: dict[type[exp.Expression], str] = {
    exp.Add: "{} + {}",
    exp.Sub: "{} - {}",
    exp.Mul: "{} * {}",
    exp.Div: "{} / {}",
    exp.IntDiv: "{} // {}",
    exp.Mod: "{} % {}",
    exp.EQ: "{} == {}",
    exp.NEQ: "{} != {}",
    exp.LT: "{} < {}",
    exp.LTE: "{} <= {}",
    exp.GT: "{} > {}",
    exp.GTE: "{} >= {}",
    exp.Neg: "-{}",
    exp.Not: "not {}",
    exp.Sin: "sin({})",
    exp.Cos: "cos({})",
    exp.Ln: "log({})",
    exp.DPipe: "'%s%s' % ({}, {})",
}
"""Operators, written out where a call would take longer than what it does; unknown where a side is."""
_NAMED_CALLS = {
    "epoch_us": "microseconds",
    "list_position": "position",
    "list_select": "selected",
    "regexp_split_to_array": "split_by",
}
_TYPES = {
    exp.DType.DOUBLE: "float({})",
    exp.DType.BIGINT: "as_whole({})",
    exp.DType.INT: "as_whole({})",
    exp.DType.TINYINT: "as_whole({})",
    exp.DType.VARCHAR: "as_text({})",
    exp.DType.TEXT: "as_text({})",
}


class ExpressionError(UsageError):
    """SQL that the compiler of online features does not know."""


def python_of(node: exp.Expression, resolve: Resolve, window: Window | None = None) -> str:
    """The Python source of an expression; ``window`` gives that of a window in it.

    Raises:
        ExpressionError: the expression has a construct that is not compiled; its SQL is named.
    """
    return _Source(resolve, window).of(node)


class _Source:
    def __init__(self, resolve: Resolve, window: Window | None) -> None:
        self._resolve = resolve
        self._window = window
        self._local: list[str] = []
        self._named = 0

    def of(self, node: exp.Expression) -> str:
        if isinstance(node, exp.Window) and self._window is not None:
            return self._window(node)
        own = _OWN.get(type(node))
        if own is not None:
            return own(self, node)
        inline = _INLINE.get(type(node))
        if inline is not None:
            sides = [
                each for part in ("this", "expression") for each in _listed(node.args.get(part))
            ]
            return self._known(inline, sides)
        call = _CALLS.get(type(node))
        if call is not None:
            name, parts = call
            values = [self.of(each) for part in parts for each in _listed(node.args.get(part))]
            return f"{name}({', '.join(values)})"
        raise ExpressionError(
            f"{type(node).__name__} is not compiled for online features: {node.sql('duckdb')[:120]}",
            remedy="say the same by other functions, or teach `features/online/expressions.py` this one",
        )

    def column(self, node: exp.Column) -> str:
        if not node.table and node.name in self._local:
            return node.name
        return self._resolve(node)

    def identifier(self, node: exp.Identifier) -> str:
        if node.name in self._local:
            return node.name
        return self._resolve(exp.column(node.name))

    def case(self, node: exp.Case) -> str:
        otherwise = node.args.get("default")
        source = self.of(otherwise) if otherwise is not None else "None"
        subject = node.args.get("this")
        for branch in reversed(node.args["ifs"]):
            condition = self.of(branch.this)
            if subject is not None:
                condition = self.of(exp.EQ(this=subject.copy(), expression=branch.this.copy()))
            source = f"({self.of(branch.args['true'])} if {condition} is True else {source})"
        return source

    def cast(self, node: exp.Cast) -> str:
        kind = node.to.this
        if kind not in _TYPES:
            raise ExpressionError(f"A cast to {node.to.sql('duckdb')} is not compiled.", remedy="")
        return self._known(_TYPES[kind], [node.this])

    def coalesce(self, node: exp.Coalesce) -> str:
        source = self.of(node.expressions[-1])
        for each in (*node.expressions[-2::-1], node.this):
            name = self._name()
            source = f"({name} if ({name} := {self.of(each)}) is not None else {source})"
        return source

    def nullif(self, node: exp.Nullif) -> str:
        name = self._name()
        return (
            f"(None if ({name} := {self.of(node.this)}) == {self.of(node.expression)} else {name})"
        )

    def _known(self, form: str, sides: list[exp.Expression]) -> str:
        """The form with its sides in it, unless one of them is unknown."""
        values, unknown = [], []
        for side in sides:
            source = self.of(side)
            if isinstance(side, exp.Literal):
                values.append(source)
                continue
            name = self._name()
            unknown.append(f"({name} := {source}) is None")
            values.append(name)
        result = form.format(*values)
        return f"(None if {' or '.join(unknown)} else {result})" if unknown else f"({result})"

    def _name(self) -> str:
        self._named += 1
        return f"n{self._named}"

    def is_(self, node: exp.Is) -> str:
        return f"({self.of(node.this)} is {self.of(node.expression)})"

    def same(self, node: exp.NullSafeEQ) -> str:
        return f"({self.of(node.this)} == {self.of(node.expression)})"

    def other(self, node: exp.NullSafeNEQ) -> str:
        return f"({self.of(node.this)} != {self.of(node.expression)})"

    def within(self, node: exp.In) -> str:
        if node.args.get("query") is not None:
            # The rows that are asked for, of which the one row is one.
            return "True"
        values = ", ".join(self.of(each) for each in node.expressions)
        return f"within({self.of(node.this)}, ({values},))"

    def between(self, node: exp.Between) -> str:
        value = self.of(node.this)
        low, high = self.of(node.args["low"]), self.of(node.args["high"])
        return f"within_bounds({value}, {low}, {high})"

    def bracket(self, node: exp.Bracket) -> str:
        (place,) = node.expressions
        values = self.of(node.this)
        if isinstance(place, exp.Slice):
            first, last = place.args.get("this"), place.args.get("expression")
            ends = [self.of(end) if end is not None else "None" for end in (first, last)]
            return f"elements({values}, {', '.join(ends)})"
        if isinstance(place, exp.Literal | exp.Neg):
            # The parser counts a written place from 0.
            return f"element({values}, {int(place.sql()) + 1})"
        return f"element({values}, {self.of(place)})"

    def array(self, node: exp.Array) -> str:
        return f"[{', '.join(self.of(each) for each in node.expressions)}]"

    def filtered(self, node: exp.ArrayFilter) -> str:
        loop, condition = self._loop(node)
        name = loop[0]
        return self._over(node.this, loop, name, f" if {condition} is True")

    def transformed(self, node: exp.Transform) -> str:
        loop, value = self._loop(node)
        return self._over(node.this, loop, value, "")

    def _loop(self, node: exp.Expression) -> tuple[list[str], str]:
        names = [each.name for each in node.expression.expressions]
        self._local += names
        body = self.of(node.expression.this)
        del self._local[-len(names) :]
        return names, body

    def _over(self, values: exp.Expression, names: list[str], value: str, condition: str) -> str:
        loop = f"for {names[0]} in values"
        if len(names) > 1:
            loop = f"for {names[1]}, {names[0]} in enumerate(values, 1)"
        taken = f"None if values is None else [{value} {loop}{condition}]"
        return f"(lambda values: {taken})({self.of(values)})"

    def extract(self, node: exp.RegexpExtract) -> str:
        group = node.args.get("group")
        values = [self.of(node.this), self.of(node.expression), self.of(group) if group else "0"]
        return f"extracted({', '.join(values)})"

    def anonymous(self, node: exp.Anonymous) -> str:
        name = str(node.this).lower()
        if name not in _NAMED_CALLS:
            raise ExpressionError(f"{name} is not compiled for online features.", remedy="")
        return f"{_NAMED_CALLS[name]}({', '.join(self.of(each) for each in node.expressions)})"

    def average(self, node: exp.Avg) -> str:
        return f"mean([{self.of(node.this)} for row in rows])"

    def summed(self, node: exp.Sum) -> str:
        return f"total([{self.of(node.this)} for row in rows])"

    def counted(self, node: exp.Count) -> str:
        if isinstance(node.this, exp.Star):
            return "len(rows)"
        if isinstance(node.this, exp.Distinct):
            (value,) = node.this.expressions
            return f"len({{{self.of(value)} for row in rows}} - {{None}})"
        return f"sum({self.of(node.this)} is not None for row in rows)"


def _listed(value: Any) -> Iterator[exp.Expression]:
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


_OWN: dict[type[exp.Expression], Callable[[_Source, Any], str]] = {
    exp.Column: _Source.column,
    exp.Identifier: _Source.identifier,
    exp.Literal: lambda _, node: repr(node.this) if node.is_string else str(node.this),
    exp.Null: lambda *_: "None",
    exp.Boolean: lambda _, node: str(bool(node.this)),
    exp.Pi: lambda *_: "3.141592653589793",
    exp.Paren: lambda source, node: source.of(node.this),
    exp.Alias: lambda source, node: source.of(node.this),
    exp.Case: _Source.case,
    exp.Coalesce: _Source.coalesce,
    exp.Nullif: _Source.nullif,
    exp.Cast: _Source.cast,
    exp.Is: _Source.is_,
    exp.NullSafeEQ: _Source.same,
    exp.NullSafeNEQ: _Source.other,
    exp.In: _Source.within,
    exp.Between: _Source.between,
    exp.Bracket: _Source.bracket,
    exp.Array: _Source.array,
    exp.ArrayFilter: _Source.filtered,
    exp.Transform: _Source.transformed,
    exp.RegexpExtract: _Source.extract,
    exp.Anonymous: _Source.anonymous,
    exp.Avg: _Source.average,
    exp.Sum: _Source.summed,
    exp.Count: _Source.counted,
}
