"""A column map: how the files that somebody has become the tables of the schema.

    [events]
    file = "audit.csv"              # default: events.parquet or events.csv
    where = "actor <> 'system'"     # rows to keep: a DuckDB expression over their columns
    timezone = "Europe/Amsterdam"   # of times that are written without a zone
    time_format = "%d.%m.%Y %H:%M"  # how times are written, where that is not ISO 8601; or "excel"
    decimal = ","                   # the decimal mark of numbers
    delimiter = ";"                 # of a CSV; without it the most frequent of , ; tab | in its header
    encoding = "latin-1"            # of a CSV; without it UTF-8, or what a byte order mark says

    [events.columns]                # ours = theirs; several of theirs are joined to one id
    event_id = ["request", "path"]
    user_id = "actor"

    [events.expressions]            # ours = a DuckDB expression over their columns
    utc_offset_minutes = "60 * tz_hours"

    [events.constants]
    tool = "api"

    [events.values.operation]       # their value = ours; other values stay as they are
    PUT = "modify"

Maps are TOML. A process log's map has one table, ``[log]``: ``case``, ``activity``, ``time``, ``resource``, and
``timezone``, ``time_format``, ``delimiter``, ``encoding`` as above.
"""

import tomllib
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ml_platform.errors import SourceError
from ml_platform.events.quality import UNREADABLE
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES
from ml_platform.events.sources.dialect import Dialect
from ml_platform.events.sources.local_time import check_zone, in_zone, with_point

_CLOSED = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class TableMap:
    """One table of the schema, and where its columns are. Without ``columns``, theirs have our names."""

    __pydantic_config__ = _CLOSED

    file: str | None = None
    where: str | None = None
    timezone: str | None = None
    time_format: str | None = None
    decimal: Literal[".", ","] = "."
    delimiter: str | None = None
    encoding: str | None = None
    columns: dict[str, str | list[str]] = field(default_factory=dict)
    expressions: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str | int | float | bool] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        """How the file is written, if it is text."""
        return Dialect(self.encoding, self.delimiter)


@dataclass(frozen=True)
class LogMap:
    """Column names of a process log in CSV; ``None`` takes the first usual name that the file has."""

    __pydantic_config__ = _CLOSED

    case: str | None = None
    activity: str | None = None
    time: str | None = None
    resource: str | None = None
    timezone: str = "UTC"
    time_format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None

    @property
    def dialect(self) -> Dialect:
        """How the file is written."""
        return Dialect(self.encoding, self.delimiter)


def parse_table_maps(text: str, file_name: str) -> dict[str, TableMap]:
    """The map of each table that the TOML text names; ``file_name`` is for messages.

    Raises:
        SourceError: no TOML, an unknown table or column, or a wrong type.
    """
    maps: dict[str, TableMap] = _parse(text, file_name, dict[str, TableMap])
    for table, mapping in maps.items():
        if table not in TABLES:
            raise SourceError(
                f"{file_name}: there is no table {table!r}; tables are {', '.join(TABLES)}.",
                remedy="Correct the name in square brackets.",
            )
        named = {*mapping.columns, *mapping.expressions, *mapping.constants, *mapping.values}
        for unknown in sorted(named - set(TABLES[table].names)):
            raise SourceError(
                f"{file_name}: [{table}] maps {unknown!r}, and {table} have no such column; "
                f"columns are {', '.join(TABLES[table].names)}.",
                remedy="Correct the name on the left.",
            )
        check_zone(mapping.timezone, file_name)
        mapping.dialect.checked(f"{file_name}: [{table}]")
    return maps


def parse_log_map(text: str, file_name: str) -> LogMap:
    """The table ``[log]`` of a process log's map; raises `SourceError` as `parse_table_maps`."""
    maps: dict[str, LogMap] = _parse(text, file_name, dict[str, LogMap])
    if set(maps) != {"log"}:
        raise SourceError(
            f"{file_name}: the map of a process log is one table [log], "
            f"and this one has {', '.join(maps) or 'none'}.",
            remedy="Write [log] with case, activity, time and resource.",
        )
    check_zone(maps["log"].timezone, file_name)
    maps["log"].dialect.checked(f"{file_name}: [log]")
    return maps["log"]


