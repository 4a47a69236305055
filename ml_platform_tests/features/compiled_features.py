"""The features of many small lakes: dbt compiles its models once, and each lake runs that SQL."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from ml_platform.adapters.dbt_project import PLATFORM_PROJECT
from ml_platform.adapters.dbt_run import (
    dbt_arguments,
    kept_folder,
    lake_in_sql,
    microseconds,
    run_dbt,
    target_folder,
)
from ml_platform.adapters.warehouse import lay_out_kept_parts, publish_features
from ml_platform.settings import Settings

_YEAR_1 = datetime.min.replace(tzinfo=UTC)
_TABLES = (
    "pattern_features",
    "step_features",
    "session_features",
    "moment_surprises",
    "int_events",
)
_ASKED = {
    table: _YEAR_1 + timedelta(microseconds=number) for number, table in enumerate(_TABLES, start=1)
}
"""Moments that stand in the compiled SQL for those from which on the rows of a table are asked for."""
_AS_OF = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
"""A time that stands in the compiled SQL for that of each lake."""


@dataclass(frozen=True)
class CompiledFeatures:
    """What dbt knows of the platform's models after compiling them; the tests of a build are left out."""

    lake: str
    kept: str
    manifest: str

    def build(
        self,
        lake: Path,
        warehouse: Path,
        as_of: datetime,
        asked_from: Mapping[str, datetime] = MappingProxyType({}),
    ) -> None:
        """Make every table of the warehouse from this lake, with the manifest that a build leaves beside it."""
        text = self.manifest.replace(f"'{self.lake}/", f"'{lake_in_sql(lake, warehouse)}/")
        text = text.replace(self.kept, str(kept_folder(warehouse)))
        text = text.replace(_AS_OF.isoformat(), as_of.isoformat())
        moments = {**dict.fromkeys(_ASKED, _YEAR_1), **asked_from}
        for table, there in _ASKED.items():
            text = text.replace(f"{microseconds(there)} /*", f"{microseconds(moments[table])} /*")
        target = target_folder(warehouse)
        target.mkdir(parents=True, exist_ok=True)
        (target / "manifest.json").write_text(text, encoding="utf-8")
        models = _in_order(json.loads(text)["nodes"])
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("set threads = 2; set TimeZone = 'UTC'")
            connection.execute(f"set file_search_path = '{warehouse.resolve().parent}'")
            for schema in {model["schema"] for model in models}:
                connection.execute(f"create schema {schema}")
            for model in models:
                name = f"{model['schema']}.{model['name']}"
                connection.execute(f"create table {name} as ({model['compiled_code']})")

    def publish(
        self,
        settings: Settings,
        as_of: datetime,
        asked_from: Mapping[str, datetime] = MappingProxyType({}),
    ) -> None:
        """Make the warehouse of a home anew from its lake, and publish its features."""
        shutil.rmtree(settings.warehouse.parent, ignore_errors=True)
        settings.warehouse.parent.mkdir()
        lay_out_kept_parts(PLATFORM_PROJECT, settings.features, settings.warehouse, asked_from)
        self.build(settings.lake, settings.warehouse, as_of, asked_from)
        publish_features(settings.features, settings.warehouse)

    def edited(self, model: str, old: str, new: str) -> "CompiledFeatures":
        """Return a copy with another text in the SQL of one model."""
        manifest = json.loads(self.manifest)
        node = manifest["nodes"][f"model.ml_platform.{model}"]
        assert old in node["compiled_code"]
        node["compiled_code"] = node["compiled_code"].replace(old, new)
        return CompiledFeatures(self.lake, self.kept, json.dumps(manifest))


def compile_features(folder: Path) -> CompiledFeatures:
    """Let dbt compile the platform's models; ``folder`` keeps what it writes."""
    lake, warehouse = (folder / "lake_of_nobody").resolve(), folder / "warehouse.duckdb"
    arguments = dbt_arguments("compile", lake, warehouse, _AS_OF, PLATFORM_PROJECT.folder, _ASKED)
    run_dbt(arguments, warehouse, lambda _: None)
    manifest = target_folder(warehouse) / "manifest.json"
    kept = str(kept_folder(warehouse))
    return CompiledFeatures(
        lake_in_sql(lake, warehouse), kept, manifest.read_text(encoding="utf-8")
    )


def _in_order(nodes: dict[str, Any]) -> list[dict[str, Any]]:
    """The models, each after those it reads."""
    names: list[str] = []

    def visit(name: str) -> None:
        if name in nodes and name not in names:
            for parent in nodes[name]["depends_on"]["nodes"]:
                visit(parent)
            names.append(name)

    for name, node in nodes.items():
        if node["resource_type"] == "model":
            visit(name)
    return [nodes[name] for name in names]
