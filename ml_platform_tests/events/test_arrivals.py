"""Rows on their way into the lake on disk: what waits, what is written when, and what a kill leaves."""

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform import values
from ml_platform.adapters import arrivals as module
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.manifest import Manifest
from ml_platform.errors import IntegrityError, PlatformError
from ml_platform.files import remove_leftovers
from ml_platform_tests.events.rows import NOW, START, good, raw
from ml_platform_tests.events.test_parquet_lake import contents, lake_in

LATER = START + timedelta(days=40)
ROWS = good(*(raw(number, workflow_category=None) for number in range(60)), now=LATER)
LABELS = good(*(raw(number, workflow_category="fix") for number in range(0, 60, 7)), now=LATER)
BATCHES = (ROWS.slice(0, 25), ROWS.slice(20, 25), LABELS.slice(0, 5), ROWS.slice(40), LABELS)
"""Days overlap, rows repeat, and labels come for rows of this ingestion and before."""


FEW = (ROWS.slice(0, 5), ROWS.slice(3, 4), LABELS.slice(0, 1))
"""Two days; the labelled row came before."""


def ingest_all(folder: Path, batches: tuple[pa.Table, ...] = BATCHES) -> None:
    with lake_in(folder).arrivals() as arriving:
        for batch in batches:
            arriving.merge("events", batch)


def fails_while_it_takes_in(lake: ParquetLake, error: BaseException, *batches: pa.Table) -> None:
    with lake.arrivals() as arriving:
        for batch in batches:
            arriving.merge("events", batch)
        raise error


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("calm")
    ingest_all(folder)
    return contents(folder / "lake")


def test_the_days_are_as_if_all_rows_had_come_at_once(tmp_path: Path, undisturbed) -> None:
    labelled = set(LABELS["event_id"].to_pylist())
    rows = [
        raw(number, workflow_category="fix" if f"e{number:04d}" in labelled else None)
        for number in range(60)
    ]
    lake_in(tmp_path).merge("events", good(*rows, now=LATER))
    assert contents(tmp_path / "lake") == undisturbed


def test_a_day_is_written_once_at_the_end_and_nothing_is_left(tmp_path: Path, monkeypatch) -> None:
    lake_in(tmp_path).merge("events", good(raw(0)))
    written, write = [], pq.write_table
    monkeypatch.setattr(
        pq,
        "write_table",
        lambda *given, **named: (written.append(given[1]), write(*given, **named)),
    )
    lake = lake_in(tmp_path)
    with lake.arrivals() as arriving:
        for batch in BATCHES:
            arriving.merge("events", batch)
        assert written == []
        assert lake.counts()["events"] == 1
        waiting = sorted(path.name for path in (lake.root / "events" / "arrived").iterdir())
        assert [name for name in waiting if name.endswith(".arrow")] == [
            f"{number:06}.arrow" for number in range(1, 6)
        ]
        lake.require_unchanged()
    assert len(written) == len(list(lake.root.rglob("rows.parquet"))) == 16
    assert list((lake.root / "events" / "arrived").iterdir()) == []
    lake.require_unchanged()


def test_memory_holds_some_days_at_a_time(tmp_path: Path, monkeypatch, undisturbed) -> None:
    """Written together are days of so many rows, stored ones included; and a day of more than that alone."""
    together = []
    write = module.TableArrivals._write
    monkeypatch.setattr(module, "_SORTED_ROWS", 8)
    monkeypatch.setattr(
        module.TableArrivals,
        "_write",
        lambda self, days: (together.append([len(rows) for _, rows in days]), write(self, days)),
    )
    ingest_all(tmp_path)
    assert all(len(rows) <= 3 for rows in together)
    assert sum(map(sum, together)) == 60
    assert contents(tmp_path / "lake") == undisturbed
    together.clear()
    with lake_in(tmp_path).arrivals() as arriving:
        late = [raw(200 + n, occurred_at=START + timedelta(days=n)) for n in range(8)]
        arriving.merge("events", good(*late, now=LATER))
    # four rows a day are stored and one comes: two days are more than eight
    assert together == [[1]] * 8


def test_stored_days_are_read_only_for_ids_that_come_again(tmp_path: Path, monkeypatch) -> None:
    lake_in(tmp_path).merge("events", ROWS)
    read, reading = [], pq.read_table

    def noted(path: Path, **named):
        if "columns" not in named:  # of every day the ids are read, once
            read.append(path.parent.name)
        return reading(path, **named)

    monkeypatch.setattr(pq, "read_table", noted)
    with lake_in(tmp_path).arrivals() as arriving:
        arriving.merge("events", good(raw(100, occurred_at=START), now=LATER))
        assert read == []
        for _ in range(3):
            assert arriving.merge("events", ROWS.slice(0, 5)).duplicates == 5
        assert sorted(read) == ["day=2026-03-01", "day=2026-03-02"]


def test_stored_files_are_hashed_once_and_what_is_rewritten_once_more(
    tmp_path: Path, monkeypatch
) -> None:
    lake_in(tmp_path).merge("events", ROWS)
    hashed, sha256 = [], values.file_sha256
    monkeypatch.setattr(
        values, "file_sha256", lambda path: (hashed.append(path.parent.name), sha256(path))[1]
    )
    with lake_in(tmp_path).arrivals() as arriving:
        for number in range(10):
            arriving.merge("events", good(raw(100 + number, occurred_at=START), now=LATER))
    counts = {name: hashed.count(name) for name in hashed if name.startswith("day=")}
    # the day that was written is hashed before it is read again, and its new bytes are
    assert counts.pop("day=2026-03-01") == 3
    assert set(counts.values()) == {1}


