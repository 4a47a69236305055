"""The search for looks into the future: features rebuilt from lakes without one, and compared.

Three comparisons, each of the published SQL with itself on another lake (`ml_platform.features.future_check` says
what they mean): sampled histories with and without a future, all rows up to one moment against the published
rows, and the sampled histories without what came in late.
"""

import random
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.adapters.compiled_features import CompiledFeatures, compiled_features, rebuilt
from ml_platform.adapters.cut_lakes import timestamp, write_cut_lake
from ml_platform.adapters.dbt_run import MEMORY_LIMIT, sql_quoted, threads
from ml_platform.adapters.feature_parts import parquet_files, table_version
from ml_platform.adapters.moved_histories import (
    MovedHistories,
    move_histories,
    write_another_future,
    write_arrived,
    write_known,
)
from ml_platform.features.future_check import (
    ENOUGH_ROWS,
    LAST_DIGITS,
    ColumnCheck,
    Comparison,
    FutureCheck,
)
from ml_platform.spec.feature import Kind
from ml_platform.spec.feature_table import FeatureTable

if TYPE_CHECKING:
    import duckdb

SAMPLED_ROWS = 320
"""Some more than `ENOUGH_ROWS`: a sampled row that another future makes vanish cannot be compared."""
AT_ONCE, AFTER_A_PAUSE = timedelta(0), timedelta(minutes=40)
"""When another future begins: at once, or, where that changes which rows there are, after the end of a session."""
_CUT_BETWEEN = (0.3, 0.5)
"""Shares of the rows between which the one real cut is drawn; the rows before it are rebuilt."""
_ROW = "regexp_replace(row_id, '^c[0-9]+~', '')"
"""The id of a sampled row without the name of its history."""
_SHOWN = 60


@dataclass(frozen=True)
class _Check:
    """What the steps of one search share."""

    table: FeatureTable
    compiled: CompiledFeatures
    connection: "duckdb.DuckDBPyConnection"
    folder: Path


def check_future(
    table: FeatureTable,
    *,
    warehouse: Path,
    lake: Path,
    features: Path,
    as_of: datetime,
) -> FutureCheck:
    """Search one published feature table for looks into the future.

    Args:
        table: The table and its features.
        warehouse: The database that dbt built last; its compiled SQL lies beside it.
        lake: The lake that it was built from.
        features: The folder in which the table is published.
        as_of: The clock of that build; sample and cut are drawn by it.

    Raises:
        IntegrityError: there is no compiled SQL of the table.
        ServiceError: its SQL fails on another lake.
    """
    import duckdb

    seed = int(as_of.timestamp())
    with tempfile.TemporaryDirectory(prefix="future-") as name, duckdb.connect() as connection:
        folder = Path(name)
        connection.execute("set threads = 1; set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'; set temp_directory = '{name}'")
        compiled = compiled_features(warehouse, lake, table.name)
        check = _Check(table, compiled, connection, folder)
        parts = ", ".join(f"'{sql_quoted(path)}'" for path in parquet_files(features))
        connection.execute(f"create view published as select * from read_parquet([{parts}])")
        moved = move_histories(
            connection, lake, compiled.reads, "published", as_of, SAMPLED_ROWS, seed
        )
        future, histories = _with_another_future(check, moved)
        arrival = _arrived(check, moved)
        cut = _cut_moment(connection, seed)
        published = _as_published(check, cut) if cut else _nothing(table)
        return FutureCheck(
            table=table.name,
            features_sha256=table_version(features) or "",
            rows=int(connection.execute("select count(*) from published").fetchall()[0][0]),
            histories=histories,
            cut=cut or as_of,
            columns=tuple(
                ColumnCheck(
                    feature.name,
                    future[feature.name],
                    published[feature.name],
                    arrival[feature.name] if arrival else None,
                )
                for feature in table.features
            ),
        )


def _with_another_future(check: _Check, moved: MovedHistories) -> tuple[dict[str, Comparison], int]:
    """Each column with and without a future, and in how many histories there was a row to compare."""
    connection = check.connection
    write_known(moved, check.folder / "known")
    _keep_rows(check, "known", "known", f"occurred_at = {timestamp(moved.moment)}")
    histories = 0
    for pause in (AT_ONCE, AFTER_A_PAUSE):
        write_another_future(moved, check.folder / "future", pause)
        _keep_rows(check, "future", "future", f"occurred_at = {timestamp(moved.moment)}")
        counted = connection.execute(
            "select count(distinct known.user_id) from known inner join future using (row_id, occurred_at)"
        ).fetchall()
        histories = int(counted[0][0])
        if histories >= min(ENOUGH_ROWS, moved.histories):
            break
    return _compared(check, "known", "future"), histories


