"""Values become the schema's type or are marked, each by its reason: none is dropped without a word."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from ml_platform.errors import SourceError
from ml_platform.events.coerce import SKIPPED, Reason, to_type

MICROSECONDS = pa.timestamp("us", tz="UTC")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def coerced(values, kind, given=None):
    """Values of the type ``kind``, and the places of each reason that marks any."""
    array = values if isinstance(values, pa.Array) else pa.array(values, given)
    result = to_type(pa.chunked_array([array]), pa.field("column", kind), "events")
    assert result.values.type == kind
    assert all(len(mask) == len(array) for _, mask in result.problems)
    places = {
        reason: np.flatnonzero(mask).tolist() for reason, mask in result.problems if mask.any()
    }
    return result.values.to_pylist(), places


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01 12:00:00 UTC",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01T14:00:00+0200",
        "2026-05-01T14:00:00+02",
        "2026-05-01T06:30:00-05:30",
        "2026-05-01T12:00:00.000000Z",
        " 2026-05-01T12:00:00Z",
        "2026-05-01T12:00:00Z\t",
        "2026-05-01t12:00:00z",
        "2026-05-01T12:00:00UTC",
        "2026-05-01 12:00 utc",
        "2026-05-01 12:00:00.000 Z",
        "2026-05-01 14:00:00 +0200",
        "2026-05-01 06:30:00 -05:30",
    ],
)
def test_a_time_in_text_with_its_zone_is_that_moment(text):
    assert coerced([text], MICROSECONDS) == ([NOON], {})


def test_a_time_in_text_is_marked_by_the_one_reason_that_fits():
    texts = [
        "2026-05-01T12:00:00Z",
        "2026-05-01T12:00:00",
        "2026-05-01",
        "yesterday",
        None,
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59",
    ]
    values, places = coerced(texts, MICROSECONDS)
    assert values == [NOON, None, None, None, None, None, datetime(1970, 1, 1, tzinfo=UTC), None]
    assert places == {
        Reason.NAIVE_TIME: [1, 2, 7],
        Reason.UNPARSABLE_TIME: [3],
        Reason.OUT_OF_RANGE: [5],
    }


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_and_zone_keep_their_moment_and_early_ones_are_marked(unit):
    east = timezone(timedelta(hours=5))
    early = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    given = pa.array([NOON.astimezone(east), None, early], pa.timestamp(unit, tz="+05:00"))
    assert coerced(given, MICROSECONDS) == ([NOON, None, None], {Reason.OUT_OF_RANGE: [2]})


LAST = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_the_first_and_the_last_moment_count_and_one_unit_beyond_does_not(unit):
    per_second = {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
    end = int(LAST.timestamp()) * per_second
    for zone in ("UTC", "+05:00"):
        given = pa.array([-1, 0, end, end + 1, None], pa.timestamp(unit, tz=zone))
        values, places = coerced(given, MICROSECONDS)
        assert values == [None, datetime(1970, 1, 1, tzinfo=UTC), LAST, None, None]
        assert places == {Reason.OUT_OF_RANGE: [0, 3]}


def test_seconds_beyond_what_microseconds_can_say_are_marked_and_stop_nothing():
    given = pa.array([2**62, -(2**62), 0], pa.timestamp("s", tz="UTC"))
    values, places = coerced(given, MICROSECONDS)
    assert values == [None, None, datetime(1970, 1, 1, tzinfo=UTC)]
    assert places == {Reason.OUT_OF_RANGE: [0, 1]}
    latest = pa.array([2**63 - 1], pa.timestamp("ns", tz="UTC"))  # the year 2262: a possible time
    assert coerced(latest, MICROSECONDS)[1] == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-05-01T12:00:00+14:00", None),
        ("2026-05-01T12:00:00-13:59", None),
        ("2026-05-01T12:00:00+14:01", Reason.IMPOSSIBLE_ZONE),
        ("2026-05-01T12:00:00-15:00", Reason.IMPOSSIBLE_ZONE),
        ("2026-05-01T12:00:00+99", Reason.IMPOSSIBLE_ZONE),
        ("2026-05-01T12:00:00+02:75", Reason.IMPOSSIBLE_ZONE),
        ("2026-05-01 12:00:00 +99", Reason.IMPOSSIBLE_ZONE),
        ("2026-05-01T12:00:00 +02 UTC", Reason.UNPARSABLE_TIME),
        ("2026-05-01T12:00:00Z Z", Reason.UNPARSABLE_TIME),
        ("2026-03-29T02:30:00" + SKIPPED, Reason.SKIPPED_TIME),
        ("9999-12-31T00:00:00Z", None),
        ("9999-12-31T00:00:01Z", Reason.OUT_OF_RANGE),
    ],
)
def test_zones_and_moments_that_cannot_be_are_marked_by_that_reason_alone(text, reason):
    (value,), places = coerced([text], MICROSECONDS)
    assert (value is None) == (reason is not None)
    assert places == ({reason: [0]} if reason else {})


def test_nanoseconds_are_cut_to_microseconds():
    given = pa.array([1_777_636_800_000_000_999], pa.timestamp("ns", tz="UTC"))
    (moment,), places = coerced(given, MICROSECONDS)
    assert (moment, places) == (NOON, {})


@pytest.mark.parametrize(
    "given",
    [
        pa.array([None, datetime(2026, 5, 1, 12)], pa.timestamp("us")),
        pa.array([None, date(2026, 5, 1)]),
    ],
    ids=["timestamp", "date"],
)
def test_times_without_a_zone_are_marked_and_missing_ones_are_not(given):
    assert coerced(given, MICROSECONDS) == ([None, None], {Reason.NAIVE_TIME: [1]})


def test_only_nought_and_one_are_truth_values():
    assert coerced([0, 1, 2, -1, None], pa.bool_()) == (
        [False, True, None, None, None],
        {Reason.WRONG_TYPE: [2, 3]},
    )
    assert coerced(["true", "False", " true ", "0", "2x", None], pa.bool_()) == (
        [True, False, True, False, None, None],
        {Reason.WRONG_TYPE: [4]},
    )


def test_text_in_a_column_of_numbers_is_marked():
    texts = ["1.5", " 2 ", "-3e2", "twelve", "", None, "nan", "inf"]
    values, places = coerced(texts, pa.float64())
    assert values == [1.5, 2.0, -300.0, None, None, None, None, None]
    assert places == {
        Reason.WRONG_TYPE: [3, 4],
        Reason.NOT_A_NUMBER: [6],
        Reason.OUT_OF_RANGE: [7],
    }


@pytest.mark.parametrize("given", [pa.float64(), pa.float32()])
def test_what_is_no_finite_number_is_marked(given):
    assert coerced([0.5, float("nan"), float("inf"), float("-inf"), None], pa.float64(), given) == (
        [0.5, None, None, None, None],
        {Reason.NOT_A_NUMBER: [1], Reason.OUT_OF_RANGE: [2, 3]},
    )


def test_whole_numbers_and_decimals_are_numbers():
    assert coerced([1, None, -2], pa.float64()) == ([1.0, None, -2.0], {})
    assert coerced([2**60 + 1], pa.float64()) == ([2.0**60], {})  # as near as a double comes
    assert coerced([Decimal("1.25"), None], pa.float64()) == ([1.25, None], {})
    assert coerced([Decimal("3.00"), Decimal("3.50")], pa.int32()) == (
        [3, None],
        {Reason.WRONG_TYPE: [1]},
    )


@pytest.mark.parametrize(("kind", "limit"), [(pa.int16(), 2**15), (pa.int32(), 2**31)])
@pytest.mark.parametrize("as_given", [int, float, str])
def test_a_number_that_does_not_fit_is_marked(kind, limit, as_given):
    numbers = [-limit - 1, -limit, limit - 1, limit, 10 * limit]
    assert coerced([as_given(number) for number in numbers], kind) == (
        [None, -limit, limit - 1, None, None],
        {Reason.OUT_OF_RANGE: [0, 3, 4]},
    )


def test_whole_decimals_keep_every_digit():
    """Two ids of a database that are one and the same float."""
    ids = [Decimal("9007199254740993"), Decimal("9007199254740992.00"), Decimal("17.5"), None]
    assert coerced(ids, pa.string()) == (
        ["9007199254740993", "9007199254740992", None, None],
        {Reason.WRONG_TYPE: [2]},
    )
    large = [Decimal(2**63 - 1), Decimal(2**63), Decimal(-(2**63)), Decimal(10**40)]
    assert coerced(large, pa.int64())[0] == [2**63 - 1, None, None, None]
    assert coerced(large, pa.int64())[1] == {Reason.OUT_OF_RANGE: [1, 2, 3]}
    assert coerced([2.0**53, 2.0**53 - 1], pa.string()) == (
        [None, str(2**53 - 1)],
        {Reason.WRONG_TYPE: [0]},
    )


def test_only_whole_numbers_become_integers_each_other_by_one_reason():
    numbers = [17.0, 17.5, float("nan"), None, 2.0**53, -(2.0**63), float("inf"), 2.0**52]
    values, places = coerced(numbers, pa.int64())
    assert values == [17, None, None, None, None, None, None, 2**52]
    assert places == {Reason.WRONG_TYPE: [1, 4, 5, 6], Reason.NOT_A_NUMBER: [2]}
    assert coerced(["17", "x", None], pa.int32()) == ([17, None, None], {Reason.WRONG_TYPE: [1]})


def test_ids_that_pandas_made_floats_are_text_without_a_point():
    assert coerced([17.0, None, 17.5, float("nan")], pa.string(), pa.float64()) == (
        ["17", None, None, None],
        {Reason.WRONG_TYPE: [2], Reason.NOT_A_NUMBER: [3]},
    )
    assert coerced([17, None], pa.string()) == (["17", None], {})
    assert coerced(["a", None], pa.string()) == (["a", None], {})


def test_categories_and_long_strings_are_text():
    words = ["a", None, "b", "a"]
    for given in (
        pa.array(words).dictionary_encode(),
        pa.array(words, pa.large_string()),
        pa.array(words, pa.string_view()),
    ):
        assert coerced(given, pa.string()) == (words, {})
    numbers = pa.array(["1.5", "x"]).dictionary_encode()
    assert coerced(numbers, pa.float64()) == ([1.5, None], {Reason.WRONG_TYPE: [1]})


def test_a_column_of_nulls_is_missing_of_every_type():
    for kind in (pa.string(), MICROSECONDS, pa.bool_(), pa.float64(), pa.int16()):
        assert coerced([None, None], kind) == ([None, None], {})


def test_columns_in_pieces_are_one_column_and_an_empty_one_stays_empty():
    pieces = pa.chunked_array([["1.5"], ["x", "2"]])
    result = to_type(pieces, pa.field("column", pa.float64()), "events")
    assert result.values.to_pylist() == [1.5, None, 2.0]
    empty = pa.chunked_array([], pa.string())
    assert len(to_type(empty, pa.field("column", pa.float64()), "events").values) == 0


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (pa.array([True]), pa.float64()),
        (pa.array([True]), pa.int32()),
        (pa.array([True]), pa.string()),
        (pa.array([1.0]), pa.bool_()),
        (pa.array([1]), MICROSECONDS),
        (pa.array([b"x"]), pa.string()),
    ],
    ids=str,
)
def test_a_type_that_never_fits_is_refused_with_both_names(given, kind):
    with pytest.raises(SourceError, match="Column 'column' of events has type") as refused:
        coerced(given, kind)
    assert f"{given.type}, which is never a {kind}" in refused.value.message
