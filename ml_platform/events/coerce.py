"""Converts the columns of a source to the types of the schema, value by value, without guessing.

What cannot be converted is not an error of the batch: its place is marked, so that the row can go to
quarantine and its neighbours stay.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.errors import SourceError

Mask = npt.NDArray[np.bool_]

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No event of a computer is older than its clock; earlier times are broken ones."""

LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""Later times are broken ones, too; Python cannot show them."""
SKIPPED = " (never was: clocks were set forward)"
"""What a source writes behind a local time that does not exist in its zone."""

_ZONED = r"(?i)\d{1,2}:\d{2}.*(z|[+-]\d{2}(:?\d{2})?| ?utc)$"
_DAY_AND_TIME = r"^(\d{4}-\d{2}-\d{2})t"
_OF_UTC = r"(?i)(:\d{2}(?:[.,]\d+)?) ?(?:z|utc)$"
_OFFSET_APART = r"(:\d{2}(?:[.,]\d+)?) ([+-]\d{2}(?::?\d{2})?)$"
_IMPOSSIBLE = r"\d{1,2}:\d{2}.*[+-](14:?(0[1-9]|[1-9]\d)|1[5-9]|[2-9]\d|\d{2}:?[6-9]\d)(:?\d{2})?$"
"""An offset from UTC beyond 14 hours, or of more than 59 minutes."""
_INTEGERS = {pa.int16(): 2**15, pa.int32(): 2**31}
_BEYOND = Decimal(2**63)
_EXACT = 2.0**53
"""Floats from here on stand for several whole numbers each: as ids they could be another's."""


class Reason(StrEnum):
    """Why a row is in quarantine."""

    UNREADABLE = "unreadable"
    NULL = "null"
    EMPTY = "empty"
    WRONG_TYPE = "wrong_type"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    UNPARSABLE_TIME = "unparsable_time"
    NAIVE_TIME = "naive_time"
    SKIPPED_TIME = "skipped_time"
    IMPOSSIBLE_ZONE = "impossible_zone"
    FUTURE_TIME = "future_time"
    FINISH_BEFORE_START = "finish_before_start"
    CONFLICT = "conflict"


Problems = tuple[tuple[Reason, Mask], ...]


@dataclass(frozen=True)
class Coerced:
    """Values in the type of the schema, null where a mask is true; masks are as long as the column."""

    values: pa.Array
    problems: Problems = ()


def to_type(column: pa.ChunkedArray, field: pa.Field, table: str) -> Coerced:
    """The values of a column in the type of ``field``.

    Raises:
        SourceError: no value of the column's type can ever become one of the field's type.
    """
    values = _plain(column)
    if values.type == field.type and not pa.types.is_floating(field.type):
        return _times(values) if pa.types.is_timestamp(field.type) else Coerced(values)
    if pa.types.is_null(values.type):
        return Coerced(pa.nulls(len(values), field.type))
    coerced = None
    if pa.types.is_string(field.type):
        coerced = _to_string(values)
    elif pa.types.is_timestamp(field.type):
        coerced = _to_time(values, field.type)
    elif pa.types.is_boolean(field.type):
        coerced = _to_boolean(values)
    elif pa.types.is_floating(field.type):
        coerced = _to_float(values)
    elif pa.types.is_integer(field.type):
        coerced = _to_integer(values, field.type)
    if coerced is None:
        raise SourceError(
            f"Column {field.name!r} of {table} has type {values.type}, which is never a {field.type}.",
            remedy=f"Give {field.name} as {field.type} or as text, or leave the column out of the map.",
        )
    return coerced


def mask_of(values: pa.Array) -> Mask:
    """A boolean Arrow array as numpy; null counts as false."""
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool)
    return mask


