"""What only the lake on disk does: its layout, and what a crash, a full disk or a broken file leaves."""

import resource
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.manifest import Manifest
from ml_platform.errors import IntegrityError, PlatformError
from ml_platform.events.lake import by_day
from ml_platform.events.schema import EVENT_TIME, TABLES
from ml_platform.files import remove_leftovers
from ml_platform_tests.events.rows import NOW, START, good, raw


def lake_in(folder: Path) -> ParquetLake:
    return ParquetLake(folder / "lake", folder / "quarantine")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_layout(tmp_path: Path):
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0), raw(4)))
    files = {str(path.relative_to(lake.root)) for path in lake.root.rglob("*.parquet")}
    assert files == {f"{table}/empty.parquet" for table in TABLES} | {
        "events/day=2026-03-01/rows.parquet",
        "events/day=2026-03-02/rows.parquet",
    }


@pytest.mark.parametrize("table", list(TABLES))
def test_every_table_can_be_read_from_the_start(tmp_path: Path, table: str):
    lake_in(tmp_path)
    pattern = tmp_path / "lake" / table / "**" / "*.parquet"
    relation = duckdb.sql(f"SELECT * FROM read_parquet('{pattern}', hive_partitioning = false)")
    assert relation.columns == TABLES[table].names
    assert relation.fetchall() == []


def test_the_same_rows_give_the_same_bytes(tmp_path: Path):
    rows = good(*(raw(number) for number in range(10)))
    lake_in(tmp_path / "one").merge("events", rows)
    other = lake_in(tmp_path / "two")
    for part in (rows.slice(7), rows.slice(0, 4), rows.slice(2, 6)):
        other.merge("events", part)
    assert contents(tmp_path / "one" / "lake") == contents(tmp_path / "two" / "lake")


def test_days_without_news_are_not_written_again(tmp_path: Path):
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0), raw(4)))
    day = lake.root / "events" / "day=2026-03-01" / "rows.parquet"
    before = day.stat().st_mtime_ns, day.stat().st_ino
    assert lake.merge("events", good(raw(0), raw(4), raw(5))).days == (date(2026, 3, 2),)
    assert (day.stat().st_mtime_ns, day.stat().st_ino) == before


def test_only_days_with_a_completed_row_are_written_again(tmp_path: Path):
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0), raw(4)))
    day = lake.root / "events" / "day=2026-03-01" / "rows.parquet"
    before = day.stat().st_mtime_ns, day.stat().st_ino
    labelled = good(raw(0, workflow_category=None), raw(4, workflow_category="fix"))
    assert lake.merge("events", labelled).days == (date(2026, 3, 2),)
    assert (day.stat().st_mtime_ns, day.stat().st_ino) == before
    lake_in(tmp_path / "at once").merge("events", labelled)
    assert contents(lake.root) == contents(tmp_path / "at once" / "lake")


KILLED = """
import os, sys
from pathlib import Path
from ml_platform.adapters import lake as module
from ml_platform_tests.events.rows import good, raw
from ml_platform_tests.events.test_parquet_lake import lake_in
lake = lake_in(Path(sys.argv[1]))
rows = good(*(raw(n) for n in range(200)))
os.write(1, b"ready")
for part in range(0, 200, 10):
    lake.merge("events", rows.slice(part, 10))
"""


@pytest.mark.parametrize("delay", [0.01, 0.06, 0.2])
def test_a_kill_leaves_whole_files_and_a_second_run_ends_the_same(tmp_path: Path, delay: float):
    rows = good(*(raw(number) for number in range(200)), now=raw(300)["occurred_at"])
    lake_in(tmp_path / "calm").merge("events", rows)
    code = KILLED.replace("range(200))", "range(200)), now=raw(300)['occurred_at']")
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "killed")], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.read(5) == b"ready"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    remove_leftovers(tmp_path / "killed")
    lake = lake_in(tmp_path / "killed")
    assert len(lake.rows("events")) == lake.counts()["events"] < 200
    lake.merge("events", rows)
    assert contents(tmp_path / "killed" / "lake") == contents(tmp_path / "calm" / "lake")
    lake.require_unchanged()


