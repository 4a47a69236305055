"""The lake of a home cut at a moment, made outside of all SQL of features.

What is cut follows from the platform's own schema alone: the event time of each table, and which columns or rows
were learned later (`ml_platform.events.known_later`).
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from ml_platform.adapters.dbt_run import sql_quoted
from ml_platform.events.known_later import KNOWN_LATER, ROW_DELAYS
from ml_platform.events.schema import EVENT_TIME, TABLES

if TYPE_CHECKING:
    import duckdb


def write_cut_lake(
    connection: "duckdb.DuckDBPyConnection",
    lake: Path,
    tables: Collection[str],
    cut: datetime,
    folder: Path,
) -> None:
    """Write to ``folder`` what ``lake`` held at ``cut``: rows up to and with it, nothing learned later.

    Tables other than ``tables``, which nobody is going to read, are left empty.
    """
    write_empty_lake(folder)
    for table in tables:
        rows = f"select * from {lake_table(lake, table)} where {row_is_known(table, cut)}"
        write_lake_table(connection, folder, table, rows, cut)


def write_empty_lake(folder: Path) -> None:
    """Write every table of the lake without a row, with its exact schema."""
    for table, schema in TABLES.items():
        (folder / table).mkdir(parents=True, exist_ok=True)
        pq.write_table(schema.empty_table(), folder / table / "empty.parquet")


def write_lake_table(
    connection: "duckdb.DuckDBPyConnection",
    folder: Path,
    table: str,
    rows: str,
    cut: datetime | None = None,
) -> None:
    """Write the rows of a query as the table of the lake in ``folder``; with a ``cut``, without what came after."""
    columns = known_columns(table, cut) if cut else [f'"{name}"' for name in TABLES[table].names]
    path = sql_quoted(folder / table / "rows.parquet")
    connection.execute(
        f"copy (select {', '.join(columns)} from ({rows})) to '{path}' (format parquet)"
    )


def known_columns(table: str, cut: datetime) -> list[str]:
    """The columns of ``table`` as expressions; those that were learned after ``cut`` are unknown."""
    later = KNOWN_LATER.get(table)
    columns = []
    for name in TABLES[table].names:
        column = f'"{name}"'
        if later is not None and name in later.unknown:
            value = later.unknown[name]
            unknown = "null" if value is None else f"'{value}'"
            column = f"case when {cell_is_known(table, cut)} then {column} else {unknown} end as {column}"
        columns.append(column)
    return columns


def cell_is_known(table: str, cut: datetime) -> str:
    """The condition that the columns of `KNOWN_LATER` were known at ``cut``; false where nobody knows when."""
    later = KNOWN_LATER[table]
    return f"coalesce({_at(later.moment, later.delay)} <= {timestamp(cut)}, false)"


def row_is_known(table: str, cut: datetime) -> str:
    """The condition that a row of ``table`` was known at ``cut``."""
    moment, delay = EVENT_TIME[table], ROW_DELAYS.get(table, timedelta(0))
    if delay is None:
        return "false"
    return "true" if moment is None else f"{_at(moment, delay)} <= {timestamp(cut)}"


def lake_table(lake: Path, table: str) -> str:
    """The rows of a table of the lake, as a relation."""
    return f"read_parquet('{sql_quoted(lake / table / '**' / '*.parquet')}', hive_partitioning = false)"


def timestamp(moment: datetime) -> str:
    """A moment as a literal."""
    return f"timestamptz '{moment.isoformat()}'"


def _at(moment: str, delay: timedelta) -> str:
    return (
        f'"{moment}" + to_microseconds({delay // timedelta(microseconds=1)})'
        if delay
        else f'"{moment}"'
    )
