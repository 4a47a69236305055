"""Rows of people who were forgotten are left out of lake and quarantine, and counted."""

import pyarrow as pa
import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.events.forgotten import Forgotten, ceilings_of, tombstone
from ml_platform.events.ingest import ingest
from ml_platform.events.quality import UNREADABLE
from ml_platform_tests.events.rows import NOW, START, raw, table
from ml_platform_tests.events.test_ingest import Listed

KEY = b"k" * 32
U0 = Forgotten(KEY, frozenset({tombstone(KEY, "u0")}))


def read(*given, forgotten=U0):
    lake, messages = InMemoryLake(), []
    report = ingest(Listed(given), lake, now=NOW, progress=messages.append, forgotten=forgotten)
    return lake, {count.table: count for count in report.tables}, messages


def ceiling(row_id, target="label"):
    return {
        "row_id": row_id,
        "target": target,
        "occurred_at": START,
        "received_at": START,
        "source": "made",
        "prediction": "fix",
        "probability": 0.9,
    }


def test_a_tombstone_holds_nothing_of_the_id_and_needs_the_key():
    assert "u0" not in tombstone(KEY, "u0")
    assert len(tombstone(KEY, "u0")) == 64
    assert not Forgotten(b"l" * 32, U0.tombstones).is_one("u0")


def test_rows_of_the_forgotten_are_counted_and_nothing_of_them_is_kept():
    rows = table(*(raw(number) for number in range(6)), raw(9, user_id="u0", tool=""))
    lake, counts, messages = read(("events", rows), ("users", table({"user_id": "u0"})))
    assert lake.rows("events")["user_id"].to_pylist() == ["u1", "u2", "u1", "u2"]
    assert lake.counts()["users"] == 0
    assert lake.refused("events").to_pylist() == []
    assert (counts["events"].read, counts["events"].added, counts["events"].forgotten) == (7, 4, 3)
    assert counts["events"].refused == {}
    assert counts["users"].forgotten == 1
    assert messages[0].endswith("0 refused, 3 of forgotten people")


def test_where_nobody_was_forgotten_nobody_is_left_out():
    _, counts, messages = read(("events", table(raw(0), raw(1))), forgotten=Forgotten())
    assert (counts["events"].added, counts["events"].forgotten) == (2, 0)
    assert messages[0].endswith("0 refused")


def test_numbers_are_user_ids_too():
    forgotten = Forgotten(KEY, frozenset({tombstone(KEY, "17")}))
    rows = pa.table({"user_id": pa.array([17, 18, None], pa.int64())})
    assert forgotten.owns("users", rows).tolist() == [True, False, False]


@pytest.mark.parametrize("line", ["e7;u0;oops", "u0", 'e7,"u0",x', "e7\tu0 "])
def test_a_line_that_cannot_be_read_and_names_them_is_not_put_into_quarantine(line):
    rows = table(
        raw(1, user_id="u1") | {UNREADABLE: ""},
        raw(2) | {UNREADABLE: "broken", "user_id": None, "operation": line},
        raw(4) | {UNREADABLE: "broken", "user_id": None, "operation": "u01 of u1"},
        *(raw(number, user_id="u1") | {UNREADABLE: ""} for number in range(5, 9)),
    )
    lake, counts, _ = read(("events", rows))
    assert [row["field"] for row in lake.refused("events").to_pylist()] == [UNREADABLE]
    assert counts["events"].forgotten == 1


def test_ceilings_of_their_rows_are_left_out_even_if_they_come_first():
    ceilings = table(
        ceiling("e0000"), ceiling("e0001"), ceiling("e0000:4"), ceiling("u0@2026-03-01")
    )
    lake, counts, _ = read(("ceilings", ceilings), ("events", table(raw(0), raw(1))))
    assert lake.rows("ceilings")["row_id"].to_pylist() == ["e0001"]
    assert (counts["ceilings"].read, counts["ceilings"].forgotten) == (4, 3)


def test_a_source_of_nobody_else_is_no_error():
    lake, counts, _ = read(("events", table(raw(0), raw(3))))
    assert lake.counts()["events"] == 0
    assert counts["events"].forgotten == 2


def test_a_ceiling_names_a_row_or_a_user():
    named = pa.chunked_array([["a", "a:1", "b", "ann@2026-01-01", "bob@2026-01-01", "a:1:2"]])
    found = ceilings_of(named, {"a"}, "ann".__eq__).tolist()
    assert found == [True, True, False, True, False, False]
