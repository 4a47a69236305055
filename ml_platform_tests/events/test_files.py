import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.files import FilesSource
from ml_platform.errors import SourceError
from ml_platform.events.ingest import ingest
from ml_platform_tests.events.rows import NOW, START, good, raw, table

GIT_MAP = Path(__file__).parents[2] / "docs" / "maps" / "git-events.toml"


def read(folder: Path, map_file: Path | None = None) -> list[dict[str, Any]]:
    return [
        row for _, batch in FilesSource(folder, map_file).batches() for row in batch.to_pylist()
    ]


def lake_of(folder: Path) -> InMemoryLake:
    lake = InMemoryLake()
    ingest(FilesSource(folder), lake, now=NOW, progress=lambda _: None)
    return lake


def write_audit(folder: Path, mapping: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "audit.csv").write_text(
        "request,path,actor,at,verb,hours\n"
        "r2,a:b,ann,2026-03-01 12:00:00,PUT,1\n"
        "r1,a,ann,2026-03-01 11:00:00,GET,1\n"
        "r3,c,system,2026-03-01 13:00:00,PUT,1\n"
        "r4,c,,2026-03-01T13:00:00-05:00,PUT,1\n"
    )
    (folder / "columns.toml").write_text(mapping)
    return folder


AUDIT = """
[events]
file = "audit.csv"
where = "actor IS NULL OR actor <> 'system'"
timezone = "Europe/Amsterdam"
[events.columns]
event_id = ["request", "path"]
user_id = "actor"
occurred_at = "at"
object_path = "path"
operation = "verb"
[events.expressions]
utc_offset_minutes = "60 * CAST(hours AS INTEGER)"
[events.constants]
tool = "api"
[events.values.operation]
PUT = "modify"
"""


def test_tables_with_our_names_need_no_map(tmp_path: Path):
    rows = good(raw(1), raw(0))
    pq.write_table(rows, tmp_path / "events.parquet")
    pyarrow.csv.write_csv(table({"user_id": "u1", "tenure_days": 7}), tmp_path / "users.csv")
    lake = lake_of(tmp_path)
    assert lake.rows("events").to_pylist() == rows.to_pylist()
    assert lake.rows("users")["tenure_days"].to_pylist() == [7]
    assert lake.counts()["suggestions"] == 0


def test_csv_and_parquet_of_the_same_rows_are_the_same(tmp_path: Path):
    rows = good(raw(0), raw(1, session_id="s", utc_offset_minutes=-90, is_bot=True))
    for ending in ("csv", "parquet"):
        (tmp_path / ending).mkdir()
    pq.write_table(rows, tmp_path / "parquet" / "events.parquet")
    text = rows.set_column(
        2, "occurred_at", pa.array([t.isoformat() for t in rows["occurred_at"].to_pylist()])
    ).drop_columns(["received_at"])
    pyarrow.csv.write_csv(text, tmp_path / "csv" / "events.csv")
    prints = [lake_of(tmp_path / e).fingerprint("events", NOW) for e in ("csv", "parquet")]
    assert prints[0] == prints[1]


def test_a_map_joins_ids_filters_translates_and_sets_zones(tmp_path: Path):
    rows = read(write_audit(tmp_path, AUDIT))
    # r1 and r2 at 11:00 and 12:00 in Amsterdam (UTC+1 in March); r4 has its own zone
    assert [row["event_id"] for row in rows] == ["r1:a", r"r2:a\:b", "r4:c"]
    assert [row["operation"] for row in rows] == ["GET", "modify", "modify"]
    assert {row["tool"] for row in rows} == {"api"}
    lake = InMemoryLake()
    report = ingest(FilesSource(tmp_path), lake, now=NOW, progress=lambda _: None)
    assert report.tables[0].refused == {"null": 1}
    assert [row["occurred_at"].hour for row in lake.rows("events").to_pylist()] == [10, 11]
    assert lake.rows("events")["utc_offset_minutes"].to_pylist() == [60, 60]


def test_a_long_joined_id_is_hashed(tmp_path: Path):
    pq.write_table(table(raw(0, object_path="x" * 300)), tmp_path / "events.parquet")
    (tmp_path / "columns.toml").write_text('[events.columns]\nevent_id = ["tool", "object_path"]\n')
    (row,) = read(tmp_path)
    assert len(row["event_id"]) == 64


def test_naive_times_in_parquet_get_the_zone_of_the_map(tmp_path: Path):
    naive = raw(0, occurred_at=datetime(2026, 7, 1, 12))
    pq.write_table(table(naive), tmp_path / "events.parquet")
    (tmp_path / "columns.toml").write_text('[events]\ntimezone = "America/New_York"\n')
    lake = InMemoryLake()
    late = datetime(2026, 8, 1, tzinfo=UTC)
    ingest(FilesSource(tmp_path), lake, now=late, progress=lambda _: None)
    assert lake.newest("events") == datetime(2026, 7, 1, 16, tzinfo=UTC)


