"""Files as companies export them: separators, encodings, decimal commas, local times, spreadsheets' dates."""

import codecs
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.files import FilesSource
from ml_platform.adapters.sources.process_log import ProcessLogSource
from ml_platform.errors import SourceError
from ml_platform.events.ingest import IngestReport, ingest

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GERMAN = """[events]
file = "export.csv"
delimiter = ";"
encoding = "latin-1"
time_format = "%d.%m.%Y %H:%M"
timezone = "Europe/Berlin"
[events.columns]
event_id = "Nr"
user_id = "Benutzer"
occurred_at = "Zeitpunkt"
tool = "Werkzeug"
operation = "Vorgang"
"""
HEADER = "Nr;Benutzer;Zeitpunkt;Werkzeug;Vorgang"


def read(folder: Path) -> tuple[InMemoryLake, IngestReport]:
    lake = InMemoryLake()
    return lake, ingest(FilesSource(folder), lake, now=NOW, progress=lambda _: None)


def export(folder: Path, *lines: str, mapping: str = GERMAN, encoding: str = "latin-1") -> Path:
    (folder / "export.csv").write_bytes("\r\n".join([HEADER, *lines, ""]).encode(encoding))
    (folder / "columns.toml").write_text(mapping)
    return folder


def moments(lake: InMemoryLake) -> list[str]:
    return [f"{row['occurred_at']:%d %H:%M}" for row in lake.rows("events").to_pylist()]


def test_a_german_export_is_read_as_it_was_meant(tmp_path: Path) -> None:
    export(
        tmp_path,
        "1;Jürgen;05.03.2026 09:30;Büro;geöffnet",
        '2;Jürgen;05.07.2026 09:30;Büro;"ab;gelegt"',
    )
    lake, _ = read(tmp_path)
    rows = lake.rows("events").to_pylist()
    assert [row["user_id"] for row in rows] == ["Jürgen", "Jürgen"]
    assert rows[1]["operation"] == "ab;gelegt"
    # UTC+1 in March, UTC+2 in July
    assert [row["occurred_at"].hour for row in rows] == [8, 7]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, mark: bytes, encoding: str) -> None:
    export(tmp_path, "1;Jürgen;05.03.2026 09:30;Büro;auf", encoding=encoding)
    path = tmp_path / "export.csv"
    path.write_bytes(mark + path.read_bytes())
    assert read(tmp_path)[0].rows("events")["user_id"].to_pylist() == ["Jürgen"]


def test_a_file_in_utf_32_that_is_cut_off_loses_its_last_record_alone(tmp_path: Path) -> None:
    export(tmp_path, "1;Ada;05.03.2026 09:30;B;a", "2;Ada;05.03.2026 09:30;B;a", encoding="utf-32")
    path = tmp_path / "export.csv"
    path.write_bytes(path.read_bytes()[:-10])
    assert read(tmp_path)[1].tables[0].refused == {"unreadable": 1}


def test_one_bad_cell_or_line_quarantines_its_row_alone(tmp_path: Path) -> None:
    good = [f"{number};Ada;05.03.2026 09:{number:02d};Büro;auf" for number in range(10, 20)]
    mapping = GERMAN.replace('encoding = "latin-1"\n', "")
    export(tmp_path, *good, "20;Ada;vorgestern;Büro;auf", "21;Ada;05.03.2026 10:00;Büro",
           mapping=mapping, encoding="utf-8")  # fmt: skip
    with (tmp_path / "export.csv").open("ab") as stream:
        stream.write(b"22;J\xfcrgen;05.03.2026 11:00;Tool;auf\r\n")
    lake, report = read(tmp_path)
    assert lake.counts()["events"] == 10
    assert report.tables[0].refused == {"unparsable_time": 1, "unreadable": 2}
    refused = {(row["field"], row["value"]) for row in lake.refused("events").to_pylist()}
    assert refused == {
        ("occurred_at", "vorgestern"),
        ("unreadable", "line 13 has 4 cells, the header 5: 21|Ada|05.03.2026 10:00|Büro"),
        ("unreadable", "line 14 is not utf-8: 22|J\\xfcrgen|05.03.2026 11:00|Tool|auf"),
    }


def test_a_condition_does_not_lose_what_could_not_be_read(tmp_path: Path) -> None:
    mapping = GERMAN.replace("[events.columns]", "where = \"Benutzer <> 'x'\"\n[events.columns]")
    export(
        tmp_path, "1;Ada;05.03.2026 09:30;B;a", "2;x;05.03.2026 09:30;B;a", "3;Ada", mapping=mapping
    )
    report = read(tmp_path)[1]
    assert (report.tables[0].read, report.tables[0].refused) == (2, {"unreadable": 1})


