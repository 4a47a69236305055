"""Small features files with a known answer."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.spec.artifact import Artifact
from ml_platform.spec.data_need import DataNeed
from ml_platform.spec.feature import Family, FeatureSpec, Kind
from ml_platform.spec.feature_table import FeaturePart, FeatureTable, LabelColumn
from ml_platform.spec.gates import GatePolicy
from ml_platform.spec.model import FitOutcome, FitRequest, ModelSpec
from ml_platform.spec.task import Classification
from ml_platform.spec.training_set import TrainingSet

START = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF = START + timedelta(days=400)


def feature(name: str, kind: Kind) -> FeatureSpec:
    return FeatureSpec(name, Family.RAW, kind, None, None, "the row", "none", "a test")


SPECS = (
    feature("size", Kind.NUMBER),
    feature("tool", Kind.CATEGORY),
    feature("words", Kind.TOKENS),
)
TABLE = FeatureTable(
    name="toys",
    title="One row a toy.",
    labels=(LabelColumn("workflow_category", "varchar", "The label."),),
    parts=(FeaturePart(SPECS, ("toys",)),),
)
VERSIONS = {spec.name: f"v-{spec.name}" for spec in SPECS}


def _no_fit(training_set: TrainingSet, request: FitRequest) -> FitOutcome:
    raise AssertionError("a training set needs no fit")


def _no_rules(training_set: TrainingSet) -> Artifact:
    raise AssertionError("a training set needs no rules")


SPEC = ModelSpec(
    name="toy",
    title="Toy",
    table=TABLE,
    task=Classification(),
    label="workflow_category",
    label_delay=timedelta(days=1),
    test_share=0.2,
    features=("size", "tool", "words"),
    policy=GatePolicy(quality=()),
    seed=0,
    fit=_no_fit,
    fit_rules=_no_rules,
    needs=(DataNeed("toys"),),
)


def rows(
    change_sets: int = 100, rows_a_change_set: int = 2, labels: Sequence[str] = ("fix", "feat")
) -> list[dict]:
    """Change set ``i`` is at hour ``12 i``; its label is the next of ``labels``."""
    dicts = []
    for change_set in range(change_sets):
        for part in range(rows_a_change_set):
            dicts.append(
                {
                    "row_id": f"e{change_set:04d}-{part}",
                    "user_id": f"u{change_set % 3}",
                    "cluster_id": f"s{change_set}",
                    "change_set_id": f"a{change_set}",
                    "occurred_at": START + timedelta(hours=12 * change_set),
                    "is_bot": False,
                    "source": "test",
                    "workflow_category": labels[change_set % len(labels)],
                    "size": None if change_set % 7 == 0 else float(change_set),
                    "tool": None if change_set % 5 == 0 else f"t{change_set % 4}",
                    "words": [f"w{change_set % 6}", f"p{part}"],
                }
            )
    return dicts


def write(path: Path, change_sets: list[dict]) -> Path:
    strings = (
        "row_id",
        "user_id",
        "cluster_id",
        "change_set_id",
        "source",
        "workflow_category",
        "tool",
    )
    schema = pa.schema(
        [(name, pa.string()) for name in strings]
        + [
            ("occurred_at", pa.timestamp("us", tz="UTC")),
            ("is_bot", pa.bool_()),
            ("size", pa.float64()),
            ("words", pa.list_(pa.string())),
        ]
    )
    extra = (
        [(name, pa.string()) for name in change_sets[0] if name not in schema.names]
        if change_sets
        else []
    )
    for field in extra:
        schema = schema.append(pa.field(*field))
    pq.write_table(pa.Table.from_pylist(change_sets, schema=schema), path)
    return path
