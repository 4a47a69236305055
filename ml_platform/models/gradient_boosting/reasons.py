"""Reason codes: what each feature adds to a score, by SHAP values from the declared arrays of boosted trees.

SHAP values of trees are additive in the logit: base + their sum = logit of the score. A leaf is reached if every
feature on its path lies in that path's interval; a feature that is not known lies there with the share of the
training rows that did (the path-dependent game of Lundberg et al. 2020, "From local explanations to global
understanding with explainable AI for trees"). Such a product game has the Shapley value

    value (in - share) integral over t of the product over the other features of (1 - t) share + t in

(Owen 1972, multilinear extension), a polynomial in t, so that Gauss-Legendre quadrature with half as many points
as a path has features is exact.

A person reads scores, not logits, so each value is multiplied by the slope of the line from (base, sigmoid(base))
to (logit, score): signs and ranks stay, and base score + sum of the reasons = score, exactly.

The library ``shap`` computes the same values (a test holds them equal) and is not used here: its explainer needs
the estimator, which is never stored, and its import takes two seconds of a serving process (docs/adr/0009).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.models.gradient_boosting.trees import BoostedTrees

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 16
"""Rows explained at a time, which bounds memory at about 100 MB for 300 trees of 15 leaves."""


@dataclass(frozen=True)
class Reason:
    """What one feature adds to the score."""

    feature: str
    value: str | float | None
    """The value in the row; ``None`` where it is missing."""
    points: float
    """What the feature adds to the score, in [-1, 1]."""
    logit: float
    """What the feature adds to the log-odds of the score: its SHAP value."""


@dataclass(frozen=True)
class Reasons:
    """A score taken apart: ``base`` + the sum of all points = ``score``."""

    base: float
    """The score of a row of which nothing is known, in [0, 1]."""
    score: float
    codes: tuple[Reason, ...]
    """One a feature, the strongest first."""


@dataclass(frozen=True)
class Paths:
    """Every leaf by the features on its path; arrays of shape (leaves, features of the longest path), padded.

    A row lies in the interval of a feature where ``low`` < value <= ``high``; ``share`` is the share of the
    training rows that did, among those that reached the splits on that feature.
    """

    base: float
    """Logit of a row of which nothing is known: the mean over the training rows."""
    width: int
    value: np.ndarray
    feature: np.ndarray
    low: np.ndarray
    high: np.ndarray
    share: np.ndarray

    def logits(self, matrix: np.ndarray) -> np.ndarray:
        """SHAP values in log-odds, shape (rows, width)."""
        logits = np.zeros((len(matrix), self.width))
        for start in range(0, len(matrix), CHUNK):
            chunk = matrix[start : start + CHUNK].astype(np.float64)
            for row, values in enumerate(self._leaf_contributions(chunk)):
                logits[start + row] = np.bincount(
                    self.feature.ravel(), values.ravel(), minlength=self.width
                )
        return logits

    def _leaf_contributions(self, rows: np.ndarray) -> np.ndarray:
        """What each feature of each path adds, shape (rows, leaves, features of a path)."""
        values = rows[:, self.feature]
        inside = ((values > self.low) & (values <= self.high)).astype(np.float64)
        nodes, weights = np.polynomial.legendre.leggauss((self.feature.shape[1] + 2) // 2)
        total = np.zeros_like(inside)
        for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
            factors = (1.0 - node) * self.share + node * inside
            total += weight * factors.prod(axis=2, keepdims=True) / factors
        added: np.ndarray = self.value[:, None] * (inside - self.share) * total
        return added


def paths_of(trees: BoostedTrees) -> Paths:
    """The paths of all trees, once for all rows."""
    leaves = [leaf for nodes in trees.by_tree for leaf in _leaves(nodes)]
    longest = max([1, *(len(splits) for _, splits in leaves)])
    shape = (len(leaves), longest)
    feature = np.zeros(shape, dtype=np.int64)
    low, high, share = np.full(shape, -np.inf), np.full(shape, np.inf), np.ones(shape)
    for row, (_, splits) in enumerate(leaves):
        for place, (column, (above, below, part)) in enumerate(sorted(splits.items())):
            feature[row, place] = column
            low[row, place], high[row, place], share[row, place] = above, below, part
    value = np.array([value for value, _ in leaves], dtype=np.float64)
    base = trees.base + float((value * share.prod(axis=1)).sum())
    return Paths(base, trees.width, value, feature, low, high, share)


Splits = dict[int, tuple[float, float, float]]


def _leaves(nodes: np.ndarray) -> list[tuple[float, Splits]]:
    """Value of each leaf, and of each feature on its path: above, up to, and share of the rows that went so."""
    leaves = []
    open_nodes: list[tuple[int, Splits]] = [(0, {})]
    while open_nodes:
        place, splits = open_nodes.pop()
        _, feature, threshold, left, right, value, cover = (float(x) for x in nodes[place])
        if left < 0:
            leaves.append((value, splits))
            continue
        column = int(feature)
        low, high, share = splits.get(column, (-np.inf, np.inf, 1.0))
        for child, above, below in (
            (int(right), max(low, threshold), high),
            (int(left), low, min(high, threshold)),
        ):
            part = share * float(nodes[child, 6]) / cover
            open_nodes.append((child, {**splits, column: (above, below, part)}))
    return leaves


def values_of(rows: "pd.DataFrame", names: Sequence[str]) -> list[list[Any]]:
    """The values of each feature before encoding, row by row; ``None`` where one is missing."""
    return [rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in names]


def reasons_of(
    paths: Paths, matrix: np.ndarray, values: Sequence[Sequence[Any]], names: Sequence[str]
) -> tuple[Reasons, ...]:
    """Reasons of each row of ``matrix`` (rows, features); ``values`` has each feature's before encoding."""
    reasons = []
    for row, logits in enumerate(paths.logits(matrix)):
        logit = paths.base + float(logits.sum())
        slope = _slope(paths.base, logit)
        codes = [
            Reason(name, values[place][row], float(shap_value) * slope, float(shap_value))
            for place, (name, shap_value) in enumerate(zip(names, logits, strict=True))
        ]
        codes.sort(key=lambda code: (-abs(code.points), code.feature))
        reasons.append(Reasons(_sigmoid(paths.base), _sigmoid(logit), tuple(codes)))
    return tuple(reasons)


def _slope(base: float, logit: float) -> float:
    """The slope of the secant of the sigmoid between two logits, or of its tangent where they are equal."""
    if abs(logit - base) < 1e-9:
        return _sigmoid(base) * (1.0 - _sigmoid(base))
    return (_sigmoid(logit) - _sigmoid(base)) / (logit - base)


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))