def select(table: str, mapping: TableMap, relation: str, theirs: dict[str, str]) -> str:
    """The DuckDB query that maps a relation; ``theirs`` are its columns and their types.

    Rows come in the order of time and id, so that shuffled files give the same batches.

    Raises:
        SourceError: a column that the map names is not there.
    """
    terms = dict(_terms(table, mapping, theirs))
    if not terms:
        raise SourceError(
            f"No column of {table} has a name of ours (they are {_names(theirs)}).",
            remedy=f"Map them in columns.toml: [{table}.columns] ours = theirs.",
        )
    where = f"WHERE {_kept(mapping.where, theirs)}" if mapping.where else ""
    keys = [key for key in (EVENT_TIME[table], *IDENTITY[table]) if key in terms]
    columns = ", ".join(f"{term} AS {quoted(name)}" for name, term in terms.items())
    order = f"ORDER BY {', '.join(map(quoted, keys))}" if keys else ""
    return f"SELECT * FROM (SELECT {columns} FROM {relation} {where}) {order}"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | float | bool) -> str:
    """A value as an SQL literal."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _names(theirs: dict[str, str]) -> str:
    return ", ".join(name for name in theirs if name != UNREADABLE)


def _kept(where: str, theirs: dict[str, str]) -> str:
    """The condition of the map; a row that could not be read is kept for quarantine."""
    return f"({quoted(UNREADABLE)} IS NOT NULL OR ({where}))" if UNREADABLE in theirs else where


def _terms(table: str, mapping: TableMap, theirs: dict[str, str]) -> list[tuple[str, str]]:
    terms = []
    for column in TABLES[table]:
        name = column.name
        if name in mapping.columns:
            term = _column(table, name, mapping.columns[name], theirs)
        elif name in mapping.expressions:
            term = f"({mapping.expressions[name]})"
        elif name in mapping.constants:
            terms.append((name, literal(mapping.constants[name])))
            continue
        elif name in theirs:
            term = quoted(name)
        else:
            continue
        if name in mapping.values:
            term = _values(term, mapping.values[name])
        if pa.types.is_timestamp(column.type) and (mapping.timezone or mapping.time_format):
            term = in_zone(term, mapping.timezone, mapping.time_format)
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            term = term if mapping.decimal == "." else with_point(term, mapping.decimal)
        terms.append((name, term))
    if terms and UNREADABLE in theirs:
        terms.append((UNREADABLE, quoted(UNREADABLE)))
    return terms


def _column(table: str, name: str, given: str | list[str], theirs: dict[str, str]) -> str:
    parts = [given] if isinstance(given, str) else given
    for part in parts:
        if part not in theirs:
            raise SourceError(
                f"The map of {table} takes {name} from column {part!r}, which is not there "
                f"(columns are {_names(theirs)}).",
                remedy="Correct the name on the right.",
            )
    if len(parts) == 1:
        return quoted(parts[0])
    escaped = [
        rf"replace(replace(CAST({quoted(part)} AS VARCHAR), '\', '\\'), ':', '\:')"
        for part in parts
    ]
    joined = " || ':' || ".join(escaped)
    return f"(CASE WHEN strlen({joined}) > 128 THEN sha256({joined}) ELSE {joined} END)"


def _values(term: str, values: dict[str, str]) -> str:
    text = f"CAST({term} AS VARCHAR)"
    cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in values.items())
    return f"(CASE {text} {cases} ELSE {text} END)"


def _parse(text: str, file_name: str, kind: Any) -> Any:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(
            f"{file_name} cannot be read as TOML: {error}.", remedy="Correct it."
        ) from error
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SourceError(
            f"{file_name}: {place} = {first['input']!r}: {first['msg']}.",
            remedy="docs/sources.md lists the keys of a map.",
        ) from error
