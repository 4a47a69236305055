"""Values of PostgreSQL as Arrow's: one that no column can hold marks its row, and never stops the others."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ml_platform.errors import SourceError

if TYPE_CHECKING:
    from psycopg2.extensions import connection

_DIGITS = 38
"""The most digits on either side of the point that a column of decimals holds."""
_TIMESTAMPTZ, _TIMESTAMP, _DATE, _INTERVAL = (1184,), (1114,), (1082,), (1186,)
_ENDS_WITH_ZONE = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_JSON = (114, 3802)
_RANGES = (3904, 3906, 3908, 3910, 3912, 3926)


def read_any_value(connection: "connection") -> None:
    """Make a connection give values for whatever the server can hold.

    Moments before the year 1 or after 9999, which Python has not, become its first or last one, which no table
    accepts (`ml_platform.events.coerce.LATEST`). JSON, intervals and ranges are their text.
    """
    from psycopg2 import extensions

    for oids, name, cast in (
        (_TIMESTAMPTZ, "TIMESTAMPTZ", _within(extensions.PYDATETIMETZ, *_ENDS_WITH_ZONE)),
        (_TIMESTAMP, "TIMESTAMP", _within(extensions.PYDATETIME, datetime.min, datetime.max)),
        (_DATE, "DATE", _within(extensions.PYDATE, date.min, date.max)),
        (_INTERVAL, "INTERVAL", _as_text),
        (_JSON, "JSON", _as_text),
        (_RANGES, "RANGE", _as_text),
    ):
        extensions.register_type(extensions.new_type(oids, name, cast), connection)


def _within(cast: Any, first: date, last: date) -> Callable[[str | None, Any], Any]:
    """The reader of a type of times that answers with the first or last one where there is none in Python."""

    def read(value: str | None, cursor: Any) -> Any:
        try:
            return cast(value, cursor)
        except (ValueError, OverflowError):
            return first if value is not None and value.endswith("BC") else last

    return read


def _as_text(value: str | None, _: Any) -> str | None:
    return value


def to_table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of a cursor as a table.

    Raises:
        SourceError: two columns have one name, or a column holds what no column of a table can.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(
            f"The query gives {len(names)} columns, of which several are named {twice[0]!r}.",
            remedy="Give each column a name of its own (`SELECT a.id AS event_id`).",
        )
    values = zip(*rows, strict=True)
    columns = [_column(name, list(each)) for name, each in zip(names, values, strict=True)]
    return pa.Table.from_arrays(columns, names=list(names))


def _column(name: str, values: list[Any]) -> pa.Array:
    if any(isinstance(value, Decimal) for value in values):
        values = _numbers(values)
    try:
        return pa.array(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise SourceError(
            f"The column {name!r} of the query cannot be read: {' '.join(str(error).split())[:300]}.",
            remedy=f"Give it as text: `{name}::text`.",
        ) from error


def _numbers(values: list[Any]) -> list[Any]:
    """Decimals as they are if a column can hold them all, else as floats: tables refuse what is no number."""
    if all(value is None or _fits(value) for value in values):
        return values
    return [None if value is None else float(value) for value in values]


def _fits(value: Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):  # NaN or infinity
        return False
    return -exponent <= _DIGITS and len(digits) + exponent <= _DIGITS
