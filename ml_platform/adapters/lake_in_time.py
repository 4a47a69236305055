"""What happened in a lake in the order in which it became known, and rows of published features: for a replay."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform.adapters.dbt_run import sql_quoted
from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.features.online.dbt_sql import DbtSql
from ml_platform.features.online.skew import Happened

if TYPE_CHECKING:
    import duckdb

TOLD = ("events", "suggestions", "workflow_executions")
"""The tables of the lake that say what happened."""
_CHUNK = 20_000
_HALF_HOUR = 1_800_000_000
_HOUR = 2 * _HALF_HOUR
Row = dict[str, Any]


class LakeInTime:
    """The staging models of a lake, row by row in the order of time; times are microseconds since 1970."""

    def __init__(
        self,
        sql: DbtSql,
        lake: Path,
        threads: int = 2,
        days: Mapping[str, Sequence[Path]] | None = None,
    ) -> None:
        """Read the tables below ``lake`` as the staging models do.

        Args:
            sql: The staging models.
            lake: The lake's folder.
            threads: Of the queries.
            days: The files that are read of each of `TOLD`; by default all.
        """
        import duckdb

        self._connection = duckdb.connect()
        self._connection.execute(f"set threads = {threads}; set TimeZone = 'UTC'")
        for table in TOLD:
            everything = (lake / table / "**" / "*.parquet",)
            named = everything if days is None else days[table] or (lake / table / "empty.parquet",)
            files = ", ".join(f"'{sql_quoted(path)}'" for path in named)
            self._connection.execute(
                f"create view {table} as from read_parquet([{files}], hive_partitioning = false)"
            )
            text = sql.query(f"stg_{table}").sql("duckdb")
            self._connection.execute(f"create view stg_{table} as {text}")

    def happened(self, decisions: Iterator[Happened]) -> Iterator[Happened]:
        """All that became known, and the ``decisions`` where they belong."""
        streams = (self._events(), self._suggestions(), self._executions(), decisions)
        return merge(*streams, key=lambda each: each.t)

    def size(self) -> int:
        """How much `happened` gives without decisions."""
        parts = (
            ("events", "*"),
            ("suggestions", "*"),
            ("suggestions", "outcome_at"),
            ("workflow_executions", "*"),
            ("workflow_executions", "finished_at"),
        )
        counts = (f"(select count({what}) from stg_{table})" for table, what in parts)
        found = self._connection.execute(f"select {' + '.join(counts)}").fetchone()
        return int(found[0]) if found else 0

    def decisions(self, sampled: Mapping[str, Row]) -> Iterator[Happened]:
        """The decisions of sampled rows of ``start_time_features``, with the candidate times that they name."""
        names = sorted(sampled)
        executions = self._rows(
            'select execution_id, user_id, workflow_id, "trigger", utc_offset_minutes '
            "from stg_workflow_executions where execution_id in (select unnest(?))",
            [sorted({name.rpartition(":")[0] for name in names})],
        )
        runs = {row["execution_id"]: row for row in executions}
        decided: dict[tuple[int, str], list[tuple[str, int, int]]] = {}
        for name in names:
            row = sampled[name]
            t, slot = row["t"], int(row["slot"])
            drawn = row["propensity"] is not None
            c = t + slot * _HOUR + _HALF_HOUR if drawn else t
            decided.setdefault((t, name.rpartition(":")[0]), []).append((name, c, slot))
        for (t, execution), candidates in sorted(decided.items()):
            yield Happened(t, "decision", {**runs[execution], "t": t, "candidates": candidates})

    def _events(self) -> Iterator[Happened]:
        for row in self._rows(
            "select * exclude (received_at) replace (epoch_us(occurred_at) as occurred_at) "
            "from stg_events order by occurred_at, event_id"
        ):
            yield Happened(row["occurred_at"], "event", row)

    def _suggestions(self) -> Iterator[Happened]:
        rows = (
            "select suggestion_id, user_id, workflow_id, epoch_us(shown_at) as shown_at, outcome, "
            "epoch_us(outcome_at) as outcome_at, category from stg_suggestions"
        )
        shown = self._rows(
            f"select * replace (null as outcome, null as outcome_at) from ({rows}) order by shown_at"
        )
        known = self._rows(
            f"select * from ({rows}) where outcome_at is not null order by outcome_at"
        )
        return merge(
            (Happened(row["shown_at"], "suggestion", row) for row in shown),
            (Happened(row["outcome_at"], "suggestion", row) for row in known),
            key=lambda each: each.t,
        )

    def _executions(self) -> Iterator[Happened]:
        rows = (
            "select execution_id, user_id, workflow_id, epoch_us(started_at) as started_at, "
            'epoch_us(finished_at) as finished_at, status, "trigger", utc_offset_minutes '
            "from stg_workflow_executions"
        )
        begun = self._rows(
            "select * replace (null as finished_at, 'running' as status) "
            f"from ({rows}) order by started_at"
        )
        ended = self._rows(
            f"select * from ({rows}) where finished_at is not null order by finished_at"
        )
        return merge(
            (Happened(row["started_at"], "execution", row) for row in begun),
            (Happened(row["finished_at"], "execution", row) for row in ended),
            key=lambda each: each.t,
        )

    def _rows(self, query: str, values: list[Any] | None = None) -> Iterator[Row]:
        return _rows(self._connection.cursor(), query, values)


def sampled_rows(features: Path, rows: int) -> dict[str, Row]:
    """Rows of a published table by id, with ``t``, their time in microseconds: those whose ids hash lowest."""
    import duckdb

    files = ", ".join(f"'{sql_quoted(path)}'" for path in parquet_files(features))
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        found = _rows(
            connection,
            f"select *, epoch_us(occurred_at) as t from read_parquet([{files}]) "
            "order by md5(row_id), row_id limit ?",
            [rows],
        )
        return {row["row_id"]: row for row in found}


def _rows(
    connection: "duckdb.DuckDBPyConnection", query: str, values: list[Any] | None
) -> Iterator[Row]:
    result = connection.execute(query, values or [])
    names = [column[0] for column in result.description]
    while chunk := result.fetchmany(_CHUNK):
        for row in chunk:
            yield dict(zip(names, row, strict=True))
