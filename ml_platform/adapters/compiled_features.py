"""The SQL that dbt compiled for the published features, run again on another lake.

The SQL is taken as it stands, of the platform's models and of plug-ins' alike, in the order of their
dependencies, in one DuckDB process; only the lake's path is another. Tests and contracts are dbt's business.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_platform.adapters.dbt_run import (
    MEMORY_LIMIT,
    lake_in_sql,
    sql_quoted,
    target_folder,
    threads,
)
from ml_platform.errors import IntegrityError, ServiceError
from ml_platform.events.schema import TABLES

if TYPE_CHECKING:
    import duckdb

_ASKED_FROM = re.compile(r"-?[0-9]+(?= /\* asked from \*/)")
"""The moment from which on the rows of a table were asked for; on another lake it is built whole."""
_YEAR_1 = "-62135596800000000"
_REMEDY = "build the features again; the dbt models of plug-ins must be SQL"


@dataclass(frozen=True)
class CompiledModel:
    """One dbt model as it was compiled for the last build."""

    relation: str
    """The quoted name under which other models read it."""
    schema: str
    sql: str


@dataclass(frozen=True)
class CompiledFeatures:
    """What computes one feature table: its models, each after those it reads, and the lake they name."""

    table: str
    models: tuple[CompiledModel, ...]
    lake: Path
    lake_in_sql: str
    """The lake as the SQL names it."""
    database: str
    """The quoted name of the database in the names of relations."""

    @property
    def reads(self) -> frozenset[str]:
        """The tables of the lake that the SQL names."""
        return frozenset(
            table
            for table in TABLES
            if any(f"'{self.lake_in_sql}/{table}/" in model.sql for model in self.models)
        )

    def reading(self, lake: Path) -> Iterator[CompiledModel]:
        """The models as they read another lake."""
        there, here = f"'{self.lake_in_sql}/", f"'{sql_quoted(lake.resolve())}/"
        for model in self.models:
            yield replace(model, sql=model.sql.replace(there, here))


def compiled_features(warehouse: Path, lake: Path, table: str) -> CompiledFeatures:
    """The models behind ``features.<table>`` of the last build of ``warehouse`` from ``lake``.

    Raises:
        IntegrityError: there is no build, or a model of it was not compiled to SQL.
    """
    manifest = target_folder(warehouse) / "manifest.json"
    if not manifest.exists():
        raise IntegrityError(
            f"There is no compiled SQL of the features ({manifest}).", remedy=_REMEDY
        )
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    order = _in_order(nodes, table)
    models = tuple(_compiled(nodes[name]) for name in order)
    database = f'"{nodes[order[-1]]["database"]}"'
    return CompiledFeatures(table, models, lake, lake_in_sql(lake, warehouse), database)


@contextmanager
def rebuilt(
    features: CompiledFeatures, lake: Path, folder: Path
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A database in memory in which the table and all that it reads were computed from ``lake``.

    What does not fit into memory spills into ``folder``, and so does nothing of a small lake.

    Raises:
        ServiceError: the SQL fails on that lake; DuckDB's own words.
    """
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    configuration = {
        "threads": threads(),
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(folder),
    }
    with duckdb.connect(config=configuration) as connection:
        connection.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
        connection.execute(f"attach ':memory:' as {features.database}; use {features.database}")
        for schema in dict.fromkeys(model.schema for model in features.models):
            connection.execute(f'create schema if not exists "{schema}"')
        for model in features.reading(lake):
            sql = _ASKED_FROM.sub(_YEAR_1, model.sql)
            try:
                connection.execute(f"create table {model.relation} as ({sql}\n)")
            except duckdb.Error as error:
                raise ServiceError(
                    f"{model.relation} cannot be computed from another lake: {error}",
                    remedy="correct the dbt model; it must run on any lake of the declared tables",
                ) from error
        yield connection


def _compiled(node: dict[str, Any]) -> CompiledModel:
    sql = node.get("compiled_code")
    if not sql or node.get("language", "sql") != "sql":
        raise IntegrityError(f"The dbt node {node['name']} has no compiled SQL.", remedy=_REMEDY)
    return CompiledModel(node["relation_name"], node["schema"], str(sql))


def _in_order(nodes: dict[str, Any], table: str) -> list[str]:
    """The names of the models behind ``features.<table>``, each after those it reads."""
    wanted = next(
        (
            name
            for name, node in nodes.items()
            if node["resource_type"] == "model" and node["name"] == table
        ),
        None,
    )
    if wanted is None:
        raise IntegrityError(f"The last build has no dbt model {table}.", remedy=_REMEDY)
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in nodes and name not in order:
            for parent in nodes[name]["depends_on"]["nodes"]:
                visit(parent)
            if nodes[name]["config"]["materialized"] != "ephemeral":
                order[name] = None

    visit(wanted)
    return list(order)
