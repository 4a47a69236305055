"""Published feature tables: each a folder with its rows in parts, and the list of them.

    features/pattern_features/parts.json
    features/pattern_features/2026-03-01-5f3a90c2….parquet

A part holds whole UTC days, one after the other, in the order of (time, id). It ends with the day on which it
reaches its `part_rows`, so that where parts begin follows from the rows before alone: a later row moves no earlier
part. The name of a part says its content, which never changes; the list names those that are the table, and is
replaced in one step. Whatever else lies in the folder was left by a killed build.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from pydantic import ValidationError

from ml_platform import values
from ml_platform.adapters.manifest import Manifest
from ml_platform.errors import IntegrityError

PART_ROWS = 100_000
"""Rows after which a part ends with its day."""
MOMENTS = "moment_surprises"
"""What sessions look back on: published in parts as feature tables are, and no feature table itself."""
_FEWER_ROWS = {MOMENTS: 20_000, "session_features": 1_000}
"""Tables whose parts end sooner: a session is far rarer than an event, and moves the begin of all that is built."""
PARTS_FILE = "parts.json"


@dataclass(frozen=True)
class Part:
    """One Parquet file of a published table."""

    first_day: date
    last_day: date
    """The last UTC day with a row in it; a table without rows has one part of no row, and day 1 of year 1."""
    rows: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The file in the folder of the table."""
        return f"{self.first_day.isoformat()}-{self.sha256[:32]}.parquet"

    @property
    def end(self) -> datetime:
        """The moment up to which its rows may lie, exclusive."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), UTC)


@dataclass(frozen=True)
class PartList:
    """The content of `PARTS_FILE`: the parts of a table in the order of time."""

    parts: tuple[Part, ...]

    def before(self, moment: datetime, rows: int) -> tuple[Part, ...]:
        """The parts that stay whatever happens from ``moment`` on: over by then, and of ``rows``, which end one."""
        kept: list[Part] = []
        for part in self.parts:
            if part.rows < rows or part.end > moment:
                break
            kept.append(part)
        return tuple(kept)


def part_rows(table: str) -> int:
    """The number of rows after which a part of ``table`` ends with its day."""
    return min(PART_ROWS, _FEWER_ROWS.get(table, PART_ROWS))


def part_list(folder: Path) -> PartList:
    """The parts of the table that is published in ``folder``; none where nothing was published.

    Raises:
        IntegrityError: the list cannot be read.
    """
    path = folder / PARTS_FILE
    try:
        return values.from_json(PartList, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return PartList(())
    except ValidationError as error:
        raise IntegrityError(
            f"{path} is no list of parts.",
            remedy="build the features again: `ml-platform run --force`",
        ) from error


def parquet_files(features: Path) -> tuple[Path, ...]:
    """The Parquet files of a feature table in the order of time; ``features`` is its folder, or a single file.

    Empty where nothing was published.
    """
    if features.is_file():
        return (features,)
    return tuple(features / part.file_name for part in part_list(features).parts)


def table_version(features: Path) -> str | None:
    """The SHA-256 of the list of a published table, which names the hash of each part; ``None`` without one."""
    path = features if features.is_file() else features / PARTS_FILE
    return values.file_sha256(path) if path.is_file() else None


def is_sound(folder: Path, manifest: Manifest) -> bool:
    """Whether the list and every part of a published table are the files that were stored."""
    if table_version(folder) is None:
        return False
    try:
        manifest.require(folder / PARTS_FILE, *parquet_files(folder))
    except IntegrityError:
        return False
    return True


def kept_parts(folder: Path, moment: datetime) -> tuple[Part, ...]:
    """The parts of the table published in ``folder`` that stay whatever happens from ``moment`` on."""
    return part_list(folder).before(moment, part_rows(folder.name))


def day_ranges(
    rows_by_day: Iterable[tuple[date, int]], most: int
) -> Iterator[tuple[date, date, int]]:
    """First day, last day and rows of each part, from the days in order and the rows of each.

    A part ends with the day on which it reaches ``most`` rows.

    >>> days = [(date(2026, 3, n), rows) for n, rows in ((1, 60_000), (2, 50_000), (5, 7), (6, 100_000), (7, 1))]
    >>> [(first.day, last.day, rows) for first, last, rows in day_ranges(days, 100_000)]
    [(1, 2, 110000), (5, 6, 100007), (7, 7, 1)]
    """
    first, last, total = None, None, 0
    for day, rows in rows_by_day:
        first, last, total = first or day, day, total + rows
        if total >= most:
            yield first, last, total
            first, total = None, 0
    if first is not None and last is not None:
        yield first, last, total


def unlisted(folder: Path, manifest: Manifest) -> list[Path]:
    """The files of a table's folder that its list does not name: what an earlier build has published, or left."""
    listed = {folder / PARTS_FILE, *parquet_files(folder)}
    stored = {manifest.home / name for name in manifest.stored(folder)}
    return sorted((stored | set(folder.glob("*.parquet"))) - listed)
