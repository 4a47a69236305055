"""The rows of a person in lake and quarantine: found by user id, and removed from the files that hold them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml_platform.adapters.arrivals import ARRIVED
from ml_platform.adapters.manifest import Manifest
from ml_platform.events.coerce import Mask
from ml_platform.events.forgotten import (
    ROW_IDS,
    SHARED_IDS,
    USER_ID,
    Forgotten,
    ceilings_of,
    row_ids_of,
)
from ml_platform.events.quality import REFUSED
from ml_platform.events.schema import TABLES
from ml_platform.settings import Settings

_NAMES_ROWS = "ceilings"
"""The table whose rows name rows of the others, and no person."""
_KINDS = (
    *("source", "tool", "operation", "object_extension", "workflow_category", "workflow_id"),
    *("status", "trigger", "outcome", "team", "region", "target", "prediction", "kind"),
)
"""Columns whose values are kinds of things."""
_TEXT = ("object_path", "attributes")
"""Free texts of the lake, which may name anybody."""


@dataclass(frozen=True)
class StoredRows:
    """The files of one table with rows of a person, and how many rows each holds."""

    table: str
    rows_by_file: dict[Path, int]

    @property
    def rows(self) -> int:
        """All rows of the person in this table."""
        return sum(self.rows_by_file.values())


class LakeRows:
    """The stored events of a home, a day a file, as somebody who is to be forgotten sees them."""

    def __init__(self, settings: Settings) -> None:
        self._lake = settings.lake
        self._manifest = Manifest(settings.home)

    def row_ids(self, user_id: str) -> frozenset[str]:
        """Ids of the person's rows, of their sessions and change sets."""
        return self._ids((*ROW_IDS, *SHARED_IDS), lambda rows: _of_user(rows, user_id))

    def shared_ids(self, user_id: str, row_ids: frozenset[str]) -> frozenset[str]:
        """Those of the ids that name a session or a change set in which others have a part."""
        return row_ids & self._ids(SHARED_IDS, lambda rows: ~_of_user(rows, user_id), row_ids)

    def _ids(
        self,
        names: tuple[str, ...],
        chosen: Callable[[pa.Table], Mask],
        among: frozenset[str] | None = None,
    ) -> frozenset[str]:
        found = set[str]()
        for table, schema in TABLES.items():
            wanted = [name for name in names if name in schema.names]
            if USER_ID not in schema.names or not wanted:
                continue
            for path in self._files(table):
                rows = pq.read_table(path, columns=[USER_ID, *wanted], partitioning=None)
                present = row_ids_of(rows.filter(pa.array(chosen(rows))))
                found |= present if among is None else present & among
        return frozenset(found)

    def ordinary_values(self) -> frozenset[str]:
        """Values of the lake that are kinds of things, such as tools: an id that is one of them tells nobody."""
        values = set[str]()
        for table, schema in TABLES.items():
            wanted = [name for name in _KINDS if name in schema.names]
            for path in self._files(table):
                rows = pq.read_table(path, columns=wanted, partitioning=None)
                for name in wanted:
                    values |= set(pc.unique(rows.column(name)).drop_null().to_pylist())
        return frozenset(values)

    def found(self, user_id: str, row_ids: frozenset[str]) -> tuple[StoredRows, ...]:
        """The rows of a person by table; what names their rows first, since it is found by these."""
        tables = sorted(TABLES, key=lambda table: table != _NAMES_ROWS)
        stored = (
            StoredRows(
                table,
                {
                    path: count
                    for path in self._files(table)
                    if (count := int(self._theirs(table, path, user_id, row_ids).sum()))
                },
            )
            for table in tables
        )
        return tuple(each for each in stored if each.rows)

    def remove(self, found: StoredRows, user_id: str, row_ids: frozenset[str]) -> None:
        """Write each file without the person's rows; a day that has no other rows goes."""
        for path in found.rows_by_file:
            self._manifest.require(path)
            rows = pq.read_table(path, schema=TABLES[found.table], partitioning=None)
            kept = rows.filter(pa.array(~self._mask(found.table, rows, user_id, row_ids)))
            if len(kept):
                with self._manifest.replacing(path) as (beside,):
                    pq.write_table(kept.combine_chunks(), beside, compression="zstd")
            else:
                self._manifest.remove(path)
                if path.parent.name.startswith("day="):
                    path.parent.rmdir()

    def texts(self, user_id: str) -> Iterator[tuple[str, list[str]]]:
        """The free texts of each table in rows of others, file by file: they may name somebody, too."""
        for table, schema in TABLES.items():
            names = [name for name in _TEXT if name in schema.names]
            for path in self._files(table) if names else ():
                rows = pq.read_table(path, columns=[USER_ID, *names], partitioning=None)
                rows = rows.filter(pa.array(~_of_user(rows, user_id)))
                for name in names:
                    yield table, rows.column(name).drop_null().to_pylist()

    def _theirs(self, table: str, path: Path, user_id: str, row_ids: frozenset[str]) -> Mask:
        column = "row_id" if table == _NAMES_ROWS else USER_ID
        rows = pq.read_table(path, columns=[column], partitioning=None)
        return self._mask(table, rows, user_id, row_ids)

    @staticmethod
    def _mask(table: str, rows: pa.Table, user_id: str, row_ids: frozenset[str]) -> Mask:
        if table != _NAMES_ROWS:
            return _of_user(rows, user_id)
        return ceilings_of(rows.column("row_id"), row_ids, user_id.__eq__)

    def _files(self, table: str) -> list[Path]:
        files = sorted((self._lake / table).glob("**/rows.parquet"))
        return [path for path in files if path.parent.name != ARRIVED]


class RefusedRows:
    """The quarantine of a home: rows as their source gave them, in which a person stands in any value."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.quarantine
        self._manifest = Manifest(settings.home)

    def found(self, forgotten: Forgotten) -> dict[Path, int]:
        """The files with rows that name the person, and how many."""
        files = sorted(self._folder.glob("*/*.parquet"))
        counts = {path: int(forgotten.named_in(_refused(path)).sum()) for path in files}
        return {path: count for path, count in counts.items() if count}

    def remove(self, path: Path, forgotten: Forgotten) -> None:
        """Write the file without these rows; the name of a batch says nothing of its rows to whoever reads it."""
        rows = _refused(path)
        kept = rows.filter(pa.array(~forgotten.named_in(rows)))
        if not len(kept):
            self._manifest.remove(path)
            return
        with self._manifest.replacing(path) as (beside,):
            pq.write_table(kept.combine_chunks(), beside, compression="zstd")


def _refused(path: Path) -> pa.Table:
    return pq.read_table(path, schema=REFUSED, partitioning=None)


def _of_user(rows: pa.Table, user_id: str) -> Mask:
    mask: Mask = pc.equal(rows.column(USER_ID), user_id).to_numpy().astype(bool)
    return np.asarray(mask)
