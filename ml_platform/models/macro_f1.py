"""Macro-F1 of held-out rows, by which fits choose."""

import numpy as np


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean F1 over the classes that occur or were predicted; both are codes from 0, shape (rows,)."""
    count = int(max(truth.max(), predicted.max())) + 1
    right = np.bincount(truth[truth == predicted], minlength=count)
    either = np.bincount(truth, minlength=count) + np.bincount(predicted, minlength=count)
    return float(np.mean(2.0 * right[either > 0] / either[either > 0]))