FULL = """
import resource, signal, sys
from pathlib import Path
from ml_platform.errors import PlatformError
from ml_platform_tests.events.rows import good, raw
from ml_platform_tests.events.test_parquet_lake import lake_in
lake = lake_in(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
try:
    lake.merge("events", good(raw(0), *(raw(0, event_id=f"x{n}", tool=f"t{n * n}") for n in range(999))))
except PlatformError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_a_full_disk_leaves_what_was_there(tmp_path: Path):
    lake_in(tmp_path).merge("events", good(raw(0)))
    before = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == PlatformError.exit_code, done.stderr
    assert "Could not write events of 2026-03-01" in done.stdout
    assert "What was stored before is unchanged. Remedy: Free some space" in done.stdout
    assert contents(tmp_path) == before


def test_a_limit_of_this_process_was_not_touched():
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_broken_file_is_named(tmp_path: Path):
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0)))
    day = lake.root / "events" / "day=2026-03-01" / "rows.parquet"
    day.write_bytes(day.read_bytes()[:-10])
    for reading in (
        lambda: lake.rows("events"),
        lambda: lake.fingerprint("events", NOW),
        lambda: lake.newest("events"),
        lambda: lake.counts(),
        lambda: lake.merge("events", good(raw(1))),
    ):
        with pytest.raises(
            IntegrityError, match=r"rows\.parquet is not what was stored: SHA-256 is"
        ):
            reading()


def test_a_changed_value_changes_the_fingerprint(tmp_path: Path):
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0), raw(1)))
    before = lake.fingerprint("events", NOW)
    day = lake.root / "events" / "day=2026-03-01" / "rows.parquet"
    rows = pq.read_table(day, partitioning=None)
    place = rows.column_names.index("operation")
    pq.write_table(rows.set_column(place, "operation", pa.array(["modify", "modifz"])), day)
    Manifest(tmp_path).adopt(lake.root)
    assert lake.fingerprint("events", NOW) != before


def test_paths_with_quotes(tmp_path: Path):
    lake = lake_in(tmp_path / "it's")
    lake.merge("events", good(raw(0)))
    assert len(lake.rows("events")) == 1


def test_by_day_splits_at_midnight_utc():
    rows = good(
        raw(0, occurred_at=raw(0)["occurred_at"].replace(hour=23, minute=59, second=59)),
        raw(1, occurred_at=raw(4)["occurred_at"].replace(hour=0)),
    )
    days = [(day, len(part)) for day, part in by_day("events", rows)]
    assert days == [(date(2026, 3, 1), 1), (date(2026, 3, 2), 1)]
    assert EVENT_TIME["events"] == "occurred_at"


def test_a_survey_sees_ids_that_are_stored_twice(tmp_path: Path):
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0), raw(4)))
    folder = lake.root / "events"
    copied = folder / "day=2026-03-03" / "rows.parquet"
    copied.parent.mkdir()
    copied.write_bytes((folder / "day=2026-03-02" / "rows.parquet").read_bytes())
    with pytest.raises(IntegrityError, match="it is not in the manifest"):
        lake.survey("events", NOW, 10)
    Manifest(tmp_path).adopt(lake.root)
    survey = lake.survey("events", NOW, 10)
    assert (survey.rows, survey.repeated_ids) == (3, 1)


@pytest.mark.parametrize("at_once", [1, 6, 9])
def test_a_survey_that_orders_some_days_at_a_time_samples_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    lake = lake_in(tmp_path)
    lake.merge("events", good(*(raw(number) for number in range(30))))
    until = START + timedelta(hours=6 * 25)
    whole = lake.survey("events", until, 10)
    monkeypatch.setattr("ml_platform.adapters.lake_queries.SURVEY_ROWS", at_once)
    assert lake.survey("events", until, 10) == whole
