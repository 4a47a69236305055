"""`ml-platform map`: what a draft guesses is what the file means, and it is a map that works."""

from pathlib import Path

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.files import FilesSource
from ml_platform.adapters.sources.process_log import ProcessLogSource
from ml_platform.adapters.sources.sample_file import sample_file
from ml_platform.errors import SourceError
from ml_platform.events.ingest import ingest
from ml_platform.events.sources.column_map import parse_log_map, parse_table_maps
from ml_platform.events.sources.draft_map import draft_map
from ml_platform_tests.events.rows import NOW


def export(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    return path


def test_a_german_export_as_a_company_makes_it(tmp_path: Path) -> None:
    path = export(
        tmp_path / "vorgaenge.csv",
        "Vorgang-Nr;Zeitpunkt;Bearbeiter;Aktion;Betrag",
        *(
            f"{number};{1 + number}.02.2026 14:{number:02d};Jürgen;geprüft;1.2{number:02d},50"
            for number in range(20)
        ),
        encoding="latin-1",
    )
    text = draft_map(sample_file(path))
    mapping = parse_table_maps(text, "draft")["events"]
    assert (mapping.delimiter, mapping.encoding, mapping.decimal) == (";", "latin-1", ",")
    assert mapping.time_format == "%d.%m.%Y %H:%M"
    assert mapping.columns == {
        "event_id": "Vorgang-Nr",
        "user_id": "Bearbeiter",
        "occurred_at": "Zeitpunkt",
        "operation": "Aktion",
    }
    assert mapping.constants == {"tool": "vorgaenge"}
    assert 'timezone = "UTC"  # the times name no zone' in text
    (tmp_path / "columns.toml").write_text(text.replace('"UTC"', '"Europe/Berlin"'))
    lake = InMemoryLake()
    ingest(FilesSource(tmp_path), lake, now=NOW, progress=lambda _: None)
    row = lake.rows("events").to_pylist()[0]
    assert f"{row['occurred_at']:%Y-%m-%d %H:%M}" == "2026-02-01 13:00"
    assert (row["user_id"], row["operation"]) == ("Jürgen", "geprüft")


def test_a_process_log_is_drafted_as_one(tmp_path: Path) -> None:
    path = export(
        tmp_path / "desk.csv",
        "Case ID,Activity,Resource,Complete Timestamp",
        "1,open,Ann,2026/02/01 10:00:00.000",
        "1,close,Bob,2026/02/01 11:00:00.000",
    )
    text = draft_map(sample_file(path))
    mapping = parse_log_map(text, "draft")
    assert (mapping.case, mapping.activity) == ("Case ID", "Activity")
    assert (mapping.time, mapping.resource) == ("Complete Timestamp", "Resource")
    (tmp_path / "map.toml").write_text(text)
    lake = InMemoryLake()
    source = ProcessLogSource(path, b"k" * 32, tmp_path / "map.toml")
    ingest(source, lake, now=NOW, progress=lambda _: None)
    assert lake.rows("events")["operation"].to_pylist() == ["open", "close"]


def test_what_cannot_be_known_is_said(tmp_path: Path) -> None:
    path = export(tmp_path / "a.csv", "x,when", "1,03/04/2026 10:00", "1,05/06/2026 10:00")
    lines = draft_map(sample_file(path)).splitlines()
    (written,) = [line for line in lines if line.startswith("time_format")]
    assert '"%d/%m/%Y %H:%M"' in written
    assert "so does %m/%d/%Y %H:%M: see which is meant" in written
    assert "# user_id = ...  # no column looks like it: one of x, when?" in lines
    assert 'event_id = ["when"]' in "\n".join(lines)


@pytest.mark.parametrize(
    ("times", "written"),
    [
        (("2026-02-01T10:00:00Z", "2026-02-01T11:00:00+01:00"), None),
        (("46054,4166", "46055"), "excel"),
        (("12/31/2025 10:00", "01/02/2026 10:00"), "%m/%d/%Y %H:%M"),
    ],
)
def test_how_times_are_written(tmp_path: Path, times: tuple[str, ...], written: str | None) -> None:
    rows = (f"{number};u;{time};t;o" for number, time in enumerate(times))
    path = export(tmp_path / "a.csv", "event_id;user_id;occurred_at;tool;operation", *rows)
    mapping = parse_table_maps(draft_map(sample_file(path)), "draft")["events"]
    assert mapping.time_format == written
    assert mapping.timezone == ("UTC" if written else None)


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no file"):
        sample_file(tmp_path / "gone.csv")
    with pytest.raises(SourceError, match="it is no table in text"):
        sample_file(export(tmp_path / "a.txt", "Dear all,"))
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(SourceError, match="is a spreadsheet"):
        sample_file(tmp_path / "b.xlsx")
