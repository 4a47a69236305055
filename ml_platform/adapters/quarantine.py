"""The quarantine of one table: refused rows as Parquet files, each row once, however often it comes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.id_index import IdIndex, by_file, hashes_of, places_in, stored_ids
from ml_platform.adapters.lake_queries import digest_of, querying, quoted, sorted_refused, unseen
from ml_platform.adapters.manifest import manifest_beside
from ml_platform.adapters.writing import writing
from ml_platform.events.quality import REFUSED

_LIKELY_EQUAL = ("row",)
"""The column by which files are chosen that may hold a row already."""


class Quarantine:
    """`quarantine/<table>/<SHA-256 of its rows>.parquet`, a file a batch.

    Its files are held against the manifest and their rows' hashes are read when the first row is refused; after
    that a batch is compared only with the files that may hold one of its rows.
    """

    def __init__(self, table: str, folder: Path) -> None:
        self._table, self._folder = table, folder
        self._manifest = manifest_beside(folder.parent)
        self._files: list[Path] | None = None
        self._index = IdIndex()

    def refuse(self, refused: pa.Table) -> int:
        """Put rows (`quality.REFUSED`) here; returns how many were not there yet."""
        if len(refused) == 0:
            return 0
        files = self._opened()
        candidates = by_file(self._index.find(hashes_of(refused.select(_LIKELY_EQUAL))))
        seen = ", ".join(f"'{quoted(files[number])}'" for number, _ in candidates)
        with querying(self._table) as connection:
            rows = unseen(connection, refused, f"read_parquet([{seen}])" if seen else None)
            digest = digest_of(connection, rows)
        if len(rows):
            path = self._folder / f"{digest[:32]}.parquet"
            with (
                writing(f"the quarantine of {self._table}", path),
                self._manifest.replacing(path) as (beside,),
            ):
                pq.write_table(rows, beside, compression="zstd")
            self._index.add(hashes_of(rows.select(_LIKELY_EQUAL)), places_in(len(files), len(rows)))
            files.append(path)
        return len(rows)

    def rows(self) -> pa.Table:
        """All rows (`quality.REFUSED`), sorted."""
        self._manifest.require_folder(self._folder)
        tables = [
            pq.read_table(file, schema=REFUSED) for file in sorted(self._folder.glob("*.parquet"))
        ]
        return sorted_refused(pa.concat_tables([REFUSED.empty_table(), *tables]))

    def _opened(self) -> list[Path]:
        if self._files is None:
            self._manifest.require_folder(self._folder)
            files = sorted(self._folder.glob("*.parquet"))
            if files:
                self._index.add(*stored_ids(self._table, _LIKELY_EQUAL, files))
            self._files = files
        return self._files
