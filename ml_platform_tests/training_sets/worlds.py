"""Small features files with a known answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.features.spec import Family, FeatureSpec, Kind
from ml_platform.features.table import FeaturePart, FeatureTable, LabelColumn

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


@dataclass(frozen=True)
class Labelled:
    """A model as the training set sees it."""

    name: str = "toy"
    label: str = "workflow_category"
    label_delay: timedelta = timedelta(days=1)
    test_share: float = 0.2
    features: tuple[str, ...] = ("size", "tool", "words")
    table: FeatureTable = TABLE
    needs: tuple[str, ...] = ("toys",)
    carried: tuple[str, ...] = ()
    known: str = ""
    classes: tuple[str, ...] = ()
    extra_classes: tuple[str, ...] = ()


def rows(
    acts: int = 100, rows_an_act: int = 2, labels: Sequence[str] = ("fix", "feat")
) -> list[dict]:
    """Act ``i`` is at hour ``12 i``; its label is the next of ``labels``."""
    made = []
    for act in range(acts):
        for part in range(rows_an_act):
            made.append(
                {
                    "row_id": f"e{act:04d}-{part}",
                    "user_id": f"u{act % 3}",
                    "cluster_id": f"s{act}",
                    "act_id": f"a{act}",
                    "occurred_at": START + timedelta(hours=12 * act),
                    "is_bot": False,
                    "source": "test",
                    "workflow_category": labels[act % len(labels)],
                    "size": None if act % 7 == 0 else float(act),
                    "tool": None if act % 5 == 0 else f"t{act % 4}",
                    "words": [f"w{act % 6}", f"p{part}"],
                }
            )
    return made


def write(path: Path, made: list[dict]) -> Path:
    strings = ("row_id", "user_id", "cluster_id", "act_id", "source", "workflow_category", "tool")
    schema = pa.schema(
        [(name, pa.string()) for name in strings]
        + [
            ("occurred_at", pa.timestamp("us", tz="UTC")),
            ("is_bot", pa.bool_()),
            ("size", pa.float64()),
            ("words", pa.list_(pa.string())),
        ]
    )
    extra = [(name, pa.string()) for name in made[0] if name not in schema.names] if made else []
    for field in extra:
        schema = schema.append(pa.field(*field))
    pq.write_table(pa.Table.from_pylist(made, schema=schema), path)
    return path
