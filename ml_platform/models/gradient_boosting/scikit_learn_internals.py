"""The private parts of scikit-learn that gradient boosting needs; no other module touches any.

Two things have no public name: the cross-entropy of a proportion in [0, 1] as a loss of
``HistGradientBoostingRegressor`` (public losses take classes or unbounded numbers), and the nodes of the fitted
trees, which are written to ONNX. scikit-learn is pinned to a minor version for their sake, and
``ml_platform_tests/models/test_scikit_learn_internals.py`` fails where they have changed. Why, and what else was
considered: docs/adr/0009-scikit-learn-internals-and-own-tree-shap.md.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

NODE_FIELDS = ("value", "count", "feature_idx", "num_threshold", "left", "right", "is_leaf")
"""Fields of a node that are read."""


def proportion_loss() -> Any:
    """Half the binomial deviance of a label in [0, 1], on a logit: cross-entropy."""
    from sklearn._loss import HalfBinomialLoss

    return HalfBinomialLoss()


def tree_nodes(model: "HistGradientBoostingRegressor") -> tuple[np.ndarray, ...]:
    """The nodes of each tree of a fitted model with one output: arrays with `NODE_FIELDS`, root first."""
    return tuple(predictor.nodes for (predictor,) in model._predictors)


def baseline_logit(model: "HistGradientBoostingRegressor") -> float:
    """The logit that the trees add to: that of the mean label."""
    return float(model._baseline_prediction.item())
