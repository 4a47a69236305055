"""Stage features: dbt builds the warehouse from the lake; tested features leave it as Parquet."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from ml_platform import values
from ml_platform.adapters.warehouse import DBT, PROJECT, dbt_variables
from ml_platform.defs.dbt_manifest import manifest
from ml_platform.defs.platform import Connections
from ml_platform.defs.tables import table

FEATURES = dg.AssetKey(["features", "pattern_features"])


@dbt_assets(manifest=manifest(), name="warehouse")
def warehouse(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
) -> Iterator[Any]:
    """`dbt build` up to the clock of the home; the features are published when every test has passed."""
    import json

    from ml_platform.adapters.warehouse import publish_features
    from ml_platform.features.catalogue import PATTERN_FEATURES
    from ml_platform.features.versions import feature_versions

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
    if FEATURES not in context.selected_asset_keys:
        return
    built = publish_features(settings.features, settings.warehouse)
    versions = feature_versions(built.sql_by_model)
    platform.ledger.save_feature_definitions(
        {spec.name: (versions[spec.name], values.to_json(spec)) for spec in PATTERN_FEATURES},
        at=platform.home.as_of,
    )
    context.log.info(f"{built.rows:,} rows with {len(PATTERN_FEATURES)} features")


@dg.asset(
    key=["features", "catalogue"],
    group_name="features",
    kinds={"python"},
    owners=["team:ml"],
    deps=[["features", "pattern_features"]],
    description="Every feature with its family, window, missing strategy, reason and version.",
)
def catalogue(
    platform: dg.ResourceParam[Connections],
) -> dg.MaterializeResult[None]:
    """The definitions as the ledger keeps them: a changed definition is a new version."""
    from ml_platform.features.catalogue import PATTERN_FEATURES

    definitions = platform.ledger.feature_definitions()
    return dg.MaterializeResult(
        metadata={
            "features": table(
                {
                    "feature": spec.name,
                    "version": definitions[spec.name][0],
                    "family": spec.family.value,
                    "kind": spec.kind.value,
                    "window": spec.window,
                    "missing": spec.missing,
                    "reason": spec.reason,
                }
                for spec in PATTERN_FEATURES
            )
        }
    )
