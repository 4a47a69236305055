"""Stage prediction_log: what the version in production says of the rows of the trailing window."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.predict import feature_rows, in_production
from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.partitions import window_end
from ml_platform.spec.model import ModelSpec


def predictions_asset(
    spec: ModelSpec, windows: dg.TimeWindowPartitionsDefinition
) -> dg.AssetsDefinition:
    """``<model>/predictions``: batch predictions of a window, and the outcomes known by its end."""

    @dg.asset(
        key=[spec.name, "predictions"],
        group_name="prediction_log",
        kinds={"onnx", "postgres"},
        owners=["team:ml"],
        partitions_def=windows,
        output_required=False,
        deps=[features_key(spec.table)],
        description=(
            "The champion (or, without one, the rules) on the rows of the trailing window that it has not "
            "scored yet; outcomes are joined when their label delay has passed."
        ),
    )
    def predictions(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        yield from unless_insufficient(
            context, platform, lambda: _predicted(context, spec, platform)
        )

    return predictions


def _predicted(
    context: dg.AssetExecutionContext, spec: ModelSpec, platform: Connections
) -> dg.MaterializeResult[None]:
    from ml_platform.prediction_log.scoring import outcomes_of, predicted
    from ml_platform.spec.monitoring_policy import POLICY

    end = window_end(context.partition_key)
    version, scorer = in_production(platform, spec.name)
    rows = feature_rows(platform, spec, end - POLICY.window, end)
    scored = predicted(spec.task, scorer, rows)
    new = platform.ledger.log_predictions(
        scored.rename(columns={"predicted": "prediction"}).assign(
            model=spec.name, version=version, predicted_at=end
        )
    )
    known = outcomes_of(spec.task, rows, spec.label, spec.label_delay)
    outcomes = platform.ledger.log_outcomes(known[known["known_at"] <= end].assign(model=spec.name))
    joined = platform.ledger.joined_share(spec.name, end - POLICY.window, end)
    context.log.info(f"{new:,} predictions by {version}, {outcomes:,} outcomes")
    return dg.MaterializeResult(
        metadata={
            "version": version,
            "dagster/partition_row_count": len(rows),
            "new predictions": new,
            "new outcomes": outcomes,
            "share joined to an outcome": joined or 0.0,
        }
    )
