"""Stage training_sets: labelled rows, split by time with a gap, under their fingerprint."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml_platform.application.build_training_set import BuiltTrainingSet, build_training_set
from ml_platform.application.connections import Connections
from ml_platform.clock import duration
from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.tables import table
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord


def training_set_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/training_set``: what the model is fitted and evaluated on."""

    @model_asset(
        spec,
        "training_set",
        group="training_sets",
        kinds={"python", "parquet"},
        deps=[features_key(spec.table)],
        output_required=False,
        description=(
            f"Labelled rows for the {spec.title}: the newest {spec.test_share:.0%} of change sets are the test, "
            f"after a gap of {duration(spec.label_delay)}."
        ),
    )
    def training_set(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        yield from unless_insufficient(
            context,
            platform,
            lambda: _result(build_training_set(platform, spec, context.log.info)),
        )

    return training_set


def _result(training_set: BuiltTrainingSet) -> dg.MaterializeResult[TrainingSetRecord]:
    record = training_set.record
    split = record.split
    sizes = (
        ("train", split.rows_train, split.clusters_train),
        ("gap", split.rows_gap, None),
        ("test", split.rows_test, split.clusters_test),
    )
    columns = ("figure", "value") if training_set.label_is_number else ("class", "share")
    return dg.MaterializeResult(
        value=record,
        data_version=dg.DataVersion(record.fingerprint),
        metadata={
            "fingerprint": record.fingerprint,
            "train until": split.train_until.isoformat(),
            "test from": split.test_from.isoformat(),
            "rows": table(
                {"part": part, "rows": rows, "clusters": clusters} for part, rows, clusters in sizes
            ),
            "label in the test": table(
                dict(zip(columns, item, strict=True)) for item in training_set.label.items()
            ),
        },
    )
