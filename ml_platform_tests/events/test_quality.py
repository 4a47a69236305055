import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from ml_platform.errors import SourceError
from ml_platform.events.quality import check_rows
from ml_platform.events.schema import EVENTS, TABLES
from ml_platform_tests.events.rows import NOW, START, raw, table


def refused(**changes: object) -> tuple[str, str, str]:
    """The quarantine row of the one bad row between two good ones."""
    checked = check_rows("events", table(raw(0), raw(1, **changes), raw(2)), now=NOW, source="s")
    assert checked.good.column("event_id").to_pylist() == ["e0000", "e0002"]
    (row,) = checked.refused.to_pylist()
    assert row["remedy"]
    assert "event_id" in json.loads(row["row"])
    return row["reason"], row["field"], row["value"]


def refused_text(column: str, *values: object) -> list[str]:
    """Reasons for the values of one column that comes as it is, one row each."""
    rows = table(*(raw(number) for number in range(len(values))))
    place = rows.column_names.index(column)
    rows = rows.set_column(place, column, pa.array(values))
    refused = check_rows("events", rows, now=NOW, source="s").refused.to_pylist()
    return [row["reason"] for row in refused]


def test_good_rows_get_the_exact_schema_the_defaults_and_the_order():
    checked = check_rows("events", table(raw(1), raw(0)), now=NOW, source="files:x")
    assert checked.good.schema == EVENTS
    assert checked.good.slice(0, 1).to_pylist() == [
        {
            "event_id": "e0000",
            "user_id": "u0",
            "occurred_at": START,
            "received_at": NOW,
            "source": "files:x",
            "tool": "editor",
            "operation": "modify",
            "object_path": "src/part0.Py",
            "object_extension": "py",
            "session_id": None,
            "change_set_id": "e0000",
            "workflow_category": None,
            "is_bot": False,
            "utc_offset_minutes": None,
            "attributes": None,
        }
    ]


def test_null_in_a_required_field():
    assert refused(user_id=None) == ("null", "user_id", "")


def test_an_empty_id():
    assert refused(event_id="") == ("empty", "event_id", "")


def test_a_text_that_is_no_id():
    assert refused(user_id="x" * 513)[:2] == ("too_long", "user_id")


def test_a_time_in_the_future():
    later = NOW + timedelta(seconds=1)
    assert refused(occurred_at=later) == ("future_time", "occurred_at", str(later))


def test_a_time_before_computers():
    assert refused(occurred_at=datetime(1969, 12, 31, tzinfo=UTC))[0] == "out_of_range"


def test_times_as_text():
    reasons = refused_text(
        "occurred_at",
        "2026-03-01T10:00:00+01:00",
        "2026-03-01 10:00:00.5Z",
        "2026-03-01",
        "2026-03-01 10:00:00",
        "yesterday",
        "2026-02-30T10:00:00Z",
    )
    assert sorted(reasons) == ["naive_time", "naive_time", "unparsable_time", "unparsable_time"]


def test_text_times_are_read_with_their_offset():
    rows = table(raw(0)).set_column(2, "occurred_at", pa.array(["2026-03-01T10:00:00+01:00"]))
    assert check_rows("events", rows, now=NOW, source="s").good["occurred_at"].to_pylist() == [
        START
    ]


def test_a_time_without_zone_is_not_guessed():
    naive = table(raw(0, occurred_at=START.replace(tzinfo=None)))
    (row,) = check_rows("events", naive, now=NOW, source="s").refused.to_pylist()
    assert (row["reason"], row["field"]) == ("naive_time", "occurred_at")
    assert "timezone" in row["remedy"]


def test_nan_where_a_number_or_an_id_is_expected():
    offsets = table(*(raw(n, utc_offset_minutes=v) for n, v in enumerate([60.0, float("nan")])))
    (row,) = check_rows("events", offsets, now=NOW, source="s").refused.to_pylist()
    assert (row["reason"], row["field"]) == ("not_a_number", "utc_offset_minutes")
    assert refused_text("user_id", 17.0, float("nan"), 1.5) == ["not_a_number", "wrong_type"]


def test_numbers_that_pandas_made_floats_stay_the_ids_they_were():
    rows = table(raw(0)).set_column(1, "user_id", pa.array([17.0]))
    assert check_rows("events", rows, now=NOW, source="s").good["user_id"].to_pylist() == ["17"]


