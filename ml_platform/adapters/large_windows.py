"""Windows of published features too large to be loaded: counted in six-hour cells by DuckDB, or read in part.

A query a cell reads the columns of the features from the row groups of its hours; the cells are counted side by
side, a thread each, so that no more rows than those of a few cells are in memory, however long the window is.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_platform.adapters.feature_parts import parquet_files, part_list
from ml_platform.arrays import Codes
from ml_platform.clock import WINDOW
from ml_platform.cores import usable_cores
from ml_platform.errors import IntegrityError
from ml_platform.monitoring.baseline import FeatureBaseline
from ml_platform.monitoring.cells import (
    Cell,
    CountedWindow,
    Keys,
    count_cell,
    counted_window,
    merge_cells,
)
from ml_platform.monitoring.distribution import Bins, category_codes, number_codes
from ml_platform.spec.feature import Kind
from ml_platform.spec.training_set import CLUSTER, ROW_ID, TIME
from ml_platform.training_sets.build import BOT
from ml_platform.training_sets.canonical import frame, in_order

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_KEY = "cluster_key"
_STEP = WINDOW.total_seconds() * 1e6
"""The length of a cell in microseconds."""
_CELL = f"floor((epoch_us({TIME}) - epoch_us(?::TIMESTAMPTZ)) / {_STEP})"
"""The number of the cell of a row, from a moment on."""
_PLACES = 1_000_003
_WITHIN = f"{TIME} >= ?::TIMESTAMPTZ AND {TIME} < ?::TIMESTAMPTZ AND NOT {BOT}"


def rows_at_most(features: Path, start: datetime, end: datetime) -> int:
    """The rows of the parts of a published table that reach into ``[start, end)``: no fewer than lie in it."""
    first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
    parts = part_list(features).parts
    return sum(part.rows for part in parts if part.first_day <= last and first <= part.last_day)


def count_rows(features: Path, start: datetime, end: datetime) -> int:
    """The rows of people in ``[start, end)`` of a published feature table.

    Raises:
        IntegrityError: no features file, or a file cannot be read.
    """
    query = f"SELECT count(*) FROM read_parquet(?) WHERE {_WITHIN}"
    with _querying(usable_cores()) as connection:
        arguments = [_paths(features), *_moments(start, end)]
        (row,) = connection.execute(query, arguments).fetchall()
        return int(row[0])


def rows_by_cell(features: Path, start: datetime, end: datetime) -> dict[datetime, int]:
    """The rows of people in ``[start, end)`` of a published feature table by the first moment of their six hours.

    The first six hours begin at ``start``; those without a row are left out.

    Raises:
        IntegrityError: no features file, or a file cannot be read.
    """
    query = f"SELECT {_CELL} AS cell, count(*) FROM read_parquet(?) WHERE {_WITHIN} GROUP BY cell"
    with _querying(1) as connection:
        arguments = [_moment(start), _paths(features), *_moments(start, end)]
        rows = connection.execute(query, arguments).fetchall()
    return {start + int(cell) * WINDOW: int(count) for cell, count in rows}


def read_clusters(
    features: Path, columns: Sequence[str], start: datetime, end: datetime, share: float
) -> "pd.DataFrame":
    """Read the rows of people in ``[start, end)`` of about a ``share`` of the clusters, whole ones, oldest first.

    The same clusters are chosen each time. ``columns`` are those of the rows, in the shape of
    `ml_platform.adapters.training_set_files.read_window`.

    Raises:
        IntegrityError: no features file, a column is missing, or a file cannot be read.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    query = (
        f"SELECT {names} FROM read_parquet(?) WHERE {_WITHIN} "
        f"AND hash(coalesce({CLUSTER}, {ROW_ID})) % {_PLACES} < ?"
    )
    with _querying(usable_cores()) as connection:
        arguments = [_paths(features), *_moments(start, end), round(share * _PLACES)]
        table = connection.sql(query, params=arguments).to_arrow_table()
    return frame(in_order(table))


@dataclass(frozen=True)
class _Counting:
    """What is counted in each cell of a window."""

    paths: list[str]
    cluster: str
    """The column that tells clusters apart."""
    bins: Sequence[tuple[str, Bins]]
    words: Mapping[str, tuple[str, ...]]
    """By column, see `_words`."""
    crossing: Keys
    """The clusters with rows in several cells."""


def count_features(
    features: Path,
    watched: Sequence[FeatureBaseline],
    start: datetime,
    end: datetime,
    threads: int | None = None,
) -> CountedWindow:
    """Count the rows of people in ``[start, end)`` in the bins of the ``watched`` features, each over its clusters.

    Arguments and errors are those of `count_window`, which passes over the rows once a column of clusters.
    """
    bins: dict[str, list[tuple[str, Bins]]] = {CLUSTER: []}
    for entry in watched:
        bins.setdefault(entry.cluster, []).append((entry.name, entry.bins))
    cells = {
        column: count_window(features, own, start, end, threads, cluster=column)
        for column, own in bins.items()
    }
    return counted_window(cells, {c: [name for name, _ in own] for c, own in bins.items()})


