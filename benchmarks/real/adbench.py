"""The anomaly detector's forest on ADBench's sets: ROC AUC beside what PyOD published for isolation forests.

As published: rows drawn 60/40 at random, the forest fitted on the larger part without labels, the mean of ten
draws; 100 trees of 256 rows. Every feature is suspicious on both sides: nothing is known of any. Scored by the
artifact that would be served. The baseline is the largest absolute z-score of a row.

Beside it, trees of 1,024 rows, and of as many as a fit chooses by the labels of the larger part: its rows in the
order of the draw stand for an order of time.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.real.line import Line
from ml_platform.models.anomaly_detector import SPEC
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.isolation_forest.deviations import BOTH
from ml_platform.models.isolation_forest.fit import IsolationHyperparameters, fit_isolation, grow
from ml_platform.models.one_standard_error import CHOSEN
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import FitRequest
from ml_platform.spec.task import NO, YES
from ml_platform_tests.training_sets.assembled import assembled

FOLDER = "adbench"
DRAWS = 10
TEST_SHARE = 0.4
TREES = 100
SIZES = ("256", "1024", CHOSEN)
START = datetime(2026, 1, 1, tzinfo=UTC)
PUBLISHED = {
    "6_cardio": 0.921,
    "14_glass": 0.757,
    "28_pendigits": 0.944,
    "30_satellite": 0.702,
    "31_satimage-2": 0.995,
    "32_shuttle": 0.997,
    "40_vowels": 0.759,
}
"""ROC AUC of a forest whose trees have 256 rows."""


def run(folder: Path) -> list[Line]:
    """A line a set and size; the interval is that of the mean over the draws (normal, of their spread)."""
    return [line for name in PUBLISHED for line in _lines(folder / FOLDER / f"{name}.npz", name)]


def _lines(path: Path, name: str) -> list[Line]:
    with np.load(path) as content:
        values, truth = content["X"].astype(np.float64), content["y"].astype(bool).ravel()
    draws = np.array([_draw(values, truth, seed) for seed in range(DRAWS)])
    baseline = float(draws[:, -1].mean())
    lines = []
    for size, aucs in zip(SIZES, draws.T, strict=False):
        half = 2.262 * aucs.std(ddof=1) / np.sqrt(DRAWS)  # Student, 9 degrees of freedom
        mean = float(aucs.mean())
        lines.append(
            Line(
                f"{FOLDER} {name}",
                SPEC.name,
                "roc_auc",
                mean,
                float(mean - half),
                float(mean + half),
                baseline,
                PUBLISHED[name] if size == SIZES[0] else None,
                f"rows of a tree: {size}; mean of {DRAWS} draws of 60/40; baseline: largest z-score",
            )
        )
    return lines


def _draw(values: np.ndarray, truth: np.ndarray, seed: int) -> tuple[float, ...]:
    """ROC AUC on one held-out part: of the artifact with each of `SIZES`, and of the largest z-score."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import train_test_split

    # The published draws: scikit-learn's split with the draw's number as its seed.
    places = np.arange(len(values))
    known, test = train_test_split(places, test_size=TEST_SHARE, random_state=seed)
    rows = _rows(values, truth)
    aucs = []
    for size in SIZES:
        artifact = _fitted(rows.iloc[known], rows.iloc[test], values[known], size, seed)
        score = scorer_of(artifact).predict_proba(rows.iloc[test])[:, 1]
        aucs.append(float(roc_auc_score(truth[test], score)))
    train = values[known]
    spread = train.std(axis=0)
    z = np.abs((values[test] - train.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
    return (*aucs, float(roc_auc_score(truth[test], z.max(axis=1))))


def _fitted(
    train: pd.DataFrame, test: pd.DataFrame, values: np.ndarray, size: str, seed: int
) -> Artifact:
    sides = {f"f{column}": BOTH for column in range(values.shape[1])}
    if size != CHOSEN:
        return grow(values, sides, IsolationHyperparameters(TREES, int(size)), seed).artifact
    parameters = {**SPEC.defaults, "trees": TREES, "samples": CHOSEN}
    training_set = assembled(
        train.assign(occurred_at=_times(len(train))),
        test.assign(occurred_at=_times(len(train) + len(test))[len(train) :]),
        label=SPEC.label,
        classes=SPEC.classes,
        features=tuple(sides),
        as_of=START + timedelta(days=10_000),
    )
    return fit_isolation(training_set, sides, FitRequest(seed, parameters), timedelta(0)).artifact


def _rows(values: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    """Every row is a cluster of its own."""
    rows = pd.DataFrame(values, columns=[f"f{column}" for column in range(values.shape[1])])
    names = [f"row-{place:06d}" for place in range(len(rows))]
    labels = np.where(truth, YES, NO).astype(object)
    return rows.assign(row_id=names, change_set_id=names, cluster_id=names, **{SPEC.label: labels})


def _times(count: int) -> pd.DatetimeIndex:
    return pd.date_range(START, periods=count, freq="s")
