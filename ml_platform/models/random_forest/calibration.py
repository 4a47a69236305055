"""Calibrates a forest's probabilities: a prior offset, then a temperature, both chosen on held-out blocks of time.

``p' = softmax(t (log(p + floor) - alpha log s))`` with the forest's probabilities p and the class shares s of
training. ``alpha`` leans from the most frequent class (0) towards all classes alike (1); of a declared grid the
one with the best sum of accuracy and macro-F1, of rows and of change sets, is taken. ``t`` minimises the log
loss and
moves no decision. Unlike isotonic calibration both survive ONNX to 1e-7.

Source: temperature scaling, Guo et al. (2017), "On calibration of modern neural networks"; logit adjustment,
Menon et al. (2021), "Long-tail learning via logit adjustment".
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.models.macro_f1 import macro_f1

FLOOR = 1e-3
"""Added to each probability of the forest before its logarithm is taken."""
SMALLEST_SHARE = 1e-3
"""Lower limit of a class share in the offset."""
OFFSETS = (0.0, 0.1, 0.2, 0.3)
"""Values of alpha that are tried."""


@dataclass(frozen=True)
class Calibration:
    """``temperature`` and ``offset`` (one per class) of ``softmax(temperature (log(p + FLOOR) + offset))``."""

    temperature: float
    offset: tuple[float, ...]

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, shape (rows, classes), from those of the forest."""
        return softmax(self.temperature * (np.log(raw + FLOOR) + np.array(self.offset)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows to positive numbers that sum to one."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def fit_calibration(
    raw: np.ndarray, truth: np.ndarray, change_sets: np.ndarray, shares: np.ndarray
) -> tuple[Calibration, float]:
    """The calibration of held-out probabilities, and the alpha that was chosen.

    Args:
        raw: the forest's probabilities of rows it was not fitted on, shape (rows, classes).
        truth: class of each row, integers.
        change_sets: code of each row's change set, integers from 0.
        shares: share of each class in training, shape (classes,).
    """
    lean = -np.log(np.maximum(shares, SMALLEST_SHARE))
    logs = np.log(raw + FLOOR)
    scores = [_criterion(softmax(logs + alpha * lean), truth, change_sets) for alpha in OFFSETS]
    alpha = OFFSETS[int(np.argmax(scores))]
    offset = np.round(alpha * lean, 6)
    temperature = _temperature(logs + offset, truth)
    return Calibration(round(temperature, 4), tuple(offset.tolist())), alpha


def held_out_metrics(
    probabilities: np.ndarray, truth: np.ndarray, change_sets: np.ndarray
) -> dict[str, float]:
    """Accuracy, macro-F1 (over classes that occur or were predicted) and log loss, of rows and of change sets."""
    means, labels = mean_by_change_set(probabilities, truth, change_sets)
    return {
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == truth)),
        "macro_f1": macro_f1(truth, probabilities.argmax(axis=1)),
        "change_set_accuracy": float(np.mean(means.argmax(axis=1) == labels)),
        "change_set_macro_f1": macro_f1(labels, means.argmax(axis=1)),
        "log_loss": _log_loss(probabilities, truth),
    }


def mean_by_change_set(
    probabilities: np.ndarray, truth: np.ndarray, change_sets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One prediction a change set, the mean of its rows', and its label, that of its first row."""
    _, first, dense = np.unique(change_sets, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), probabilities.shape[1]))
    np.add.at(sums, dense, probabilities)
    return sums / np.bincount(dense)[:, None], truth[first]


def _criterion(probabilities: np.ndarray, truth: np.ndarray, change_sets: np.ndarray) -> float:
    metrics = held_out_metrics(probabilities, truth, change_sets)
    names = ("accuracy", "macro_f1", "change_set_accuracy", "change_set_macro_f1")
    return sum(metrics[name] for name in names)


def _temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The factor in [0.2, 5] with the smallest log loss."""
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        return _log_loss(softmax(np.exp(logarithm) * logits), truth)

    bounds = (np.log(0.2), np.log(5.0))
    optimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(optimum.x))


def _log_loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    chosen = probabilities[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.maximum(chosen, 1e-15))))
