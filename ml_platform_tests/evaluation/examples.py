"""Training sets and scorers with known answers, for the tests of evaluation and gates."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.training_sets.training_set import Split, TrainingSet, TrainingSetRecord

CLASSES = ("build", "docs", "feature", "fix")
START = datetime(2024, 1, 1, tzinfo=UTC)
CUT = START + timedelta(days=60)
AS_OF = START + timedelta(days=90)
FEATURES = ("strong", "weak")


@dataclass(frozen=True)
class Table:
    """A scorer that reads its answer off the column ``column``: right with probability ``sure``."""

    column: str
    sure: float
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        others = (1 - self.sure) / (len(self.classes) - 1)
        codes = pd.Index(self.classes).get_indexer(rows[self.column])
        probabilities = np.full((len(rows), len(self.classes)), others)
        probabilities[np.arange(len(rows)), codes] = self.sure
        return probabilities


def _noisy(generator: np.random.Generator, labels: np.ndarray, right: float) -> np.ndarray:
    """The labels, replaced by one of the other classes in ``1 - right`` of the rows."""
    codes = pd.Index(CLASSES).get_indexer(labels)
    moved = (codes + generator.integers(1, len(CLASSES), len(codes))) % len(CLASSES)
    keep = generator.random(len(codes)) < right
    return np.array(CLASSES)[np.where(keep, codes, moved)]


def make_rows(
    generator: np.random.Generator, acts: int, first: int, start: datetime
) -> pd.DataFrame:
    """Acts of one to three rows, two acts a session, thirty users, thirty days."""
    sizes = generator.integers(1, 4, acts)
    act = np.repeat(np.arange(first, first + acts), sizes)
    label = np.repeat(generator.choice(CLASSES, acts, p=(0.1, 0.2, 0.3, 0.4)), sizes)
    minutes = np.repeat(np.sort(generator.integers(0, 30 * 1440, acts)), sizes)
    return pd.DataFrame(
        {
            "row_id": [f"e{first}-{i}" for i in range(len(act))],
            "user_id": [f"u{(a // 2) % 30}" for a in act],
            "cluster_id": [f"s{a // 2}" for a in act],
            "act_id": [f"a{a}" for a in act],
            "occurred_at": pd.Timestamp(start) + pd.to_timedelta(minutes, unit="min"),
            "label": label,
            "strong": _noisy(generator, label, 0.92),
            "weak": _noisy(generator, label, 0.6),
            "best": _noisy(generator, label, 0.97),
        }
    )


def make_training_set(acts: int = 1_200, seed: int = 0) -> TrainingSet:
    """Twice ``acts`` acts, half of them to test on; 'strong' is right in .92 of the rows, 'weak' in .6."""
    generator = np.random.default_rng(seed)
    train = make_rows(generator, acts, 0, START)
    test = make_rows(generator, acts, 10_000_000, CUT)
    split = Split(
        train_until=CUT,
        test_from=CUT,
        gap=timedelta(0),
        rows_train=len(train),
        rows_gap=0,
        rows_test=len(test),
        clusters_train=train["cluster_id"].nunique(),
        clusters_test=test["cluster_id"].nunique(),
    )
    record = TrainingSetRecord(
        model="example",
        fingerprint="f" * 64,
        rows_sha256="d" * 64,
        source="made",
        simulated=True,
        table="pattern_features",
        label="label",
        classes=CLASSES,
        features=FEATURES,
        feature_versions={name: f"{name}-1" for name in FEATURES},
        split=split,
        as_of=AS_OF,
    )
    return TrainingSet(record, train, test)


STRONG = Table("strong", 0.92)
WEAK = Table("weak", 0.6)
