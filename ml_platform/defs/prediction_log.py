"""Stage prediction_log: what the version in production says of the rows of the trailing window."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.partitions import window_end
from ml_platform.defs.platform import Connections
from ml_platform.defs.registering import rules_of, rules_version
from ml_platform.errors import InsufficientData
from ml_platform.models.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.models.spec import Scorer


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
    from ml_platform.monitoring.policy import POLICY
    from ml_platform.prediction_log.scoring import outcomes_of, predicted

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


def in_production(platform: Connections, model: str) -> "tuple[str, Scorer]":
    """The version that answers now, and its scorer: the champion, or the rules without one."""
    from ml_platform.models.artifact import load_scorer

    version = platform.ledger.production(model).version
    if version is not None:
        record = platform.ledger.version(model, version)
        path = platform.settings.home / record.artifact_path
        return str(version), load_scorer(path, record.artifact_sha256)
    sha256 = rules_of(platform, model)
    if not sha256:
        raise InsufficientData(
            f"Nothing can answer for {model}: it has no champion and no rules.",
            remedy=f"materialise {model}/registered_version on a source that has what it needs",
        )
    return rules_version(sha256), load_scorer(platform.settings.artifacts / sha256, sha256)


def newest_rows(platform: Connections, spec: ModelSpec) -> "pd.DataFrame":
    """Keys and features of the newest rows of the model's table, those of one and the same moment."""
    import pyarrow.parquet as pq

    path = platform.settings.features / spec.table.file_name
    times = pq.read_table(path, columns=["occurred_at"])["occurred_at"]
    if len(times) == 0:
        raise InsufficientData(
            f"There is no row of {spec.table.name}.", remedy=f"ingest {' and '.join(spec.needs)}"
        )
    newest = max(times.to_pylist())
    return feature_rows(platform, spec, newest, newest + timedelta(microseconds=1))


def feature_rows(
    platform: Connections, spec: ModelSpec, start: datetime, end: datetime
) -> "pd.DataFrame":
    """Keys, label and the model's features of the rows of people in ``[start, end)``, oldest first."""
    from ml_platform.training_sets.window import read_window

    path = platform.settings.features / spec.table.file_name
    return read_window(path, spec, start, end)
