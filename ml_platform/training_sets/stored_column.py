"""Reads one column of a Parquet file, lists of words included."""

import pyarrow as pa
import pyarrow.parquet as pq


def stored_column(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    """The values of all rows in the file.

    Lists come a row group at a time: each row group has words of its own, and Arrow reads no lists of codes into
    several sets of words at once.
    """
    groups = range(file.num_row_groups)
    parts = [file.read_row_group(group, columns=[name]).column(name) for group in groups]
    chunks = [chunk for part in parts for chunk in part.chunks]
    return pa.chunked_array(chunks, parts[0].type if parts else file.schema_arrow.field(name).type)
