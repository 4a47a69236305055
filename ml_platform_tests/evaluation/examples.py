"""Training sets and scorers with known answers, for the tests of evaluation and gates."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

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
    generator: np.random.Generator, change_sets: int, first: int, start: datetime
) -> pd.DataFrame:
    """Change sets of one to three rows, two change sets a session, thirty users, thirty days."""
    sizes = generator.integers(1, 4, change_sets)
    change_set = np.repeat(np.arange(first, first + change_sets), sizes)
    label = np.repeat(generator.choice(CLASSES, change_sets, p=(0.1, 0.2, 0.3, 0.4)), sizes)
    minutes = np.repeat(np.sort(generator.integers(0, 30 * 1440, change_sets)), sizes)
    return pd.DataFrame(
        {
            "row_id": [f"e{first}-{i}" for i in range(len(change_set))],
            "user_id": [f"u{(a // 2) % 30}" for a in change_set],
            "cluster_id": [f"s{a // 2}" for a in change_set],
            "change_set_id": [f"a{a}" for a in change_set],
            "occurred_at": pd.Timestamp(start) + pd.to_timedelta(minutes, unit="min"),
            "label": label,
            "strong": _noisy(generator, label, 0.92),
            "weak": _noisy(generator, label, 0.6),
            "best": _noisy(generator, label, 0.97),
        }
    )


def make_training_set(change_sets: int = 1_200, seed: int = 0) -> TrainingSet:
    """Twice ``change_sets`` change sets, half of them to test on; 'strong' is right in .92 of the rows, 'weak'
    in .6."""
    generator = np.random.default_rng(seed)
    train = make_rows(generator, change_sets, 0, START)
    test = make_rows(generator, change_sets, 10_000_000, CUT)
    return assembled(
        train,
        test,
        label="label",
        classes=CLASSES,
        features=FEATURES,
        as_of=AS_OF,
        table="pattern_features",
        test_from=CUT,
    )


STRONG = Table("strong", 0.92)
WEAK = Table("weak", 0.6)
