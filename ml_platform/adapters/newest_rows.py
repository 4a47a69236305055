"""The newest row of each user or session in a published feature table, by name."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ml_platform.adapters.feature_parts import parquet_files

_PARTS = 3
"""The newest files that are read; what is older than them is not as of now."""


class NewestRows:
    """The rows of the newest parts of a table, as they were when `read` was last called."""

    def __init__(self, folder: Path, key: str) -> None:
        """Nothing is read yet.

        Args:
            folder: The folder in which the table is published.
            key: The column by which a row is found; of several the newest counts.
        """
        self._folder = folder
        self._key = key
        self._read: tuple[Path, ...] = ()
        self._rows: dict[str, dict[str, Any]] = {}

    def find(self, name: str) -> dict[str, Any] | None:
        """The newest row of a name, as of the last `read`; ``None`` where there is none."""
        return self._rows.get(name)

    def read(self) -> None:
        """Read the parts that have come or changed."""
        paths = tuple(parquet_files(self._folder))[-_PARTS:]
        if paths != self._read:
            rows: dict[str, dict[str, Any]] = {}
            for path in paths:
                for row in pq.read_table(path).sort_by("occurred_at").to_pylist():
                    rows[str(row[self._key])] = row
            self._rows, self._read = rows, paths