def test_wrong_values_of_other_types():
    rows = table(raw(0, is_bot="maybe"), raw(1, is_bot="true"))
    (row,) = check_rows("events", rows, now=NOW, source="s").refused.to_pylist()
    assert (row["reason"], row["field"], row["value"]) == ("wrong_type", "is_bot", "maybe")
    rows = table(raw(0, utc_offset_minutes=40_000), raw(1, utc_offset_minutes=-480))
    (row,) = check_rows("events", rows, now=NOW, source="s").refused.to_pylist()
    assert (row["reason"], row["value"]) == ("out_of_range", "40000")


def test_a_type_that_never_fits_is_an_error_of_the_source():
    rows = table(raw(0)).set_column(2, "occurred_at", pa.array([True]))
    with pytest.raises(SourceError, match=r"'occurred_at' of events has type bool.*Remedy"):
        check_rows("events", rows, now=NOW, source="s")


def test_a_missing_required_column_is_an_error_of_the_source():
    with pytest.raises(SourceError, match=r"no column 'tool' \(they have event_id"):
        check_rows("events", table(raw(0)).drop_columns(["tool"]), now=NOW, source="s")


def test_the_first_thing_wrong_is_the_reason_and_no_row_is_lost():
    rows = table(raw(0, user_id=None, tool=""), raw(1, tool=""), raw(2))
    checked = check_rows("events", rows, now=NOW, source="s")
    assert checked.refused["reason"].to_pylist() == ["null", "empty"]
    assert len(checked.good) + len(checked.refused) == 3


def test_executions():
    def execution(number: int, **changes: object) -> dict[str, object]:
        row = {
            "execution_id": f"x{number}",
            "workflow_id": "w",
            "user_id": "u",
            "status": "succeeded",
            "started_at": START,
            "finished_at": START,
            "propensity": 0.5,
        }
        return row | changes

    rows = table(
        execution(0),
        execution(1, propensity=0.0),
        execution(2, propensity=1.5),
        execution(3, propensity=float("nan")),
        execution(4, finished_at=START - timedelta(seconds=1)),
        execution(5, finished_at=NOW + timedelta(seconds=1)),
        execution(6, propensity=None, finished_at=None),
        execution(7, propensity=1.0),
    )
    checked = check_rows("workflow_executions", rows, now=NOW, source="s")
    assert checked.good["execution_id"].to_pylist() == ["x0", "x6", "x7"]
    reasons = {
        json.loads(r["row"])["execution_id"]: r["reason"] for r in checked.refused.to_pylist()
    }
    assert reasons == {
        "x1": "out_of_range",
        "x2": "out_of_range",
        "x3": "not_a_number",
        "x4": "finish_before_start",
        "x5": "future_time",
    }


@pytest.mark.parametrize("name", list(TABLES))
def test_every_table_takes_no_rows(name: str):
    checked = check_rows(name, TABLES[name].empty_table(), now=NOW)
    assert checked.good.schema == TABLES[name]
    assert len(checked.refused) == 0


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("a/b.tar.GZ", "gz"),
        ("Makefile", None),
        (".gitignore", None),
        ("a.d/b", None),
        ("x/y.", None),
        ("é/ü.md", "md"),
    ],
)
def test_the_extension_follows_from_the_path(path: str, extension: str | None):
    checked = check_rows("events", table(raw(0, object_path=path)), now=NOW, source="s")
    assert checked.good["object_extension"].to_pylist() == [extension]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_extreme_times_of_any_unit_are_refused_and_shown(unit: str) -> None:
    """Of a broken clock: the largest number of 64 bits, the smallest, and one of the year 30828."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    numbers = [2**63 - 1, -(2**63), 910_692_730_085 * per_second, 1_770_000_000 * per_second]
    times = pa.array([min(number, 2**63 - 1) for number in numbers]).cast(pa.timestamp(unit, "UTC"))
    rows = table(*(raw(number) for number in range(4)))
    rows = rows.set_column(rows.column_names.index("occurred_at"), "occurred_at", times)
    checked = check_rows("events", rows, now=NOW, source="s")
    assert checked.good["event_id"].to_pylist() == ["e0003"]
    refused = checked.refused.to_pylist()
    # 2**63 nanoseconds are the year 2262, which a clock can show: that is merely the future
    late = {"future_time"} if unit == "ns" else set()
    assert {row["reason"] for row in refused} == {"out_of_range"} | late
    assert all(json.loads(row["row"])["occurred_at"] for row in refused)