def _plain(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.chunks else pa.nulls(0, values.type)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    return values


def _without(values: pa.Array, *masks: Mask) -> pa.Array:
    return pc.if_else(pa.array(np.logical_or.reduce(masks)), pa.scalar(None, values.type), values)


def _to_string(values: pa.Array) -> Coerced | None:
    if pa.types.is_integer(values.type):
        return Coerced(values.cast(pa.string()))
    if pa.types.is_decimal(values.type):  # a database's ids, which no float could tell apart
        whole, problems = _whole_decimals(values)
        return Coerced(whole.cast(pa.string()), problems)
    if pa.types.is_floating(values.type):  # pandas makes numbers with a gap floats: 17.0 is 17
        whole, problems = _whole(values)
        return Coerced(whole.cast(pa.string()), problems)
    return None


def _to_time(values: pa.Array, kind: pa.DataType) -> Coerced | None:
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return _moments(values, kind)
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return Coerced(
            pa.nulls(len(values), kind), ((Reason.NAIVE_TIME, mask_of(values.is_valid())),)
        )
    if not pa.types.is_string(values.type):
        return None
    return _times_in_text(values, kind)


def _times_in_text(values: pa.Array, kind: pa.DataType) -> Coerced:
    values = _in_one_way(values)
    parsed = _try_cast(values, "TIMESTAMPTZ").cast(kind, safe=False)
    skipped = mask_of(pc.ends_with(values, SKIPPED))
    impossible = mask_of(pc.match_substring_regex(values, _IMPOSSIBLE))
    unparsable = mask_of(pc.and_(values.is_valid(), parsed.is_null())) & ~skipped & ~impossible
    naive = mask_of(pc.invert(pc.match_substring_regex(values, _ZONED)))
    naive &= ~unparsable & ~skipped & ~impossible
    times = _times(_without(parsed, unparsable | naive | skipped | impossible))
    problems = (
        (Reason.SKIPPED_TIME, skipped),
        (Reason.IMPOSSIBLE_ZONE, impossible),
        (Reason.UNPARSABLE_TIME, unparsable),
        (Reason.NAIVE_TIME, naive),
    )
    return Coerced(times.values, problems + times.problems)


def _in_one_way(texts: pa.Array) -> pa.Array:
    """Times as ISO 8601 writes them, where RFC 3339, git and Python write the same otherwise.

    These are a lower-case ``t`` or ``z``, ``UTC`` with or without a blank, and a blank before the offset.
    """
    texts = pc.utf8_trim_whitespace(texts)
    for pattern, written in ((_DAY_AND_TIME, r"\1T"), (_OF_UTC, r"\1Z"), (_OFFSET_APART, r"\1\2")):
        texts = pc.replace_substring_regex(texts, pattern, written)
    return texts


def _moments(values: pa.Array, kind: pa.DataType) -> Coerced:
    """Times of any unit in that of ``kind``; those that do not fit into it are out of range."""
    units = values.cast(pa.int64())
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[values.type.unit]
    # The comparison is by the source's unit: a cast to a finer one would overflow.
    ends = [min(int(end.timestamp()) * per_second, 2**63 - 1) for end in (EARLIEST, LATEST)]
    outside = mask_of(pc.or_(pc.less(units, ends[0]), pc.greater(units, ends[1])))
    times = _without(values, outside).cast(kind, safe=values.type.unit != "ns")
    return Coerced(times, ((Reason.OUT_OF_RANGE, outside),))


def _times(values: pa.Array) -> Coerced:
    outside = mask_of(
        pc.or_(
            pc.less(values, pa.scalar(EARLIEST, values.type)),
            pc.greater(values, pa.scalar(LATEST, values.type)),
        )
    )
    if not outside.any():
        return Coerced(values)
    return Coerced(_without(values, outside), ((Reason.OUT_OF_RANGE, outside),))


def _to_boolean(values: pa.Array) -> Coerced | None:
    if pa.types.is_string(values.type):
        return _parsed(values, "BOOLEAN", pa.bool_())
    if pa.types.is_integer(values.type):
        wrong = mask_of(pc.invert(pc.is_in(values, pa.array([0, 1], values.type)))) & mask_of(
            values.is_valid()
        )
        return Coerced(_without(values, wrong).cast(pa.bool_()), ((Reason.WRONG_TYPE, wrong),))
    return None


def _to_float(values: pa.Array) -> Coerced | None:
    wrong: Problems = ()
    if pa.types.is_string(values.type):
        parsed = _parsed(values, "DOUBLE", pa.float64())
        values, wrong = parsed.values, parsed.problems
    elif not (
        pa.types.is_floating(values.type)
        or pa.types.is_integer(values.type)
        or pa.types.is_decimal(values.type)
    ):
        return None
    numbers = values.cast(pa.float64(), safe=False)
    nan, infinite = mask_of(pc.is_nan(numbers)), mask_of(pc.is_inf(numbers))
    problems = (*wrong, (Reason.NOT_A_NUMBER, nan), (Reason.OUT_OF_RANGE, infinite))
    return Coerced(_without(numbers, nan, infinite), problems)


def _to_integer(values: pa.Array, kind: pa.DataType) -> Coerced | None:
    problems: Problems = ()
    if pa.types.is_string(values.type):
        parsed = _parsed(values, "BIGINT", pa.int64())
        values, problems = parsed.values, parsed.problems
    elif pa.types.is_floating(values.type):
        values, problems = _whole(values)
    elif pa.types.is_decimal(values.type):
        values, problems = _whole_decimals(values)
        large = mask_of(pc.greater_equal(pc.abs(values), pa.scalar(_BEYOND, values.type)))
        values = _without(values, large).cast(pa.int64())
        problems = (*problems, (Reason.OUT_OF_RANGE, large))
    elif not pa.types.is_integer(values.type):
        return None
    limit = _INTEGERS.get(kind)
    if limit is not None:
        outside = mask_of(pc.or_(pc.less(values, -limit), pc.greater_equal(values, limit)))
        values = _without(values, outside)
        problems = (*problems, (Reason.OUT_OF_RANGE, outside))
    return Coerced(values.cast(kind), problems)


def _whole_decimals(numbers: pa.Array) -> tuple[pa.Array, Problems]:
    broken = mask_of(pc.not_equal(pc.trunc(numbers), numbers))
    whole = _without(numbers, broken).cast(pa.decimal256(76, 0))
    return whole, ((Reason.WRONG_TYPE, broken),)


def _whole(numbers: pa.Array) -> tuple[pa.Array, Problems]:
    nan = mask_of(pc.is_nan(numbers))
    broken = mask_of(pc.not_equal(pc.trunc(numbers), numbers)) & ~nan
    broken |= mask_of(pc.greater_equal(pc.abs(numbers), _EXACT))
    whole = _without(numbers, nan, broken).cast(pa.int64())
    return whole, ((Reason.NOT_A_NUMBER, nan), (Reason.WRONG_TYPE, broken))


def _parsed(values: pa.Array, sql_type: str, kind: pa.DataType) -> Coerced:
    parsed = _try_cast(values, sql_type).cast(kind)
    wrong = mask_of(pc.and_(values.is_valid(), parsed.is_null()))
    return Coerced(parsed, ((Reason.WRONG_TYPE, wrong),))


def _try_cast(values: pa.Array, sql_type: str) -> pa.Array:
    """Text to ``sql_type``; null where it is no such value. A date without a time counts as midnight UTC."""
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("texts", pa.table({"v": values}))
        cast = connection.sql(f"SELECT try_cast(trim(v) AS {sql_type}) AS v FROM texts")
        return _plain(cast.to_arrow_table().column("v"))
