"""The anomaly detector's forest on ADBench's sets: ROC AUC beside what PyOD published for isolation forests.

As published: rows drawn 60/40 at random, the forest fitted on the larger part without labels, the mean of ten
draws; 100 trees of 256 rows. Every feature is suspicious on both sides: nothing is known of any. Scored by the
artifact that would be served. The baseline is the largest absolute z-score of a row.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.real.line import Line
from ml_platform.models.artifact_kinds import scorer_of
from ml_platform.models.isolation_forest.deviations import BOTH
from ml_platform.models.isolation_forest.fit import IsolationHyperparameters, grow

FOLDER = "adbench"
DRAWS = 10
TEST_SHARE = 0.4
HYPERPARAMETERS = IsolationHyperparameters(trees=100, samples=256)
PUBLISHED = {
    "6_cardio": 0.921,
    "14_glass": 0.757,
    "28_pendigits": 0.944,
    "30_satellite": 0.702,
    "31_satimage-2": 0.995,
    "32_shuttle": 0.997,
    "40_vowels": 0.759,
}


def run(folder: Path) -> list[Line]:
    """A line a set; the interval is that of the mean over the draws (normal, of their spread)."""
    return [_line(folder / FOLDER / f"{name}.npz", name) for name in PUBLISHED]


def _line(path: Path, name: str) -> Line:
    with np.load(path) as content:
        values, truth = content["X"].astype(np.float64), content["y"].astype(bool).ravel()
    draws = np.array([_draw(values, truth, seed) for seed in range(DRAWS)])
    ours, baseline = draws.mean(axis=0)
    half = 2.262 * draws[:, 0].std(ddof=1) / np.sqrt(DRAWS)  # Student, 9 degrees of freedom
    note = f"mean of {DRAWS} draws of 60/40; baseline: largest z-score"
    return Line(
        f"{FOLDER} {name}",
        "anomaly_detector",
        "roc_auc",
        float(ours),
        float(ours - half),
        float(ours + half),
        float(baseline),
        PUBLISHED[name],
        note,
    )


def _draw(values: np.ndarray, truth: np.ndarray, seed: int) -> tuple[float, float]:
    """ROC AUC of the artifact and of the largest z-score on one held-out part."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import train_test_split

    # The published draws: scikit-learn's split with the draw's number as its seed.
    places = np.arange(len(values))
    known, test = train_test_split(places, test_size=TEST_SHARE, random_state=seed)
    train = values[known]
    names = {f"f{column}": BOTH for column in range(values.shape[1])}
    scorer = scorer_of(grow(train, names, HYPERPARAMETERS, seed).artifact)
    score = scorer.predict_proba(pd.DataFrame(values[test], columns=list(names)))[:, 1]
    spread = train.std(axis=0)
    z = np.abs((values[test] - train.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
    return float(roc_auc_score(truth[test], score)), float(
        roc_auc_score(truth[test], z.max(axis=1))
    )
