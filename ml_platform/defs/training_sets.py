"""Stage training_sets: labelled rows, split by time with a gap, under their fingerprint."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform.application.connections import Connections
from ml_platform.defs.features import features_key
from ml_platform.defs.insufficient import unless_insufficient
from ml_platform.defs.tables import table
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.spec.training_set import TrainingSet


def training_set_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/training_set``: what the model learns from and is judged on."""

    @dg.asset(
        key=[spec.name, "training_set"],
        group_name="training_sets",
        kinds={"python", "parquet"},
        owners=["team:ml"],
        deps=[features_key(spec.table)],
        io_manager_key="records",
        output_required=False,
        description=(
            f"Labelled rows for the {spec.title}: the newest {spec.test_share:.0%} of change sets are the test, "
            f"after a gap of {spec.label_delay}."
        ),
    )
    def training_set(
        context: dg.AssetExecutionContext, platform: dg.ResourceParam[Connections]
    ) -> Iterator[Any]:
        yield from unless_insufficient(
            context, platform, lambda: _materialised(context, spec, platform)
        )

    return training_set


def _materialised(
    context: dg.AssetExecutionContext, spec: ModelSpec, platform: Connections
) -> dg.MaterializeResult[TrainingSetRecord]:
    from ml_platform.adapters.training_set_files import build_training_set

    state = platform.home
    definitions = platform.ledger.feature_definitions()
    built = build_training_set(
        platform.settings.features / spec.table.file_name,
        spec,
        feature_versions={
            name: definitions[spec.table.qualified(name)][0] for name in spec.features
        },
        source=state.source.label,
        simulated=state.source.simulated,
        as_of=state.as_of,
        folder=platform.settings.training_sets,
    )
    record = built.record
    platform.ledger.save_training_set(record)
    split = record.split
    context.log.info(
        f"{split.rows_train:,} rows to learn from, {split.rows_test:,} to be judged on"
    )
    return dg.MaterializeResult(
        value=record,
        data_version=dg.DataVersion(record.fingerprint),
        metadata={
            "fingerprint": record.fingerprint,
            "train until": split.train_until.isoformat(),
            "test from": split.test_from.isoformat(),
            "rows": table(
                [
                    {
                        "part": "train",
                        "rows": split.rows_train,
                        "clusters": split.clusters_train,
                    },
                    {"part": "gap", "rows": split.rows_gap, "clusters": None},
                    {"part": "test", "rows": split.rows_test, "clusters": split.clusters_test},
                ]
            ),
            "label in the test": _label(built),
        },
    )


def _label(built: "TrainingSet") -> dg.MetadataValue[Any]:
    """Shares of the classes, or what the numbers or lists of the label look like."""
    import pandas as pd

    label = built.test[built.record.label]
    if isinstance(label.dtype, pd.ArrowDtype):
        label = label.explode()
    if pd.api.types.is_float_dtype(label):
        return table({"figure": str(k), "value": float(v)} for k, v in label.describe().items())
    shares = label.value_counts(normalize=True)
    return table({"class": str(name), "share": float(share)} for name, share in shares.items())
