"""Assets that a model brings to its chain beside the ones that all models have."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.recommend import Recommendations, recommend
from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.tables import table
from ml_platform.spec.model import ModelSpec

SHOWN = 12
"""Users in the asset's table; the file has all."""


def recommendations_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/recommendations``: what is recommended to every user now, as a file and a table."""

    @model_asset(
        spec,
        "recommendations",
        group="prediction_log",
        kinds={"python", "parquet"},
        leaves_record=False,
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
        yield from unless_insufficient(
            context, platform, lambda: _result(spec, recommend(platform, spec, shown=SHOWN))
        )

    return recommendations


def _result(spec: ModelSpec, recommendations: Recommendations) -> dg.MaterializeResult[None]:
    ranks = range(spec.task.list_length)
    return dg.MaterializeResult(
        metadata={
            "version": recommendations.version,
            "users": recommendations.users,
            "file": dg.MetadataValue.path(str(recommendations.path)),
            "first users": table(
                {
                    "user": user,
                    **{str(at + 1): items[at] if at < len(items) else None for at in ranks},
                }
                for user, items in recommendations.first_users
            ),
        }
    )


OWN_ASSETS: dict[str, Callable[[ModelSpec], Sequence[dg.AssetsDefinition]]] = {
    "workflow_recommender": lambda spec: [recommendations_asset(spec)],
}
"""The assets of its own that a model brings, by the name of the model."""


def own_assets(spec: ModelSpec) -> Sequence[dg.AssetsDefinition]:
    """The assets that this model brings to its chain; for most none."""
    return OWN_ASSETS[spec.name](spec) if spec.name in OWN_ASSETS else ()