def count_window(
    features: Path,
    bins: Sequence[tuple[str, Bins]],
    start: datetime,
    end: datetime,
    threads: int | None = None,
    *,
    cluster: str = CLUSTER,
) -> Cell:
    """Count the rows of people in ``[start, end)`` of a published feature table: its six-hour cells, merged.

    Clusters are told apart by 64-bit hashes of their names. A row without a cluster is a cluster of its own.

    Args:
        features: The folder of the table, or a single Parquet file of its rows.
        bins: The columns to count, each with its bins.
        start: The begin of the first cell.
        end: The end of the window; the last cell may be shorter than the others.
        threads: The cells that are counted at a time; by default one for each core.
        cluster: The column that tells clusters apart.

    Raises:
        IntegrityError: no features file, a column is missing, or a file cannot be read.
    """
    from threadpoolctl import threadpool_limits

    paths = _paths(features)
    threads = threads or usable_cores()
    with (
        _querying(threads) as connection,
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(threads) as pool,
    ):
        counting = _Counting(
            paths,
            cluster,
            bins,
            _words(connection, paths, bins),
            _crossing(connection, paths, cluster, start, end),
        )
        connection.execute("SET threads = 1")
        cells = pool.map(
            lambda first: _cell(connection.cursor(), counting, first, min(first + WINDOW, end)),
            _starts(start, end),
        )
        return merge_cells(list(cells))


def _starts(start: datetime, end: datetime) -> list[datetime]:
    return [start + number * WINDOW for number in range(-(-(end - start) // WINDOW))]


@contextmanager
def _querying(threads: int) -> Iterator["duckdb.DuckDBPyConnection"]:
    import duckdb

    try:
        with duckdb.connect(config={"threads": threads}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except (duckdb.Error, pa.ArrowInvalid) as error:
        raise IntegrityError(
            f"The published features cannot be read: {error}",
            remedy="build the features again: `ml-platform run --force`",
        ) from error


def _paths(features: Path) -> list[str]:
    paths = [str(path) for path in parquet_files(features)]
    if not paths:
        raise IntegrityError(
            f"There are no features ({features}).", remedy="materialise the features"
        )
    return paths


def _crossing(
    connection: "duckdb.DuckDBPyConnection",
    paths: list[str],
    cluster: str,
    start: datetime,
    end: datetime,
) -> Keys:
    """The clusters, ascending, whose rows lie in more than one cell of ``[start, end)``."""
    query = (
        f'SELECT hash("{cluster}") AS {_KEY} FROM read_parquet(?) WHERE {_WITHIN} '
        f'AND "{cluster}" IS NOT NULL GROUP BY {_KEY} HAVING min({_CELL}) <> max({_CELL})'
    )
    rows = connection.execute(query, [paths, *_moments(start, end), *[_moment(start)] * 2])
    keys: Keys = np.sort(rows.fetchnumpy()[_KEY].astype(np.uint64))
    return keys


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moments(start: datetime, end: datetime) -> tuple[str, str]:
    return _moment(start), _moment(end)


def _cell(
    connection: "duckdb.DuckDBPyConnection", counting: _Counting, start: datetime, end: datetime
) -> Cell:
    cluster, bins, words = counting.cluster, counting.bins, counting.words
    key = f'CASE WHEN "{cluster}" IS NULL THEN NULL ELSE hash("{cluster}") END AS {_KEY}'
    columns = [key, *(_selected(name, words[name]) for name, _ in bins)]
    query = f"SELECT {', '.join(columns)} FROM read_parquet(?) WHERE {_WITHIN}"
    rows = connection.sql(query, params=[counting.paths, *_moments(start, end)]).to_arrow_table()
    codes = [_codes(own, words[name], rows.column(name)) for name, own in bins]
    return count_cell(codes, [own.count for _, own in bins], _keys(rows, start), counting.crossing)


def _keys(rows: pa.Table, start: datetime) -> Keys:
    column = rows.column(_KEY)
    keys: Keys = pc.fill_null(column, 0).to_numpy().astype(np.uint64)
    if column.null_count:
        alone = column.is_null().to_numpy()
        first = np.uint64(int(start.timestamp()) << 32)
        keys[alone] = first + np.arange(column.null_count, dtype=np.uint64)
    return keys


def _words(
    connection: "duckdb.DuckDBPyConnection", paths: list[str], bins: Sequence[tuple[str, Bins]]
) -> dict[str, tuple[str, ...]]:
    """The words of closed vocabularies by column, which DuckDB turns into their places; of other columns none."""
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [paths[:1]]).fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    lacking = [name for name, _ in bins if name not in types]
    if lacking:
        raise IntegrityError(
            f"The published features lack the columns {', '.join(lacking)}.",
            remedy="build the features again; the baseline of a version lists what it compares",
        )
    return {
        name: (*own.levels, *own.rare)
        if own.kind is not Kind.NUMBER and own.closed and types[name] == "VARCHAR"
        else ()
        for name, own in bins
    }


def _selected(name: str, words: tuple[str, ...]) -> str:
    if not words:
        return f'"{name}"'
    known = ", ".join("'" + word.replace("'", "''") + "'" for word in words)
    return (
        f'CASE WHEN "{name}" IS NOT NULL THEN '
        f'coalesce(list_position([{known}], "{name}"), 0)::SMALLINT END AS "{name}"'
    )


def _codes(bins: Bins, words: tuple[str, ...], column: pa.ChunkedArray) -> Codes:
    """The bin of each value as `ml_platform.monitoring.baseline.FeatureBaseline.codes` finds it in a frame."""
    if bins.kind is Kind.NUMBER:
        return number_codes(bins, column.cast(pa.float64()).to_numpy())
    if words:
        lookup = np.array([-1, bins.count - 1, *category_codes(bins, words)], dtype=np.int64)
        codes: Codes = lookup[pc.fill_null(column, -1).to_numpy() + 1]
        return codes
    if not pa.types.is_string(column.type):
        return category_codes(bins, column.cast(pa.float64()).to_numpy().astype(object))
    coded = column.combine_chunks().dictionary_encode()
    lookup = np.append(category_codes(bins, coded.dictionary.to_pylist()), -1)
    codes = lookup[pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)]
    return codes
