"""Columns of Parquet files come back as they were written, whatever their row groups are."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml_platform.training_sets.stored_column import stored_column

LISTS = pa.array([["a", "b"], None, [], ["b"], ["c", None, "d"]] * 20, pa.list_(pa.string()))
COLUMNS = {
    "lists": LISTS,
    "no lists": LISTS[:0],
    "text": pa.array(["a", None, "b", "c"] * 20),
    "numbers": pa.array([1.0, None, 3.0] * 20),
}


@pytest.mark.parametrize("rows_a_group", [1, 7, 1_000])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_read_as_it_was_written(name: str, rows_a_group: int, tmp_path: Path) -> None:
    path, column = tmp_path / "rows.parquet", COLUMNS[name]
    pq.write_table(pa.table({"column": column}), path, row_group_size=rows_a_group)
    text = ["column.list.element"] if "list" in name else []
    read = stored_column(pq.ParquetFile(path, read_dictionary=text), "column")
    assert read.to_pylist() == column.to_pylist()
    assert pa.types.is_list(read.type) == ("list" in name)
