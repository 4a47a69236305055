"""Reason codes: what each feature adds to a score, by SHAP, from the declared arrays of boosted trees.

SHAP values of a tree ensemble are additive in its logit: base + sum = logit of the score (Lundberg et al. 2020,
"From local explanations to global understanding", Algorithm 2). A person reads scores, not logits, so each value
is multiplied by the slope of the line from (base, sigmoid(base)) to (logit, score): signs and ranks stay, and base
score + sum of the reasons = score, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.models.boosted_trees import BoostedTrees

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reason:
    """What one feature adds to the score."""

    feature: str
    value: str | float | None
    """As it was sent; ``None`` where it is missing."""
    points: float
    """Added to the score, in [-1, 1]."""
    logit: float
    """The same in log-odds: the SHAP value."""


@dataclass(frozen=True)
class Reasons:
    """A score taken apart: ``base`` + the sum of all points = ``score``."""

    base: float
    """The score of a row of which nothing is known, in [0, 1]."""
    score: float
    codes: tuple[Reason, ...]
    """One a feature, the strongest first."""


def explainer(trees: BoostedTrees) -> Any:
    """A `shap.TreeExplainer` of the arrays, path-dependent: it needs no background rows."""
    import shap

    return shap.TreeExplainer(
        {
            "trees": [_tree(part) for part in trees.by_tree],
            "base_offset": trees.base,
            "objective": "binary_crossentropy",
            "tree_output": "log_odds",
            "input_dtype": np.float32,
            "internal_dtype": np.float64,
        },
        feature_perturbation="tree_path_dependent",
    )


def reasons_of(
    explain: Any, matrix: np.ndarray, rows: "pd.DataFrame", names: Sequence[str]
) -> tuple[Reasons, ...]:
    """Reasons of each row of ``matrix`` (rows, features); ``rows`` has the values as they were sent."""
    values = np.asarray(explain.shap_values(matrix), dtype=np.float64).reshape(len(matrix), -1)
    base = float(np.ravel(explain.expected_value)[0])
    sent = [rows[name].astype(object).where(rows[name].notna(), None).tolist() for name in names]
    found = []
    for row, logits in enumerate(values):
        logit = base + float(logits.sum())
        slope = _slope(base, logit)
        codes = [
            Reason(name, sent[place][row], float(value) * slope, float(value))
            for place, (name, value) in enumerate(zip(names, logits, strict=True))
        ]
        codes.sort(key=lambda code: (-abs(code.points), code.feature))
        found.append(Reasons(_sigmoid(base), _sigmoid(logit), tuple(codes)))
    return tuple(found)


def _slope(base: float, logit: float) -> float:
    """Of the secant of the sigmoid between two logits, of its tangent where they are one."""
    if abs(logit - base) < 1e-9:
        return _sigmoid(base) * (1.0 - _sigmoid(base))
    return (_sigmoid(logit) - _sigmoid(base)) / (logit - base)


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


def _tree(nodes: np.ndarray) -> dict[str, np.ndarray]:
    """One tree in the layout that `shap` reads."""
    leaf = nodes[:, 3] < 0
    left = np.where(leaf, -1, nodes[:, 3]).astype(np.int32)
    return {
        "children_left": left,
        "children_right": np.where(leaf, -1, nodes[:, 4]).astype(np.int32),
        "children_default": left,
        "features": nodes[:, 1].astype(np.int32),
        "thresholds": nodes[:, 2].astype(np.float64),
        "values": nodes[:, 5].astype(np.float64)[:, None],
        "node_sample_weight": nodes[:, 6].astype(np.float64),
    }
