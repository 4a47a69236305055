"""Columns of a query that follow from one row, compiled to one Python function."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from ml_platform.features.online.expressions import ExpressionError, python_of
from ml_platform.features.online.sql_functions import FUNCTIONS

ROWS = "rows"
"""The parameter of a function with aggregates: the rows that they are over."""


@dataclass(frozen=True)
class Given:
    """A relation of which the one row that matters is given, as a mapping of its columns."""

    parameter: str
    columns: frozenset[str]


def ctes_of(query: exp.Select) -> dict[str, exp.Select]:
    """The common table expressions of a query by name."""
    return {cte.alias: cte.this for cte in query.ctes}


class RowProgram:
    """Compiles columns of a query, through its CTEs down to the relations that are given.

    The SQL is that of the bulk build; joins and order do not matter here, since each relation that is given is the
    one row that would have been joined.
    """

    def __init__(
        self,
        query: exp.Select,
        given: Mapping[str, Given],
        ctes: Mapping[str, exp.Select] | None = None,
    ) -> None:
        """Compile from ``query``; a relation (a model or a CTE) that is ``given`` is looked into no further.

        ``ctes`` are those of the query that this one is a part of; left out, its own.
        """
        self._query = query
        self._given = given
        self._ctes = ctes_of(query) if ctes is None else ctes
        self._lines: list[str] = []
        self._made: dict[tuple[int, str], str | None] = {}

    def compile(
        self, names: Iterable[str], *, cte: str = "", condition: str = ""
    ) -> Callable[..., dict[str, Any]]:
        """A function of the given rows, by the names of their parameters, that returns the columns ``names``.

        With the name of a ``condition`` it says as well whether the query has the row at all, by its WHERE and
        those of the queries that it reads.

        Raises:
            ExpressionError: the query has no such column, or a construct that is not compiled.
        """
        parameters = dict.fromkeys(each.parameter for each in self._given.values())
        return self._function(", ".join(parameters), names, cte, condition)

    def compile_over_rows(
        self, names: Iterable[str], *, cte: str = ""
    ) -> Callable[..., dict[str, Any]]:
        """A function of a list of rows of the one relation that is given, that returns the aggregates ``names``.

        Raises:
            ExpressionError: the query has no such column, or a construct that is not compiled.
        """
        return self._function(ROWS, names, cte)

    def _function(
        self, parameters: str, names: Iterable[str], cte: str, condition: str = ""
    ) -> Callable[..., dict[str, Any]]:
        select = self._ctes[cte] if cte else self._query
        columns = {name: self._required(select, name) for name in names}
        if condition:
            columns[condition] = " and ".join(self._conditions(select)) or "True"
        result = ", ".join(f"{name!r}: {source}" for name, source in columns.items())
        body = "\n    ".join([*self._lines, f"return {{{result}}}"])
        space: dict[str, Any] = dict(FUNCTIONS)
        exec(f"def row({parameters}):\n    {body}", space)
        compiled: Callable[..., dict[str, Any]] = space["row"]
        return compiled

    def _required(self, select: exp.Select, name: str) -> str:
        found = self._column(select, name)
        if found is None:
            raise ExpressionError(
                f"No column {name} is in {select.sql('duckdb')[:80]}", remedy="name one that is"
            )
        return found

    def _conditions(self, select: exp.Select) -> Iterator[str]:
        where = select.args.get("where")
        if where is not None:
            yield f"{self._assigned(where.this, select, '')} is True"
        source = select.args["from_"].this
        inner = source.this if isinstance(source, exp.Subquery) else self._ctes.get(source.name)
        if inner is not None and source.name not in self._given:
            yield from self._conditions(inner)

    def _column(self, select: exp.Select, name: str) -> str | None:
        key = (id(select), name)
        if key not in self._made:
            self._made[key] = self._new_column(select, name)
        return self._made[key]

    def _new_column(self, select: exp.Select, name: str) -> str | None:
        for projection in select.expressions:
            star = projection.this if isinstance(projection, exp.Column) else projection
            if isinstance(star, exp.Star):
                table = projection.table if isinstance(projection, exp.Column) else ""
                found = self._of_star(select, star, table, name)
                if found is not None:
                    return found
            elif projection.alias_or_name == name:
                return self._assigned(projection.unalias(), select, name)
        return None

    def _of_star(self, select: exp.Select, star: exp.Star, table: str, name: str) -> str | None:
        for replaced in star.args.get("replace") or ():
            if replaced.alias == name:
                return self._assigned(replaced.this, select, name)
        if name in {each.name for each in star.args.get("except_") or ()}:
            return None
        return self._of_sources(select, table, name)

    def _assigned(self, expression: exp.Expression, select: exp.Select, name: str) -> str:
        source = python_of(expression, lambda column: self._resolved(column, select, name))
        if source.isidentifier():
            return source
        variable = f"v{len(self._lines)}"
        self._lines.append(f"{variable} = {source}")
        return variable

    def _resolved(self, column: exp.Column, select: exp.Select, own: str) -> str:
        found = self._of_sources(select, column.table, column.name)
        if found is None and not column.table and column.name != own:
            found = self._column(select, column.name)
        if found is None:
            raise ExpressionError(
                f"The column {column.sql('duckdb')} is not known where {own} is worked out.",
                remedy="give the relation that has it",
            )
        return found

    def _of_sources(self, select: exp.Select, table: str, name: str) -> str | None:
        from_ = select.args.get("from_")
        joins = [join.this for join in select.args.get("joins") or ()]
        for source in [from_.this, *joins] if from_ else joins:
            if table and source.alias_or_name != table:
                continue
            found = self._of_source(source, name)
            if found is not None:
                return found
        return None

    def _of_source(self, source: exp.Expression, name: str) -> str | None:
        if isinstance(source, exp.Subquery):
            return self._column(source.this, name)
        relation = source.name
        given = self._given.get(relation)
        if given is not None:
            return f"{given.parameter}[{name!r}]" if name in given.columns else None
        if relation in self._ctes:
            return self._column(self._ctes[relation], name)
        return None
