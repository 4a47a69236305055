"""``suggestion_features`` as of now: what a user was offered, ran and worked on before a suggestion is shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.expressions import python_of
from ml_platform.features.online.keyed_rows import KeyedRows
from ml_platform.features.online.packed_rows import Packer, Unpacker
from ml_platform.features.online.row_program import Given, RowProgram, ctes_of
from ml_platform.features.online.sql_functions import FUNCTIONS
from ml_platform.features.online.streams import (
    SOURCES,
    SUGGESTIONS,
    StreamWindows,
    short,
    window_names,
)
from ml_platform.features.online.windows import shape_of, windows_of
from ml_platform.features.suggestion_features import SUGGESTION_FEATURES

Row = Mapping[str, Any]


class SuggestionRows:
    """Advanced by suggestions, executions and events; answers what the features of suggestions are when shown.

    What came late is counted where it belongs; a suggestion comes once when it is shown and again with its outcome,
    an event again with its category.
    """

    def __init__(self, sql: DbtSql) -> None:
        """Compile the features, and begin without a past."""
        self.newest = 0
        offers, context = sql.query("int_offers"), sql.query("int_offer_context")
        (round_window,) = offers.args["windows"]
        self._round: int = shape_of(offers, _over(round_window)).back or 0
        self._measured = _stream_windows(offers, "stream", "measured", self._round)
        self._contexts = {
            windows: _stream_windows(context, stream, windows, self._round)
            for windows, stream in (
                *(("users", "user_stream"), ("workflows", "workflow_stream")),
                *(("categories", "category_stream"), ("work", "work_stream")),
            )
        }
        streams = (self._measured, *self._contexts.values())
        self._reading = {source: [w for w in streams if w.reads(source)] for source in SOURCES}
        self._offers = KeyedRows(("category", "suggestion_id"), self._round)
        self._of_pair = _of_two_moments(offers, ("pair", "first"))
        self._context = RowProgram(
            context,
            {
                name: Given(name, frozenset(window_names(ctes_of(context)[name])))
                for name in self._contexts
            },
        ).compile([each.alias_or_name for each in context.expressions[1:]])
        features = sql.query("suggestion_features")
        counted = ctes_of(features)["counted"]
        (similarity,) = (e for e in counted.expressions if e.alias_or_name == "similarity")
        self._similarity = _function(
            {"similarity": _first_value(similarity).this},
            lambda name: f"first[{name!r}]",
            ("first",),
        )
        names = [spec.name for spec in SUGGESTION_FEATURES]
        pair = [each.alias_or_name for each in offers.expressions]
        known = {*pair, *(e.alias_or_name for e in context.expressions[1:])}
        known |= {"category", "similarity", "offers_at_once"}
        self._row = RowProgram(features, {"counted": Given("s", frozenset(known))}).compile(names)

    def advance(self, source: str, name: str, row: Row) -> None:
        """Take a row of a ``source`` (`SUGGESTIONS`, `EXECUTIONS` or `EVENTS`), by its id there."""
        times = (row.get(column) for column in ("shown_at", "started_at", "occurred_at"))
        self.newest = max(self.newest, *(t for t in times if t is not None))
        identity = short(name)
        for windows in self._reading[source]:
            windows.advance(source, identity, row, self.newest)
        if source == SUGGESTIONS:
            self._offer(name, row)

    def pack(self, packer: Packer) -> None:
        """Give everything that is known to a snapshot."""
        packer.number("suggestions/newest", self.newest)
        self._offers.pack(packer, "suggestions/offers")
        for name, windows in {"measured": self._measured, **self._contexts}.items():
            windows.pack(packer, f"suggestions/{name}")

    def unpack(self, unpacker: Unpacker) -> None:
        """Go on with what a snapshot knows."""
        self.newest = unpacker.number("suggestions/newest")
        self._offers.unpack(unpacker, "suggestions/offers")
        for name, windows in {"measured": self._measured, **self._contexts}.items():
            windows.unpack(unpacker, f"suggestions/{name}")

    def features(self, suggestions: Sequence[Row]) -> list[dict[str, Any]]:
        """The features of the suggestions that one user is shown at one moment.

        A suggestion has ``user_id``, ``workflow_id``, ``category`` and ``shown_at``, in microseconds since 1970.
        """
        return [self._features_of(suggestion, len(suggestions)) for suggestion in suggestions]

    def _features_of(self, suggestion: Row, at_once: int) -> dict[str, Any]:
        now = {**suggestion, "t": suggestion["shown_at"]}
        first = self._first_of_round(now)
        pair = {**now, **self._measured.ask(now)}
        first_pair = {**first, **self._measured.ask(first)}
        found = self._of_pair(pair, first_pair)
        similarity = self._similarity({**first, **self._context_of(first)})
        given = {**now, **self._context_of(now), **found, **similarity, "offers_at_once": at_once}
        return self._row(given)

    def _first_of_round(self, now: Row) -> Row:
        """The first offer of the pair in the fortnight up to this one: itself, where there was none."""
        offers = self._offers.of((now["user_id"], now["workflow_id"]))
        place = offers.before(now["t"] - self._round)
        if place >= offers.before(now["t"]):
            return now
        return {**now, "t": offers.times[place], "category": offers.columns["category"][place]}

    def _context_of(self, asked: Row) -> dict[str, Any]:
        known = {name: windows.ask(asked) for name, windows in self._contexts.items()}
        return self._context(*(known[name] for name in self._contexts))

    def _offer(self, name: str, row: Row) -> None:
        key, t = (row["user_id"], row["workflow_id"]), row["shown_at"]
        offers = self._offers.of(key)
        if name not in offers.columns["suggestion_id"][offers.before(t) : offers.before(t + 1)]:
            values = {"category": row["category"], "suggestion_id": name}
            self._offers.add(key, t, values, self.newest)


def _stream_windows(query: exp.Select, stream: str, windows: str, more: int) -> StreamWindows:
    ctes = ctes_of(query)
    select = ctes[windows]
    compiled = windows_of(select, window_names(select))
    return StreamWindows(ctes[stream], ctes, compiled, more=more)


def _over(named: exp.Window) -> exp.Window:
    """A window that is the named one."""
    return exp.Window(this=exp.Null(), alias=exp.to_identifier(named.name))


def _first_value(expression: exp.Expression) -> exp.FirstValue:
    found = expression.find(exp.FirstValue)
    assert found is not None
    return found


def _of_two_moments(select: exp.Select, parameters: tuple[str, str]) -> Any:
    """The columns of a query at a row, where first values are those of the first row of its round."""
    now, first = parameters
    columns = {}
    for each in select.expressions:
        if each.alias_or_name == "suggestion_id":
            continue
        columns[each.alias_or_name] = python_of(
            each.unalias(),
            lambda column: f"{now}[{column.name!r}]",
            lambda window: python_of(window.this.this, lambda column: f"{first}[{column.name!r}]"),
        )
    return _compiled(columns, parameters)


def _function(
    expressions: Mapping[str, exp.Expression], source: Any, parameters: tuple[str, ...]
) -> Any:
    columns = {
        name: python_of(expression, lambda column: source(column.name))
        for name, expression in expressions.items()
    }
    return _compiled(columns, parameters)


def _compiled(columns: Mapping[str, str], parameters: tuple[str, ...]) -> Any:
    result = ", ".join(f"{name!r}: {source}" for name, source in columns.items())
    space: dict[str, Any] = dict(FUNCTIONS)
    exec(f"def row({', '.join(parameters)}):\n    return {{{result}}}", space)
    return space["row"]