def test_ids_whose_hashes_are_equal_stay_apart(tmp_path: Path, monkeypatch, undisturbed) -> None:
    true_hashes = module.hashes_of
    monkeypatch.setattr(module, "hashes_of", lambda ids: true_hashes(ids) % 5)
    ingest_all(tmp_path)
    assert contents(tmp_path / "lake") == undisturbed


def killed_at(step: int, folder: Path, monkeypatch) -> bool:
    """An ingestion that ends with its process before a step that writes; whether it had so many."""
    done = 0

    def dies(function):
        def maybe(*given):
            nonlocal done
            done += 1
            if done == step:
                raise KeyboardInterrupt
            return function(*given)

        return maybe

    remove_one = dies(Manifest.remove)
    with monkeypatch.context() as patch:
        for owner, name in ((Path, "replace"), (Manifest, "_announce"), (Manifest, "_confirm")):
            patch.setattr(owner, name, dies(getattr(owner, name)))
        patch.setattr(
            Manifest, "remove", lambda self, *paths: [remove_one(self, path) for path in paths]
        )
        try:
            ingest_all(folder, FEW)
        except KeyboardInterrupt:
            return True
    return False


def test_a_kill_between_any_two_steps_leaves_whole_days_and_the_next_run_ends_the_same(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(module, "_SORTED_ROWS", 3)
    ingest_all(tmp_path / "calm", FEW)
    step, folder = 1, tmp_path / "1"
    lake = lake_in(folder)
    while killed_at(step, folder, monkeypatch):
        ids = lake.rows("events")["event_id"].to_pylist()
        assert len(set(ids)) == len(ids) == lake.counts()["events"]
        lake.require_unchanged()
        ingest_all(folder, FEW)
        assert contents(folder / "lake") == contents(tmp_path / "calm" / "lake"), step
        lake.require_unchanged()
        step, folder = step + 1, tmp_path / str(step + 1)
        lake = lake_in(folder)
    # three files that wait and two days, each announced, renamed and confirmed; three files removed
    assert step == 5 * 3 + 3 + 1


def test_what_waited_arrives_with_the_next_ingestion_whatever_that_brings(tmp_path: Path) -> None:
    lake = lake_in(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fails_while_it_takes_in(lake, KeyboardInterrupt(), ROWS, LABELS)
    assert lake.counts()["events"] == 0
    with lake.arrivals():
        pass
    assert lake.counts()["events"] == 60
    assert lake.known_rows("events", "workflow_category", LATER).known == len(LABELS)


KILLED = """
import os, sys
from pathlib import Path
from ml_platform_tests.events.test_arrivals import ingest_all
os.write(1, b"ready")
ingest_all(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("delay", [0.03, 0.1])
def test_sigkill(tmp_path: Path, undisturbed, delay: float) -> None:
    lake_in(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.read(5) == b"ready"
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    remove_leftovers(tmp_path)
    lake = lake_in(tmp_path)
    assert len(lake.rows("events")) == lake.counts()["events"]
    ingest_all(tmp_path)
    assert contents(tmp_path / "lake") == undisturbed


def test_a_waiting_file_that_was_changed_is_named_and_can_be_forgotten(tmp_path: Path) -> None:
    lake = lake_in(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fails_while_it_takes_in(lake, KeyboardInterrupt(), ROWS)
    path = lake.root / "events" / "arrived" / "000001.arrow"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    for use in (lambda: lake.rows("events"), lambda: lake.merge("events", LABELS)):
        with pytest.raises(IntegrityError, match=r"000001\.arrow is not what was stored"):
            use()
    Manifest(tmp_path).forget(path)
    lake.merge("events", ROWS)
    assert lake.counts()["events"] == 60


def damages_a_day_meanwhile(lake: ParquetLake, day: Path) -> None:
    with lake.arrivals() as arriving:
        arriving.merge("events", good(raw(1)))
        day.write_bytes(day.read_bytes()[:-10])


def test_a_day_that_is_damaged_during_an_ingestion_is_not_written_again(tmp_path: Path) -> None:
    lake = lake_in(tmp_path)
    lake.merge("events", good(raw(0), raw(4)))
    day = lake.root / "events" / "day=2026-03-01" / "rows.parquet"
    before = day.read_bytes()
    with pytest.raises(IntegrityError, match=r"rows\.parquet is not what was stored"):
        damages_a_day_meanwhile(lake, day)
    assert day.read_bytes() == before[:-10]
    day.write_bytes(before)
    with lake.arrivals():
        pass
    assert lake.rows("events")["event_id"].to_pylist() == ["e0000", "e0001", "e0004"]


def test_a_disk_that_is_full_when_days_are_written_loses_nothing(
    tmp_path: Path, monkeypatch, undisturbed
) -> None:
    def full(*given, **named):
        raise OSError(28, "No space left on device")

    lake = lake_in(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", full)
        with pytest.raises(PlatformError, match=r"Could not write events of 2026-03-\d\d to"):
            ingest_all(tmp_path)
    assert lake.counts()["events"] == 0
    with lake.arrivals():
        pass
    assert contents(tmp_path / "lake") == undisturbed


def test_rows_of_a_table_without_a_time_wait_as_well(tmp_path: Path) -> None:
    lake = lake_in(tmp_path)
    users = pa.Table.from_pylist(
        [
            {"user_id": f"u{n}", "source": "s", "received_at": NOW, "team": None, "region": None}
            | {"tenure_days": n}
            for n in range(5)
        ],
        schema=lake.rows("users").schema,
    )
    with lake.arrivals() as arriving:
        for start in (3, 0, 2):
            arriving.merge("users", users.slice(start, 2))
    assert lake.rows("users").equals(users)
