"""Stage features: dbt builds the warehouse from the lake; tested features leave it as Parquet."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from ml_platform import values
from ml_platform.adapters.warehouse import DBT, PROJECT, dbt_variables
from ml_platform.application.connections import Connections
from ml_platform.defs.dbt_manifest import manifest
from ml_platform.defs.tables import table
from ml_platform.features.tables import TABLES
from ml_platform.spec.feature_table import FeatureTable


def features_key(table: FeatureTable) -> dg.AssetKey:
    """The asset of a feature table: the dbt model that computes it."""
    return dg.AssetKey(["features", table.name])


FEATURES = tuple(features_key(each) for each in TABLES.values())


@dbt_assets(manifest=manifest(), name="warehouse")
def warehouse(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
) -> Iterator[Any]:
    """`dbt build` up to the clock of the home; the features are published when every test has passed."""
    import json

    from ml_platform.adapters.warehouse import publish_features

    settings = platform.settings
    dbt = DbtCliResource(
        project_dir=str(PROJECT),
        profiles_dir=str(PROJECT),
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
    if not context.selected_asset_keys.issuperset(FEATURES):
        return
    built = publish_features(settings.features, settings.warehouse)
    definitions = {}
    for each in TABLES.values():
        versions = each.versions(built.sql_by_model)
        for spec in each.features:
            definitions[each.qualified(spec.name)] = (versions[spec.name], values.to_json(spec))
    platform.ledger.save_feature_definitions(definitions, at=platform.home.as_of)
    for name, rows in built.rows.items():
        context.log.info(f"{name}: {rows:,} rows with {len(TABLES[name].features)} features")


@dg.asset(
    key=["features", "catalogue"],
    group_name="features",
    kinds={"python"},
    owners=["team:ml"],
    deps=FEATURES,
    description="Every feature with its family, window, missing strategy, reason and version.",
)
def catalogue(
    platform: dg.ResourceParam[Connections],
) -> dg.MaterializeResult[None]:
    """The definitions as the ledger keeps them: a changed definition is a new version."""
    definitions = platform.ledger.feature_definitions()
    return dg.MaterializeResult(
        metadata={
            "features": table(
                {
                    "table": each.name,
                    "feature": spec.name,
                    "version": definitions[each.qualified(spec.name)][0],
                    "family": spec.family.value,
                    "kind": spec.kind.value,
                    "window": spec.window,
                    "missing": spec.missing,
                    "reason": spec.reason,
                }
                for each in TABLES.values()
                for spec in each.features
            )
        }
    )
