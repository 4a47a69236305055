from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.errors import SourceError
from ml_platform.events.ingest import TableCount, ingest
from ml_platform.values import from_json, to_json
from ml_platform_tests.events.rows import NOW, START, raw, table


@dataclass(frozen=True)
class Listed:
    """A source of given batches."""

    given: tuple[tuple[str, pa.Table], ...]
    notes: tuple[str, ...] = ()
    name: str = "listed"
    simulated: bool = False
    live: bool = False

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        yield from self.given


def test_large_rows_are_merged_before_there_are_many(monkeypatch: pytest.MonkeyPatch):
    """Two hundred thousand rows of huge fields would be held in memory else."""
    monkeypatch.setattr("ml_platform.events.ingest.MERGE_BYTES", 150_000)
    lake, messages = InMemoryLake(), []
    large = [table(raw(number, attributes="x" * 60_000)) for number in range(5)]
    small = table(raw(9))
    source = Listed(tuple(("events", rows) for rows in (*large, small)))
    ingest(source, lake, now=NOW, progress=messages.append)
    assert [message.split(",")[0] for message in messages] == [
        "events: 3 rows read",
        "events: 6 rows read",
    ]
    assert lake.counts()["events"] == 6


def test_of_a_text_that_no_table_takes_the_quarantine_keeps_the_beginning():
    lake = InMemoryLake()
    rows = table(*(raw(number) for number in range(3)), raw(4, tool="x" * 200_000))
    ingest(Listed((("events", rows),)), lake, now=NOW, progress=lambda line: None)
    (refused,) = lake.refused("events").to_pylist()
    assert refused["reason"] == "too_long"
    assert len(refused["row"]) < 1_000
    assert "... (200,000 characters)" in refused["row"]


def test_every_row_is_accounted_for():
    lake, messages = InMemoryLake(), []
    rows = table(raw(0), raw(1), raw(1), raw(1, tool="x"), raw(2, tool=""), raw(3, user_id=None))
    source = Listed((("events", rows), ("users", table({"user_id": "u0"}))), notes=("seen",))
    report = ingest(source, lake, now=NOW, progress=messages.append)
    assert report.tables[0] == TableCount("events", 6, 2, 1, 1, {"empty": 1, "null": 1})
    assert report.newest_event_at == START + timedelta(hours=6)
    assert report.notes == ("seen",)
    assert messages[0] == "events: 6 rows read, 2 new, 0 completed, 1 repeated, 3 refused"
    assert len(lake.refused("events")) == 3
    assert lake.counts()["users"] == 1
    assert from_json(type(report), to_json(report)) == report


def test_a_second_reading_adds_nothing():
    lake = InMemoryLake()
    source = Listed((("events", table(raw(0), raw(1), raw(2, tool=""))),))
    ingest(source, lake, now=NOW, progress=lambda _: None)
    before = lake.rows("events"), lake.refused("events"), lake.fingerprint("events", NOW)
    again = ingest(source, lake, now=NOW + timedelta(days=1), progress=lambda _: None)
    assert (again.tables[0].added, again.tables[0].duplicates) == (0, 2)
    assert (lake.rows("events"), lake.refused("events"), lake.fingerprint("events", NOW)) == before


def test_late_labels_are_counted_and_a_source_of_nothing_else_is_one():
    lake, messages = InMemoryLake(), []
    ingest(Listed((("events", table(raw(0), raw(1))),)), lake, now=NOW, progress=messages.append)
    late = table(raw(0, workflow_category="fix"), raw(1, workflow_category="docs"))
    report = ingest(Listed((("events", late),)), lake, now=NOW, progress=messages.append)
    assert report.tables[0] == TableCount("events", 2, 0, 0, 0, {}, updated=2)
    assert messages[-1] == "events: 2 rows read, 0 new, 2 completed, 0 repeated, 0 refused"


def test_no_events_at_all():
    with pytest.raises(SourceError, match="listed has no events"):
        ingest(Listed(()), InMemoryLake(), now=NOW, progress=lambda _: None)


def test_no_event_that_can_be_used_names_the_reasons():
    rows = table(raw(0, tool=""), raw(1, tool=""), raw(2, user_id=None))
    with pytest.raises(
        SourceError,
        match=r"3 of 3 events .*most of them \(2\) for tool = '': empty.*error of the map",
    ):
        ingest(Listed((("events", rows),)), InMemoryLake(), now=NOW, progress=lambda _: None)


def test_half_of_the_rows_may_be_refused_and_one_more_is_an_error_of_the_map():
    lake = InMemoryLake()
    bad = [raw(number, tool="") for number in range(3)]
    rows = table(raw(3), raw(4), *bad)
    with pytest.raises(SourceError, match="3 of 5 events"):
        ingest(Listed((("events", rows),)), lake, now=NOW, progress=lambda _: None)
    assert lake.counts()["events"] == 0
    assert len(lake.refused("events")) == 3, "they can be looked at"
    report = ingest(
        Listed((("events", table(raw(3), raw(4), raw(5), *bad)),)),
        lake,
        now=NOW,
        progress=lambda _: None,
    )
    assert (report.tables[0].added, report.tables[0].refused) == (3, {"empty": 3})


def test_an_unknown_table():
    source = Listed((("event", table(raw(0))),))
    with pytest.raises(SourceError, match="gives a table 'event'"):
        ingest(source, InMemoryLake(), now=NOW, progress=lambda _: None)


def test_a_source_that_breaks_off_has_changed_nothing():
    lake = InMemoryLake()
    source = Listed((("events", table(raw(0), raw(1, tool=""))), ("users", table({"team": "a"}))))
    with pytest.raises(SourceError, match="users of this source have no column 'user_id'"):
        ingest(source, lake, now=NOW, progress=lambda _: None)
    assert lake.counts()["events"] == 0
    assert len(lake.refused("events")) == 0