def test_clocks_that_change(tmp_path: Path) -> None:
    """On 29 March 2026 02:00-03:00 was not there in Berlin; on 25 October 2026 it came twice."""
    export(
        tmp_path,
        "1;Ada;29.03.2026 01:59;B;a",
        "2;Ada;29.03.2026 02:30;B;a",
        "3;Ada;29.03.2026 03:00;B;a",
        "4;Ada;25.10.2026 01:59;B;a",
        "5;Ada;25.10.2026 02:30;B;a",
        "6;Ada;25.10.2026 03:00;B;a",
    )
    lake, report = read(tmp_path)
    # the first of two: 02:30 of summer time is 00:30 UTC
    assert moments(lake) == ["29 00:59", "29 01:00", "24 23:59", "25 00:30", "25 02:00"]
    assert report.tables[0].refused == {"skipped_time": 1}
    (row,) = lake.refused("events").to_pylist()
    assert "29.03.2026 02:30" in row["value"]


def test_half_an_hour_and_the_other_hemisphere(tmp_path: Path) -> None:
    """On Lord Howe clocks go back by half an hour: on 5 April 2026 01:30-02:00 came twice."""
    mapping = GERMAN.replace("Europe/Berlin", "Australia/Lord_Howe")
    export(tmp_path, "1;Ada;05.04.2026 01:45;B;a", mapping=mapping)
    assert moments(read(tmp_path)[0]) == ["04 14:45"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2026-03-01T09:30:00+25:00", "impossible_zone"),
        ("2026-03-01T09:30:00+14:30", "impossible_zone"),
        ("2026-03-01T09:30:00-01:75", "impossible_zone"),
        ("infinity", "naive_time"),
        ("99999-01-01T00:00:00Z", "out_of_range"),
        ("1969-12-31T23:59:59Z", "out_of_range"),
        ("2026-03-01T09:30:00", "naive_time"),
        ("2026-02-30T09:30:00Z", "unparsable_time"),
    ],
)
def test_times_that_cannot_be(tmp_path: Path, written: str, reason: str) -> None:
    (tmp_path / "events.csv").write_text(
        "event_id,user_id,occurred_at,tool,operation\n"
        "a,u,2026-03-01T09:30:00+14:00,t,o\n"
        f"b,u,{written},t,o\n"
    )
    lake, report = read(tmp_path)
    assert report.tables[0].refused == {reason: 1}
    assert moments(lake) == ["28 19:30"]


def test_dates_of_spreadsheets_are_days_since_1899(tmp_path: Path) -> None:
    mapping = GERMAN.replace("%d.%m.%Y %H:%M", "excel").replace("Europe/Berlin", "UTC")
    export(tmp_path, "1;Ada;46086,395833333336;B;a", "2;Ada;46086;B;a", mapping=mapping)
    lake, _ = read(tmp_path)
    # day 46,086 is 5 March 2026
    assert [row["occurred_at"].isoformat() for row in lake.rows("events").to_pylist()] == [
        "2026-03-05T00:00:00+00:00",
        "2026-03-05T09:30:00+00:00",
    ]


def test_decimal_commas_of_numbers(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "event_id,user_id,occurred_at,tool,operation\na,u,2026-03-01T09:30:00Z,t,o\n"
    )
    (tmp_path / "workflow_executions.csv").write_text(
        "execution_id;workflow_id;user_id;started_at;status;propensity\n"
        + "".join(
            f"{number};w;u;2026-03-01T09:30:00Z;completed;{written}\n"
            for number, written in enumerate(["0,25", "1", "0.25", "viel"])
        )
    )
    (tmp_path / "columns.toml").write_text('[workflow_executions]\ndecimal = ","\n')
    lake, report = read(tmp_path)
    # 0.25 has a point where this notation groups thousands: it is refused, not guessed
    assert lake.rows("workflow_executions")["propensity"].to_pylist() == [0.25, 1.0]
    assert report.tables[1].refused == {"wrong_type": 2}


def test_a_process_log_has_the_same_dialect(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(
        "Fall;Tätigkeit;Zeit\r\n1;prüfen;05.03.2026 09:30\r\n1;buchen;05.03.2026 09:40\r\n"
        "2;prüfen\r\n".encode("latin-1")
    )
    (tmp_path / "map.toml").write_text(
        '[log]\ncase = "Fall"\nactivity = "Tätigkeit"\ntime = "Zeit"\nencoding = "latin-1"\n'
        'delimiter = ";"\ntime_format = "%d.%m.%Y %H:%M"\ntimezone = "Europe/Berlin"\n'
    )
    lake = InMemoryLake()
    source = ProcessLogSource(path, b"k" * 32, tmp_path / "map.toml")
    report = ingest(source, lake, now=NOW, progress=lambda _: None)
    assert lake.rows("events")["operation"].to_pylist() == ["prüfen", "buchen"]
    assert moments(lake) == ["05 08:30", "05 08:40"]
    assert report.tables[0].refused == {"unreadable": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('encoding = "klingon"', "no encoding 'klingon'"),
        ('delimiter = "::"', "delimiter = '::' is not one character"),
        ('decimal = "·"', "events.decimal"),
    ],
)
def test_a_dialect_that_is_none_is_named(tmp_path: Path, line: str, message: str) -> None:
    export(tmp_path, mapping=f'[events]\nfile = "export.csv"\n{line}\n')
    with pytest.raises(SourceError, match=message):
        FilesSource(tmp_path).check()
