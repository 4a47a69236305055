"""Stage features: dbt builds the warehouse from the lake; tested features leave it as Parquet."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from ml_platform.adapters.dbt_project import DbtProject, ParsedProject
from ml_platform.adapters.dbt_run import DBT, dbt_variables
from ml_platform.application.build_features import (
    build_warehouse,
    feature_catalogue,
    publish_features,
)
from ml_platform.application.connections import Connections
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

    @dbt_assets(manifest=parsed.manifest, name="warehouse")
    def warehouse(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        """`dbt build` up to the clock of the home; the features are published when every test has passed.

        Whichever of its assets are asked for, all are built: one table alone would stand on what an earlier
        lake has left in the warehouse, or on nothing.
        """
        platform.lake.require_unchanged()
        if context.selected_asset_keys.issuperset(assets.keys):
            yield from _told_by_dbt(platform, project, context)
            publish_features(platform, project, context.log.info)
        else:
            build_warehouse(platform, project, context.log.info)
            publish_features(platform, project, context.log.info)
            for key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key)

    assets: dg.AssetsDefinition = warehouse
    return assets


def _told_by_dbt(
    platform: Connections, project: DbtProject, context: dg.AssetExecutionContext
) -> Iterator[Any]:
    """The results of models and tests as dbt tells them, one by one."""
    settings = platform.settings
    dbt = DbtCliResource(
        project_dir=str(project.folder),
        profiles_dir=str(project.folder),
        dbt_executable=str(DBT),
    )
    variables = dbt_variables(settings.lake, settings.warehouse, platform.home.as_of)
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    invocation = dbt.cli(
        ["build", "--vars", json.dumps(variables, sort_keys=True)],
        context=context,
        target_path=settings.warehouse.parent / "dbt",
    )
    yield from invocation.stream()


def _catalogue_asset(project: DbtProject) -> dg.AssetsDefinition:
    @dg.asset(
        key=["features", "catalogue"],
        group_name="features",
        kinds={"python"},
        owners=["team:ml"],
        deps=[features_key(feature_table) for feature_table in project.tables.values()],
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
