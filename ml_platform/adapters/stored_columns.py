"""Columns of stored Parquet files under another name: what a migration does to the lake."""

from pathlib import Path

import pyarrow.parquet as pq

from ml_platform.files import replacing


def rename_column(folder: Path, old: str, new: str) -> int:
    """Name the column ``old`` of every Parquet file below ``folder`` ``new``; returns how many files had it.

    Files are replaced one by one, whole; their rows, types and order stay. A file that has no such column is left
    alone, so that an interrupted call is simply repeated.
    """
    renamed = 0
    for path in sorted(folder.rglob("*.parquet")):
        names = pq.read_schema(path).names
        if old not in names:
            continue
        rows = pq.ParquetFile(path).read()
        with replacing(path) as beside:
            pq.write_table(
                rows.rename_columns([new if name == old else name for name in names]),
                beside,
                compression="zstd",
            )
        renamed += 1
    return renamed
