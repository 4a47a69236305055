"""Digests of days: the fingerprint is that of the rows, whatever was kept, cut or damaged."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ml_platform.adapters import day_digests as module
from ml_platform.adapters import lake_queries
from ml_platform.adapters.day_digests import DIGESTS_FILE
from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.lake_queries import fingerprint_of, querying
from ml_platform.adapters.manifest import Manifest
from ml_platform.events.lake import content_columns
from ml_platform.events.quality import check_rows
from ml_platform_tests.events.rows import NOW, START, good, raw, table

ROWS = good(*(raw(number) for number in range(12)))


@pytest.fixture
def lake(tmp_path: Path) -> ParquetLake:
    lake = ParquetLake(tmp_path / "lake", tmp_path / "quarantine")
    lake.merge("events", ROWS)
    return lake


@pytest.fixture
def expected() -> str:
    twin = InMemoryLake()
    twin.merge("events", ROWS)
    return twin.fingerprint("events", NOW)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The days whose digests were computed."""
    names, compute = list[str](), module._computed

    def noted(table, files, until):
        names.extend(path.parent.name.removeprefix("day=2026-03-") for path in files)
        return compute(table, files, until)

    monkeypatch.setattr(module, "_computed", noted)
    return names


def test_only_days_that_changed_are_computed_again(lake, expected, computed) -> None:
    assert lake.fingerprint("events", NOW) == expected
    assert computed == ["01", "02", "03", "04"]
    computed.clear()
    assert lake.fingerprint("events", NOW) == expected
    assert computed == []
    lake.merge("events", good(raw(5, workflow_category="fix"), raw(20)))
    assert lake.fingerprint("events", NOW) != expected
    assert computed == ["02", "06"]


@pytest.mark.parametrize("hours", [0, 0.5, 6, 14, 15, 15.5, 39, 63, 87])
def test_a_cut_is_that_of_the_rows(lake, hours: float) -> None:
    """Before and after the first row, at a row, at midnight, after the last."""
    twin, until = InMemoryLake(), START + timedelta(hours=hours)
    twin.merge("events", ROWS)
    for _ in range(2):
        assert lake.fingerprint("events", until) == twin.fingerprint("events", until)


def test_memory_holds_some_rows_at_a_time(lake, expected, monkeypatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 4)
    files = sorted((lake.root / "events").glob("day=*/rows.parquet"))  # 3, 4, 4 and 1 rows
    sizes = [len(together) for together in module._some_at_a_time("events", files)]
    assert sizes == [1, 1, 1, 1]
    assert lake.fingerprint("events", NOW) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE day_digests SET digests = replace(digests, 'a', 'b')",
        "UPDATE day_digests SET checksum = 'x'",
        "DROP TABLE day_digests",
        "UPDATE day_digests AS a SET digests = b.digests, checksum = b.checksum FROM day_digests AS b "
        "WHERE b.name > a.name",
    ],
)
def test_digests_that_were_changed_are_computed_again(
    lake, tmp_path: Path, expected, statement: str
) -> None:
    lake.fingerprint("events", NOW)
    with closing(sqlite3.connect(tmp_path / DIGESTS_FILE)) as db, db:
        db.execute(statement)
    assert lake.fingerprint("events", NOW) == expected


def test_an_entry_counts_only_under_its_own_name(lake, tmp_path: Path) -> None:
    def entries() -> dict[str, tuple[str, str]]:
        with closing(sqlite3.connect(tmp_path / DIGESTS_FILE)) as db:
            rows = db.execute("SELECT name, digests, checksum FROM day_digests").fetchall()
        return {name: (digests, checksum) for name, digests, checksum in rows}

    lake.fingerprint("events", NOW)
    before = entries()
    lake.merge("events", good(raw(5, workflow_category="fix")))
    expected = lake.fingerprint("events", NOW)
    ((name, (digests, _)),) = (entry for entry in entries().items() if entry[0] not in before)
    (old,) = (value for value in before.values() if value[0][:8] == digests[:8])  # the same day
    with closing(sqlite3.connect(tmp_path / DIGESTS_FILE)) as db, db:
        db.execute("UPDATE day_digests SET digests = ?, checksum = ? WHERE name = ?", (*old, name))
    assert lake.fingerprint("events", NOW) == expected


def test_a_cache_that_is_no_database_is_made_again(lake, tmp_path: Path, expected) -> None:
    path = tmp_path / DIGESTS_FILE
    path.write_bytes(b"no database at all, but long enough for its header" * 9)
    assert lake.fingerprint("events", NOW) == expected
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM day_digests").fetchall() == [(4,)]


def test_digests_of_other_columns_are_not_taken(lake, monkeypatch, computed) -> None:
    before = lake.fingerprint("events", NOW)
    computed.clear()
    fewer = tuple(name for name in content_columns("events") if name != "tool")
    monkeypatch.setattr(lake_queries, "content_columns", lambda table: fewer)
    assert lake.fingerprint("events", NOW) != before
    assert computed == ["01", "02", "03", "04"]


def test_a_day_in_two_files_is_hashed_as_one(lake, tmp_path: Path) -> None:
    before = lake.rows("events")
    folder = lake.root / "events"
    copied = folder / "day=2026-03-09" / "rows.parquet"
    copied.parent.mkdir()
    copied.write_bytes((folder / "day=2026-03-02" / "rows.parquet").read_bytes())
    Manifest(tmp_path).adopt(lake.root)
    with querying("events") as connection:
        connection.register("stored", lake.rows("events"))
        expected = fingerprint_of(connection, "events", "stored", NOW)
    assert len(lake.rows("events")) == len(before) + 4
    assert lake.fingerprint("events", NOW) == expected


def test_a_day_whose_new_hash_was_never_confirmed_is_computed(lake, expected, monkeypatch) -> None:
    before = lake.fingerprint("events", NOW)
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "_confirm", lambda self, hashes: None)
        lake.merge("events", good(raw(5, workflow_category="fix")))
    twin = InMemoryLake()
    twin.merge("events", lake.rows("events"))
    for _ in range(2):
        assert lake.fingerprint("events", NOW) == twin.fingerprint("events", NOW) != before


def test_a_home_that_cannot_be_written_to_is_read(lake, tmp_path: Path, expected) -> None:
    (tmp_path / DIGESTS_FILE).mkdir()
    assert lake.fingerprint("events", NOW) == expected


def test_a_table_without_a_time(tmp_path: Path) -> None:
    lake, twin = ParquetLake(tmp_path / "lake", tmp_path / "quarantine"), InMemoryLake()
    users = table({"user_id": "u1", "team": "a"}, {"user_id": "u0", "team": "b"})
    for each in (lake, twin):
        each.merge("users", check_rows("users", users, now=NOW, source="s").good)
    assert lake.fingerprint("users", START) == twin.fingerprint("users", START)
