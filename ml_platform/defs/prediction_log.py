"""Stage prediction_log: the version in production scores the rows of the trailing window."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.application.missed_windows import is_watched
from ml_platform.application.predict import LoggedWindow, predict_window
from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.partitions import window_end
from ml_platform.spec.model import ModelSpec


def predictions_asset(
    spec: ModelSpec, windows: dg.TimeWindowPartitionsDefinition
) -> dg.AssetsDefinition:
    """``<model>/predictions``: batch predictions of a window, and the outcomes known by its end."""

    @model_asset(
        spec,
        "predictions",
        group="prediction_log",
        kinds={"onnx", "postgres"},
        leaves_record=False,
        partitions_def=windows,
        output_required=False,
        deps=[features_key(spec.table), [spec.name, "champion"]],
        description=(
            "The champion (or, without one, the rules) on the rows of the trailing window that it has not "
            "scored yet; outcomes are joined when their label delay has passed."
        ),
    )
    def predictions(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        end = window_end(context.partition_key)
        if _starts_by_itself(context.run) and is_watched(platform, spec.name, end):
            context.log.info("the window has its report: two daemons have asked for it")
            return
        yield from unless_insufficient(
            context,
            platform,
            lambda: _result(predict_window(platform, spec, end, context.log.info)),
        )

    return predictions


def _starts_by_itself(run: dg.DagsterRun) -> bool:
    """Whether a schedule or a sensor has asked for a run, and no person."""
    return any(tag in run.tags for tag in ("dagster/schedule_name", "dagster/sensor_name"))


def predictions_metadata(window: LoggedWindow) -> dict[str, Any]:
    """What Dagster shows of a window's predictions."""
    return {
        "version": window.version,
        "dagster/partition_row_count": window.rows,
        "new predictions": window.new_predictions,
        "new outcomes": window.new_outcomes,
        "share joined to an outcome": window.joined_share or 0.0,
    }


def _result(window: LoggedWindow) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata=predictions_metadata(window))
