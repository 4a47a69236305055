"""Stage features: dbt builds the warehouse from the lake; tested features leave it as Parquet."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from ml_platform.adapters.dbt_project import DbtProject, ParsedProject
from ml_platform.adapters.dbt_run import DBT, dbt_settings
from ml_platform.adapters.imported_code import library_version
from ml_platform.adapters.warehouse import lay_out_kept_parts
from ml_platform.application.asked_features import BuiltFrom, asked_from, built_from
from ml_platform.application.build_features import (
    build_warehouse,
    feature_catalogue,
    publish_features,
)
from ml_platform.application.connections import Connections
from ml_platform.defs.code_versions import features_code_version
from ml_platform.defs.dbt_resource import Dbt
from ml_platform.defs.tables import table
from ml_platform.spec.feature_table import FeatureTable


def features_key(table: FeatureTable) -> dg.AssetKey:
    """The asset of a feature table: the dbt model that computes it."""
    return dg.AssetKey(["features", table.name])


def feature_assets(parsed: ParsedProject) -> list[dg.AssetsDefinition]:
    """The assets of the stage: every dbt model of the home's project, and the catalogue of features."""
    return [_warehouse_asset(parsed), _catalogue_asset(parsed.project)]


def _warehouse_asset(parsed: ParsedProject) -> dg.AssetsDefinition:
    project = parsed.project

    @dbt_assets(
        manifest=parsed.manifest, name="warehouse", dagster_dbt_translator=_CodeVersions(parsed)
    )
    def warehouse(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        """`dbt build` up to the clock of the home; the features are published when every test has passed.

        Whichever of its assets are asked for, all are built: one table alone would stand on what an earlier
        lake has left in the warehouse, or on nothing.
        """
        platform.lake.require_unchanged()
        present = built_from(platform, project)
        asked = asked_from(platform, project, present)
        for name, moment in asked.items():
            context.log.info(f"{name}: nothing before {moment:%Y-%m-%d} has changed")
        if context.selected_asset_keys.issuperset(assets.keys):
            yield from _told_by_dbt(platform, project, present, asked, context)
        else:
            build_warehouse(platform, project, asked, context.log.info)
            versions = _published(platform, project, present, context)
            order = TopologicalSorter(
                {spec.key: [d.asset_key for d in spec.deps] for spec in assets.specs}
            )
            for key in order.static_order():
                if key in context.selected_asset_keys:
                    yield dg.MaterializeResult(asset_key=key, data_version=versions.get(key))

    assets: dg.AssetsDefinition = warehouse
    return assets


class _CodeVersions(DagsterDbtTranslator):  # type: ignore[misc]  # it has no types
    """dbt models as assets; their code is SQL, macros, all YAML and tests, dbt, and our code around it."""

    def __init__(self, parsed: ParsedProject) -> None:
        super().__init__()
        manifest = json.loads(parsed.manifest.read_text(encoding="utf-8"))
        self._macros: dict[str, Any] = manifest["macros"]
        declared = sorted(
            (*parsed.project.folder.rglob("*.yml"), *parsed.project.folder.glob("tests/**/*.sql"))
        )
        self._around = [
            features_code_version(),
            library_version("dbt-core"),
            library_version("dbt-duckdb"),
            *(path.read_text(encoding="utf-8") for path in declared),
        ]

    def get_code_version(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The hash of what dbt would run; `None` of what dbt does not build."""
        if "raw_code" not in dbt_resource_props:
            return None
        texts = [*self._around, dbt_resource_props["raw_code"]]
        seen, waiting = set[str](), list(dbt_resource_props["depends_on"].get("macros", ()))
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self._macros:
                seen.add(name)
                waiting += self._macros[name]["depends_on"]["macros"]
        texts += [self._macros[name]["macro_sql"] for name in sorted(seen)]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _published(
    platform: Connections,
    project: DbtProject,
    present: BuiltFrom,
    context: dg.AssetExecutionContext,
) -> dict[dg.AssetKey, dg.DataVersion]:
    """Publish what dbt has built; the data version of each feature table is the hash of its list of parts."""
    hashes = publish_features(platform, project, present, context.log.info)
    return {
        features_key(project.tables[name]): dg.DataVersion(sha256)
        for name, sha256 in hashes.items()
    }


def _told_by_dbt(
    platform: Connections,
    project: DbtProject,
    present: BuiltFrom,
    asked: Mapping[str, datetime],
    context: dg.AssetExecutionContext,
) -> Iterator[Any]:
    """The results of models and tests as dbt tells them; those of feature tables once they are published."""
    settings = platform.settings
    dbt = Dbt(
        project_dir=str(project.folder),
        profiles_dir=str(project.folder),
        dbt_executable=str(DBT),
    )
    as_of = platform.home.as_of
    lay_out_kept_parts(project, settings.features, settings.warehouse, asked)
    invocation = dbt.cli(
        ["build", *dbt_settings(settings.lake, settings.warehouse, as_of, asked)],
        context=context,
        target_path=settings.warehouse.parent / "dbt",
    )
    tables = {features_key(feature_table) for feature_table in project.tables.values()}
    held_back = []
    for event in invocation.stream():
        if _asset_of(event, context) in tables:
            held_back.append(event)
        else:
            yield event
    versions = _published(platform, project, present, context)
    for event in held_back:
        if isinstance(event, dg.Output):
            yield dg.Output(
                event.value,
                event.output_name,
                metadata=event.metadata,
                data_version=versions[_asset_of(event, context)],
            )
        else:
            yield event


def _asset_of(event: Any, context: dg.AssetExecutionContext) -> dg.AssetKey:
    """The asset that an event of dbt is about."""
    if isinstance(event, dg.Output):
        key: dg.AssetKey = context.asset_key_for_output(event.output_name)
        return key
    key = event.asset_key
    return key


def _catalogue_asset(project: DbtProject) -> dg.AssetsDefinition:
    @dg.asset(
        key=["features", "catalogue"],
        group_name="features",
        kinds={"python"},
        owners=["team:ml"],
        deps=[features_key(feature_table) for feature_table in project.tables.values()],
        code_version=features_code_version(),
        description="Every feature with its family, window, missing strategy, reason and version.",
    )
    def catalogue(platform: dg.ResourceParam[Connections]) -> dg.MaterializeResult[None]:
        """The definitions as the ledger keeps them: a changed definition is a new version."""
        return dg.MaterializeResult(
            metadata={
                "features": table(
                    {
                        "table": entry.table,
                        "feature": entry.spec.name,
                        "version": entry.version,
                        "family": entry.spec.family.value,
                        "kind": entry.spec.kind.value,
                        "window": entry.spec.window,
                        "missing": entry.spec.missing,
                        "reason": entry.spec.reason,
                    }
                    for entry in feature_catalogue(platform, project)
                )
            }
        )

    return catalogue
