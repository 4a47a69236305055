"""Digests of the content of stored days, kept by the hash of the file they were computed from.

A fingerprint of the lake is made of one digest a day, and a day that is unchanged has the digest that it had. They
are a cache: its file may be deleted at any time, an entry whose checksum does not agree is computed again, and one
is found only under the SHA-256 that the day's file was just compared with, for the columns of this release.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from ml_platform.adapters.lake_queries import (
    DAY_MICROSECONDS,
    day_digests_query,
    querying,
    quoted,
    reading,
    time_range,
)
from ml_platform.cores import usable_cores
from ml_platform.events.schema import EVENT_TIME

Digests = list[tuple[int, str]]
"""Days since 1970 (0 for a table without a time), each with the digest of its rows."""

DIGESTS_FILE = "day_digests.sqlite"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS day_digests "
    "(name TEXT PRIMARY KEY, digests TEXT, checksum TEXT) WITHOUT ROWID"
)
_ROWS_AT_ONCE = 100_000
"""Rows of files that are hashed by one query: what bounds its memory."""
_MOST_QUERIES = 4
"""Queries at a time, each on a core of its own."""
_WAIT_SECONDS = 30.0


class DayDigests:
    """The digests of days in the lake of one home."""

    def __init__(self, home: Path) -> None:
        self._path = home / DIGESTS_FILE

    def of_files(self, table: str, files: Mapping[Path, str | None], until: datetime) -> Digests:
        """Digests of the rows before ``until`` in the files, which are given with their hash.

        A file without a hash, or with rows on both sides of ``until``, is computed and not kept.
        """
        names = {path: _name(table, sha256) for path, sha256 in files.items() if sha256}
        known = self._read(table, names)
        missing = [path for path in files if path not in known]
        computed = dict(_computed(table, missing, None))
        self._keep({names[path]: days for path, days in computed.items() if path in names})
        whole = known | computed
        cut = [path for path, days in whole.items() if _is_cut(days, until)]
        whole |= dict(_computed(table, cut, until))
        return [day for days in whole.values() for day in days]

    def _read(self, table: str, names: Mapping[Path, str]) -> dict[Path, Digests]:
        if not self._path.exists():
            return {}
        query = "SELECT digests, checksum FROM day_digests WHERE name = ?"
        digests_by_file = dict[Path, Digests]()
        try:
            with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as db:
                for path, name in names.items():
                    row = db.execute(query, (name,)).fetchone()
                    if row is not None and row[1] == _checksum(name, row[0]):
                        digests_by_file[path] = [
                            (day, digest) for day, digest in json.loads(row[0])
                        ]
        except sqlite3.OperationalError:
            return {}
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)  # it is no database, and is made again
            return {}
        return digests_by_file

    def _keep(self, digests: Mapping[str, Digests]) -> None:
        texts = {name: json.dumps(days) for name, days in digests.items()}
        rows = [(name, text, _checksum(name, text)) for name, text in texts.items()]
        if not rows:
            return
        # A home that cannot be written to is still one that can be read.
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as db,
            db,
        ):
            db.execute(_TABLE)
            db.executemany("INSERT OR REPLACE INTO day_digests VALUES (?, ?, ?)", rows)


def _computed(
    table: str, files: list[Path], until: datetime | None
) -> Iterator[tuple[Path, Digests]]:
    with ThreadPoolExecutor(min(usable_cores(), _MOST_QUERIES)) as pool:
        parts = pool.map(
            lambda together: _digests(table, together, until), _some_at_a_time(table, files)
        )
        for part in parts:
            yield from part


def _digests(
    table: str, files: list[Path], until: datetime | None
) -> Iterator[tuple[Path, Digests]]:
    listed = ", ".join(f"'{quoted(path)}'" for path in files)
    select = day_digests_query(
        table, f"read_parquet([{listed}], hive_partitioning = false)", "file_index, "
    )
    where = time_range(EVENT_TIME[table], None, until)
    digests: list[Digests] = [[] for _ in files]
    with querying(table, threads=1) as connection:
        for file, day, digest in connection.execute(
            f"{select} WHERE {where} GROUP BY file_index, day ORDER BY file_index, day"
        ).fetchall():
            digests[file].append((day, digest))
    return zip(files, digests, strict=True)


def _some_at_a_time(table: str, files: list[Path]) -> Iterator[list[Path]]:
    together, rows = list[Path](), 0
    for path in files:
        with reading(table):
            size = pq.read_metadata(path).num_rows
        if together and rows + size > _ROWS_AT_ONCE:
            yield together
            together, rows = [], 0
        together.append(path)
        rows += size
    if together:
        yield together


def _is_cut(days: Digests, until: datetime) -> bool:
    """Whether not all of the days are before ``until``."""
    since_1970 = (until - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return any((day + 1) * DAY_MICROSECONDS > since_1970 for day, _ in days)


def _name(table: str, sha256: str) -> str:
    """The name of an entry: the file's content, and how its digests are computed."""
    return hashlib.sha256(f"{sha256} {day_digests_query(table, '')}".encode()).hexdigest()


def _checksum(name: str, digests: str) -> str:
    return hashlib.sha256(f"{name} {digests}".encode()).hexdigest()
