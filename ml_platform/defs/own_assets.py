"""Assets that a model brings to its chain beside the ones that all models have."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from ml_platform import files
from ml_platform.application.connections import Connections
from ml_platform.application.predict import in_production, newest_rows
from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.tables import table
from ml_platform.spec.model import ModelSpec

SHOWN = 12
"""Users in the asset's table; the file has all."""


def recommendations_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/recommendations``: what is recommended to every user now, as a file and a table."""

    @dg.asset(
        key=[spec.name, "recommendations"],
        group_name="prediction_log",
        kinds={"python", "parquet"},
        owners=["team:ml"],
        output_required=False,
        deps=[features_key(spec.table), [spec.name, "champion"]],
        description=(
            "The first items for every user of the newest snapshot, by whatever answers now: the champion, "
            "or without one the rules."
        ),
    )
    def recommendations(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        yield from unless_insufficient(context, platform, lambda: _recommended(spec, platform))

    return recommendations


def _recommended(spec: ModelSpec, platform: Connections) -> dg.MaterializeResult[None]:
    from ml_platform.prediction_log.scoring import first_items

    version, scorer = in_production(platform, spec.name)
    rows = newest_rows(platform, spec)
    found = first_items(scorer, rows, spec.task.list_length)
    path = platform.settings.reports / spec.name / "recommendations.parquet"
    with files.replacing(path) as beside:
        found.assign(version=version).to_parquet(beside, index=False)
    shown = found[found["rank"] == 1].head(SHOWN)["user_id"]
    return dg.MaterializeResult(
        metadata={
            "version": version,
            "users": int(found["user_id"].nunique()),
            "file": dg.MetadataValue.path(str(path)),
            "first users": table(
                {"user": user, **dict(zip(of["rank"].astype(str), of["item"], strict=True))}
                for user, of in found[found["user_id"].isin(shown)].groupby("user_id")
            ),
        }
    )


OWN_ASSETS: dict[str, Callable[[ModelSpec], Sequence[dg.AssetsDefinition]]] = {
    "workflow_recommender": lambda spec: [recommendations_asset(spec)],
}
"""By model: what it brings."""


def own_assets(spec: ModelSpec) -> Sequence[dg.AssetsDefinition]:
    """The assets that this model brings to its chain; for most none."""
    return OWN_ASSETS[spec.name](spec) if spec.name in OWN_ASSETS else ()