def _arrived(check: _Check, moved: MovedHistories) -> dict[str, Comparison] | None:
    """Each column with what had come in by then; ``None`` where the lake does not tell, or nothing came late."""
    if not write_arrived(moved, check.folder / "arrived"):
        return None
    _keep_rows(check, "arrived", "arrived", f"occurred_at = {timestamp(moved.moment)}")
    return _compared(check, "arrived", "known")


def _as_published(check: _Check, cut: datetime) -> dict[str, Comparison]:
    """Each column of all rows up to ``cut``, rebuilt from the lake of that moment and as published."""
    lake, reads = check.compiled.lake, check.compiled.reads
    write_cut_lake(check.connection, lake, reads, cut, check.folder / "cut")
    _keep_rows(check, "cut", "as_of_cut", f"occurred_at <= {timestamp(cut)}")
    return _compared(check, "as_of_cut", "published")


def _keep_rows(check: _Check, lake: str, name: str, where: str) -> None:
    """Rebuild the table from a lake in the check's folder, and keep its rows ``where`` as the table ``name``."""
    columns = ", ".join(f'"{feature.name}"' for feature in check.table.features)
    path = sql_quoted(check.folder / f"{name}.parquet")
    with rebuilt(check.compiled, check.folder / lake, check.folder / "spilled") as database:
        database.execute(
            f"copy (select row_id, user_id, occurred_at, {columns} from {check.compiled.models[-1].relation} "
            f"where {where}) to '{path}' (format parquet)"
        )
    check.connection.execute(
        f"create or replace table {name} as select * from read_parquet('{path}')"
    )


def _compared(check: _Check, one: str, other: str) -> dict[str, Comparison]:
    """Every feature in the rows that both tables have, by id and time; an example says the value of each."""
    parts = ["count(*)"]
    for feature in check.table.features:
        left, right = f'one."{feature.name}"', f'other."{feature.name}"'
        differ, close = f"{left} is distinct from {right}", "false"
        if feature.kind is Kind.NUMBER:
            size = f"{LAST_DIGITS} * greatest(abs({left}), abs({right}))"
            close = f"coalesce(abs({left} - {right}) <= {size}, false)"
        example = f"{_ROW} || ' is ' || {_shown(left)} || ', else ' || {_shown(right)}"
        parts += [
            f"count(*) filter (where {differ} and not {close})",
            f"count(*) filter (where {differ} and {close})",
            f"min({example}) filter (where {differ})",
        ]
    # Counts and the least example are the same whatever the threads; sampling stays with one.
    check.connection.execute(f"set threads = {threads()}")
    figures = check.connection.execute(
        f"select {', '.join(parts)} from {one} as one inner join {other} as other using (row_id, occurred_at)"
    ).fetchall()[0]
    check.connection.execute("set threads = 1")
    rows = int(figures[0])
    return {
        feature.name: Comparison(rows, int(differ), int(close), example or "")
        for feature, differ, close, example in zip(
            check.table.features, figures[1::3], figures[2::3], figures[3::3], strict=True
        )
    }


def _shown(column: str) -> str:
    """A value as an example shows it, cut to `_SHOWN` characters."""
    return f"coalesce(left({column}::varchar, {_SHOWN}), 'null')"


def _cut_moment(connection: "duckdb.DuckDBPyConnection", seed: int) -> datetime | None:
    """A drawn row's time between `_CUT_BETWEEN` of the published rows; ``None`` without any row."""
    share = random.Random(seed).uniform(*_CUT_BETWEEN)
    drawn_time = connection.execute(
        f"select epoch_us(quantile_disc(occurred_at, {share})) from published"
    ).fetchall()[0][0]
    if drawn_time is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=drawn_time)


def _nothing(table: FeatureTable) -> dict[str, Comparison]:
    return {feature.name: Comparison(0, 0, 0, "") for feature in table.features}