def test_the_map_for_git_tables(tmp_path: Path):
    history = [
        {
            "commit": f"c{number}",
            "author": "h",
            "is_bot": number == 2,
            "tool": "local-git",
            "cc_type": kind,
            "path": f"src/x{number}.PY",
            "op": operation,
            "commit_time_utc": START,
            "tz_offset": zone,
        }
        for number, (operation, kind, zone) in enumerate(
            [("A", "feat", "-03:30"), ("T", None, "+05:45"), ("M", "fix", "+00:00")]
        )
    ]
    pq.write_table(table(*history), tmp_path / "events.parquet")
    lake = InMemoryLake()
    ingest(FilesSource(tmp_path, GIT_MAP), lake, now=NOW, progress=lambda _: None)
    rows = lake.rows("events").to_pylist()
    assert [row["event_id"] for row in rows] == ["c0:src/x0.PY", "c1:src/x1.PY"]
    assert [row["operation"] for row in rows] == ["add", "type"]
    assert [row["utc_offset_minutes"] for row in rows] == [-210, 345]
    assert [row["workflow_category"] for row in rows] == ["feat", None]
    assert {row["object_extension"] for row in rows} == {"py"}


def test_shuffled_twice_with_duplicates_in_any_number_of_batches(tmp_path: Path):
    rows = [raw(number) for number in range(36)]
    prints = []
    for name, variant in (
        ("plain", rows),
        ("shuffled", rows[::-2] + rows[::2][::-1] + rows[::-1]),
        ("repeated", rows + rows[3:9]),
    ):
        (tmp_path / name).mkdir()
        pq.write_table(table(*variant), tmp_path / name / "events.parquet", row_group_size=5)
        prints.append(lake_of(tmp_path / name).fingerprint("events", NOW))
    assert len(set(prints)) == 1


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("[event]\n", r"no table 'event'; tables are events"),
        ("[events.columns]\nuser = 'a'\n", r"maps 'user', and events have no such column"),
        ("[events.columns]\nuser_id = 'actr'\n", r"takes user_id from column 'actr', which is not"),
        ("[events]\nfile = 'gone.csv'\n", r"has no file gone.csv"),
        ("[events]\ntimezone = 'Mars/Olympus'\n", r"no time zone 'Mars/Olympus'"),
        ("[events]\nwhre = 'x'\n", r"events.whre = 'x'"),
        ("[events\n", r"cannot be read as TOML"),
        ("[events]\nwhere = 'nothing > 1'\n", r"cannot be read as events"),
        ("[events]\nfile = 'audit.csv'\n", r"No column of events has a name of ours"),
    ],
)
def test_a_wrong_map_names_what_is_wrong(tmp_path: Path, mapping: str, message: str):
    write_audit(tmp_path, mapping)
    pq.write_table(table(raw(0)), tmp_path / "events.parquet")
    with pytest.raises(SourceError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_quotes_and_gzip(tmp_path: Path, separator: str):
    cells = ("event_id", "user_id", "occurred_at", "tool", "operation")
    row = ("e", '"a ""b"", c;d"', "2026-03-01T09:00:00Z", "t", "o")
    text = "\n".join(separator.join(line) for line in (cells, row))
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert [row["user_id"] for row in read(tmp_path)] == ['a "b", c;d']


def test_a_map_cannot_reach_other_files(tmp_path: Path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    folder = tmp_path / "data"
    folder.mkdir()
    pq.write_table(table(raw(0)), folder / "events.parquet")
    for expression in (
        f"(SELECT count(*) FROM read_csv('{secret}')) > 0",
        f"(SELECT content FROM read_text('{secret}')) <> ''",
    ):
        (folder / "columns.toml").write_text(f'[events]\nwhere = "{expression}"\n')
        with pytest.raises(SourceError, match="cannot be read as events"):
            read(folder)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(SourceError, match="There is no folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="has no events"):
        read(tmp_path)
    (tmp_path / "events.parquet").write_bytes(b"PAR1 this is none")
    with pytest.raises(SourceError, match=r"events\.parquet cannot be read as events"):
        read(tmp_path)
    (tmp_path / "events.parquet").unlink()
    (tmp_path / "events.csv").write_bytes(b"event_id,t\xf6ol\na,b\n")
    with pytest.raises(SourceError, match=r"header of .*events\.csv is not UTF-8.*encoding = "):
        read(tmp_path)
    (tmp_path / "events.csv").write_text(f'"{"a" * 2_000_000}",b\n1,2\n')
    with pytest.raises(SourceError, match=r"cannot be read as CSV: field larger than field limit"):
        read(tmp_path)
    (tmp_path / "events.csv").write_bytes(b"PK\x03\x04 a workbook")
    with pytest.raises(SourceError, match=r"is a spreadsheet.*Save it as CSV"):
        read(tmp_path)
    with pytest.raises(SourceError, match="There is no map"):
        read(tmp_path, tmp_path / "no.toml")


@pytest.mark.parametrize("way", ["a map", "a link", "a linked folder"])
def test_a_map_and_its_links_stay_in_the_folder(tmp_path: Path, way: str):
    folder, outside = tmp_path / "exports", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "events.csv").write_text("event_id,user_id,occurred_at,tool,operation\n")
    name = "events.csv"
    if way == "a map":
        name = "../outside/events.csv"
    elif way == "a link":
        (folder / name).symlink_to(outside / "events.csv")
    else:
        (folder / "sub").symlink_to(outside)
        name = "sub/events.csv"
    (folder / "columns.toml").write_text(f'[events]\nfile = "{name}"\n')
    with pytest.raises(SourceError, match="lies outside the folder"):
        list(FilesSource(folder).batches())
