import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.process_log import ProcessLogSource
from ml_platform.errors import SourceError
from ml_platform.events.ingest import IngestReport, ingest
from ml_platform.events.sources.xes import PART_EVENTS, traces
from ml_platform_tests.events.rows import NOW

XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <string key="concept:name" value="the log"/>
  <global scope="event"><string key="concept:name" value="default"/></global>
  <trace>
    <string key="concept:name" value="case 7"/>
    <event>
      <string key="concept:name" value="register"/>
      <string key="org:resource" value="Ann"/>
      <string key="lifecycle:transition" value="complete"/>
      <date key="time:timestamp" value="2026-03-01T10:00:00.000+01:00"/>
      <list key="x"><string key="concept:name" value="nested, not the activity"/></list>
    </event>
    <event>
      <string key="concept:name" value="decide"/>
      <date key="time:timestamp" value="2026-03-01T12:00:00Z"/>
    </event>
  </trace>
  <trace>
    <event><date key="time:timestamp" value="2026-03-02T12:00:00Z"/></event>
  </trace>
</log>
"""


def read(path: Path, map_file: Path | None = None) -> tuple[InMemoryLake, IngestReport]:
    lake = InMemoryLake()
    source = ProcessLogSource(path, b"key", map_file)
    return lake, ingest(source, lake, now=NOW, progress=lambda _: None)


@pytest.mark.parametrize("zipped", [False, True])
def test_xes(tmp_path: Path, zipped: bool):
    path = tmp_path / ("claims.xes.gz" if zipped else "claims.xes")
    path.write_bytes(gzip.compress(XES.encode()) if zipped else XES.encode())
    lake, report = read(path)
    first, second = lake.rows("events").to_pylist()
    assert (first["event_id"], first["operation"]) == ("case 7:000001", "register")
    assert first["occurred_at"] == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert first["attributes"] == '{"lifecycle": "complete"}'
    assert (second["operation"], second["user_id"]) == ("decide", "case case 7")
    assert first["session_id"] == second["session_id"] == "case 7"
    assert len(first["user_id"]) == 20
    assert "Ann" not in str(first)
    assert report.tables[0].refused == {"null": 1}  # the event without an activity
    execution = lake.rows("workflow_executions").to_pylist()[0]
    assert (execution["execution_id"], execution["workflow_id"]) == ("case 7", "claims")
    assert execution["started_at"] == first["occurred_at"]
    assert execution["finished_at"] == second["occurred_at"]


def test_a_dtd_is_refused_before_it_expands(tmp_path: Path):
    path = tmp_path / "bomb.xes"
    path.write_text('<!DOCTYPE log [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><log>&b;</log>')
    with pytest.raises(SourceError, match="has a DTD"):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xes", b"<log><trace></log>", "no readable XES: mismatched tag"),
        ("b.xes", b"<html></html>", "XML without a <log>"),
        ("c.xes.gz", gzip.compress(XES.encode())[:-40], "no readable XES"),
        ("d.xes", b"<log></log>", "has no events"),
        ("e.csv", b"case,step\n1,a\n", "no column for the time"),
        ("f.csv", b"", "no column for the case"),
        ("g.csv", b"case,activity,time\n\xff,a,b\n", "1 of 1 events .*line 2 is not utf-8"),
    ],
)
def test_broken_logs(tmp_path: Path, name: str, content: bytes, message: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read(tmp_path / name)


def many(name: str, events: int, *, named_behind: bool = False) -> str:
    """A log of one trace with so many events, a second apart."""
    steps = "".join(
        f'<event><string key="concept:name" value="step {number}"/><date key="time:timestamp" '
        f'value="2026-03-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"/></event>'
        for number in range(events)
    )
    of_trace = f'<string key="concept:name" value="{name}"/>'
    inside = steps + of_trace if named_behind else of_trace + steps
    return f"<log><trace>{inside}</trace><trace><event/></trace></log>"


@pytest.mark.parametrize("events", [PART_EVENTS, PART_EVENTS + 1, 2 * PART_EVENTS])
def test_a_case_in_parts_is_one_case(tmp_path: Path, events: int):
    """As XES and as CSV: numbers go on from part to part, and the case is one execution."""
    (tmp_path / "long.xes").write_text(many("c", events))
    lake, _ = read(tmp_path / "long.xes")
    rows = lake.rows("events").to_pylist()
    lines = [f"c,{row['operation']},{row['occurred_at'].isoformat()}" for row in rows]
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "long.csv").write_text("\n".join(["case,activity,time", *reversed(lines)]))
    from_csv, _ = read(tmp_path / "csv" / "long.csv")
    for found in (lake, from_csv):
        ids = found.rows("events")["event_id"].to_pylist()
        assert sorted(ids) == [f"c:{number:06d}" for number in range(1, events + 1)]
        (execution,) = found.rows("workflow_executions").to_pylist()
        assert execution["execution_id"] == "c"
        assert execution["started_at"] == datetime(2026, 3, 1, tzinfo=UTC)
        ended = execution["finished_at"] - execution["started_at"]
        assert ended.total_seconds() == events - 1


def test_memory_holds_a_part_of_a_case(tmp_path: Path):
    """Whichever part comes first must not wait for the end of its trace."""
    text = many("c", 3 * PART_EVENTS).encode()
    given = [text[:-40], text[-40:]]
    parts = traces(iter(given), "x")
    first = next(parts)
    assert (first.name, first.number, first.first, first.last) == ("c", 1, 1, False)
    assert [(part.number, part.first, len(part.events), part.last) for part in parts] == [
        (1, PART_EVENTS + 1, PART_EVENTS, False),
        (1, 2 * PART_EVENTS + 1, PART_EVENTS, True),
        (2, 1, 1, True),
    ]


def test_a_name_behind_the_events_counts_unless_parts_were_given_without_it(tmp_path: Path):
    path = tmp_path / "behind.xes"
    path.write_text(many("c", 3, named_behind=True))
    assert read(path)[0].rows("events")["session_id"].to_pylist() == ["c"] * 3
    path.write_text(many("c", PART_EVENTS + 1, named_behind=True))
    with pytest.raises(SourceError, match="trace 1 is named 'c' behind its first 10,000 events"):
        read(path)


def test_no_file(tmp_path: Path):
    with pytest.raises(SourceError, match="There is no file"):
        read(tmp_path / "gone.xes")


CSV = """Case ID,Activity,Resource,Complete Timestamp
NA,b,Ann,2026/03/01 10:00:00.500
NA,a,Bob,2026/03/01 09:00:00
NA,c,Bob,2026/03/01 10:00:00.500
2,a,,2026-03-01T09:00:00+02:00
,a,Bob,2026/03/01 09:00:00
3,a,Bob,soon
"""


def test_csv_is_ordered_by_time_then_by_line_and_na_is_a_case(tmp_path: Path):
    path = tmp_path / "desk.csv"
    path.write_text(CSV)
    lake, report = read(path)
    rows = lake.rows("events", columns=("event_id", "operation", "occurred_at")).to_pylist()
    assert [(row["event_id"], row["operation"]) for row in rows] == [
        ("2:000001", "a"),
        ("NA:000001", "a"),
        ("NA:000002", "b"),
        ("NA:000003", "c"),
    ]
    assert rows[0]["occurred_at"] == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert rows[2]["occurred_at"] == datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert report.tables[0].refused == {"null": 1, "unparsable_time": 1}
    assert lake.counts()["workflow_executions"] == 2


def test_shuffled_lines_give_the_same_events(tmp_path: Path):
    header, *lines = CSV.splitlines()
    prints = []
    for number, order in enumerate((lines, [lines[3], lines[1], lines[0], lines[2], *lines[4:]])):
        path = tmp_path / f"{number}" / "desk.csv"
        path.parent.mkdir()
        path.write_text("\n".join([header, *order]))
        prints.append(read(path)[0].fingerprint("events", NOW))
    assert prints[0] == prints[1]


def test_other_separators(tmp_path: Path):
    path = tmp_path / "desk.csv"
    path.write_text("case;activity;timestamp\n1;a, b;2026-03-01T09:00:00Z\n")
    assert read(path)[0].rows("events")["operation"].to_pylist() == ["a, b"]


def test_a_map_names_columns_and_zone(tmp_path: Path):
    path = tmp_path / "odd.csv"
    path.write_text("ticket,what,when\n1,open,2026-03-01 09:00:00\n")
    (tmp_path / "map.toml").write_text(
        '[log]\ncase = "ticket"\nactivity = "what"\ntime = "when"\ntimezone = "Asia/Tokyo"\n'
    )
    lake, _ = read(path, tmp_path / "map.toml")
    assert lake.newest("events") == datetime(2026, 3, 1, 0, tzinfo=UTC)
    (tmp_path / "map.toml").write_text('[log]\ncase = "tickets"\n')
    with pytest.raises(SourceError, match=r"no column for the case \(tickets\)"):
        read(path, tmp_path / "map.toml")
    (tmp_path / "map.toml").write_text('[events]\ncase = "ticket"\n')
    with pytest.raises(SourceError, match=r"one table \[log\]"):
        read(path, tmp_path / "map.toml")
