"""Stepwise searches by scikit-learn: forward, backward, recursive elimination, on held-out rows of time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.selection.matrix import Sample

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeRegressor

CANDIDATES = 12
"""Columns with the highest importance, which forward and backward start from."""
ROWS = 3_000
GAIN = 0.002
"""The held-out skill that a step forward has to bring, and that a step backward may cost."""


@dataclass(frozen=True)
class Stepwise:
    """For each feature, whether it was chosen (``None``: no candidate), and the best place of its columns."""

    forward: tuple[bool | None, ...]
    backward: tuple[bool | None, ...]
    elimination: np.ndarray


def stepwise(sample: Sample, by_column: np.ndarray, *, seed: int) -> Stepwise:
    """Searches with one small tree a step.

    Args:
        sample: its newest `ROWS` are used.
        by_column: importance of each column, which the candidates are chosen by.
        seed: of the trees.
    """
    rows = slice(max(0, len(sample.columns) - ROWS), None)
    candidates = np.sort(np.argsort(-by_column, kind="stable")[:CANDIDATES])
    places = np.full(len(sample.features), len(sample.owner), dtype=np.int64)
    np.minimum.at(places, sample.owner, _eliminated(sample, rows, seed))
    return Stepwise(
        forward=_searched(sample, rows, candidates, "forward", seed),
        backward=_searched(sample, rows, candidates, "backward", seed),
        elimination=places,
    )


def _searched(
    sample: Sample, rows: slice, candidates: np.ndarray, direction: str, seed: int
) -> tuple[bool | None, ...]:
    from sklearn.feature_selection import SequentialFeatureSelector
    from sklearn.tree import DecisionTreeRegressor

    chosen: list[bool | None] = [None] * len(sample.features)
    for column in candidates:
        chosen[sample.owner[column]] = False
    if len(candidates) < 2:
        return tuple(chosen)
    columns, target = sample.columns[rows][:, candidates], sample.target[rows]
    cut = sample.fitted - (rows.start or 0)
    held_out = [(np.arange(cut), np.arange(cut, len(columns)))]
    search = SequentialFeatureSelector(
        DecisionTreeRegressor(max_depth=6, min_samples_leaf=20, random_state=seed),
        n_features_to_select="auto",
        tol=GAIN if direction == "forward" else -GAIN,
        direction=direction,
        scoring=_skill,
        cv=held_out,
    )
    for column in candidates[search.fit(columns, target).get_support()]:
        chosen[sample.owner[column]] = True
    return tuple(chosen)


def _skill(tree: "DecisionTreeRegressor", columns: np.ndarray, target: np.ndarray) -> float:
    from sklearn.metrics import r2_score

    predicted = tree.predict(columns).reshape(target.shape)
    return float(r2_score(target, predicted, multioutput="variance_weighted"))


def _eliminated(sample: Sample, rows: slice, seed: int) -> np.ndarray:
    """Place of each column, 1 for the fifth that stays longest; a fifth goes each round."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.feature_selection import RFE

    if sample.columns.shape[1] < 2:
        return np.ones(sample.columns.shape[1], dtype=np.int64)
    target = sample.target[: sample.fitted][rows]
    trees = ExtraTreesRegressor(
        15, max_depth=8, min_samples_leaf=5, max_features=0.3, random_state=seed, n_jobs=1
    )
    keep = max(1, sample.columns.shape[1] // 5)
    search = RFE(trees, n_features_to_select=keep, step=0.2)
    search.fit(
        sample.columns[: sample.fitted][rows], target if target.shape[1] > 1 else target[:, 0]
    )
    places: np.ndarray = search.ranking_
    return places
