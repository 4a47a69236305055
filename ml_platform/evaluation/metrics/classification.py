"""Classification metrics from confusion cells and from probabilities, as scikit-learn defines them.

Everything that counts is a function of the confusion cells (truth x prediction), vectorised over
leading axes, so that a thousand resamples cost one call.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array, Codes

TOP = 3
"""Classes that may be named by top_3_accuracy, which is told where there are more than twice as many."""
_NO_SPREAD = 1e-12

CELL_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "micro_precision",
    "micro_recall",
    "micro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "matthews",
    "cohen_kappa",
)


def confusion_cells(truth: Codes, predicted: Codes, classes: int) -> Codes:
    """Counts, shape (classes, classes): rows are the truth, columns the prediction."""
    pairs = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes)


def ratio(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> Array:
    """Elementwise quotient; 0 where the denominator is 0, scikit-learn's ``zero_division=0``."""
    safe = np.where(denominator > 0, denominator, 1)
    return np.where(denominator > 0, numerator / safe, 0.0)


def class_metrics(cells: npt.NDArray[Any]) -> tuple[Array, Array, Array]:
    """Precision, recall and F1 of each class, shape (..., classes), from cells (..., classes, classes)."""
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    support, predicted = cells.sum(axis=-1), cells.sum(axis=-2)
    return ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, support + predicted)


def metrics_of_cells(cells: npt.NDArray[Any]) -> dict[str, Array]:
    """`CELL_METRICS` by name, each of shape (...,), from cells (..., classes, classes).

    All are in [0, 1], but for the two correlations, `correlations_of_counts`. Macro averages run over the
    classes that occur in truth or prediction, balanced accuracy over those that occur in the truth, as in
    scikit-learn; weighted averages weigh by support.
    """
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    return metrics_of_counts(hits, cells.sum(axis=-1), cells.sum(axis=-2))


def metrics_of_counts(
    hits: npt.NDArray[Any], support: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> dict[str, Array]:
    """The same from what `metrics_of_cells` reads of the cells, each (..., classes): all that many classes need."""
    rows = support.sum(axis=-1)
    occurs, true = support + predicted > 0, support > 0
    accuracy = ratio(hits.sum(axis=-1), rows)
    precision, recall = ratio(hits, predicted), ratio(hits, support)
    f1 = ratio(2 * hits, support + predicted)
    metrics = {
        "accuracy": accuracy,
        "balanced_accuracy": ratio((recall * true).sum(axis=-1), true.sum(axis=-1)),
    }
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        metrics[f"macro_{name}"] = ratio((values * occurs).sum(axis=-1), occurs.sum(axis=-1))
        metrics[f"micro_{name}"] = accuracy
        metrics[f"weighted_{name}"] = ratio((values * support).sum(axis=-1), rows)
    return metrics | correlations_of_counts(hits, support, predicted)


def correlations_of_counts(
    hits: npt.NDArray[Any], support: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> dict[str, Array]:
    """Matthews' correlation and Cohen's kappa, in [-1, 1]: 1 is all right, 0 no better than chance.

    0 where truth or prediction is always the same class: nothing correlates with what does not vary.

    Source: Gorodkin (2004), equation 8; Cohen (1960), equation 1.
    """
    rows = support.sum(axis=-1)
    share = ratio(hits.sum(axis=-1), rows)
    true, said = ratio(support, rows[..., None]), ratio(predicted, rows[..., None])
    chance = (true * said).sum(axis=-1)
    spread = np.sqrt((1.0 - (true**2).sum(axis=-1)) * (1.0 - (said**2).sum(axis=-1)))
    varies = spread > _NO_SPREAD
    return {
        "matthews": np.where(varies, ratio(share - chance, spread), 0.0),
        "cohen_kappa": np.where(varies, ratio(share - chance, 1.0 - chance), 0.0),
    }


def among_first(truth: Codes, probabilities: Array, k: int) -> npt.NDArray[np.bool_]:
    """Whether the true class is among the ``k`` most probable of its row; of equals, the first classes."""
    own = probabilities[np.arange(len(truth)), truth][:, None]
    before = np.arange(probabilities.shape[1]) < truth[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & before)
    found: npt.NDArray[np.bool_] = ahead.sum(axis=1) < k
    return found


def log_losses(truth: Codes, probabilities: Array) -> Array:
    """Minus the log of the probability of the true class, a row; probabilities clipped at 2.2e-16."""
    tiny = np.finfo(np.float64).eps
    of_truth = probabilities[np.arange(len(truth)), truth]
    losses: Array = -np.log(np.clip(of_truth, tiny, 1 - tiny))
    return losses


def brier_losses(truth: Codes, probabilities: Array) -> Array:
    """Squared distance of a row's probabilities to its truth as a unit vector, in [0, 2]."""
    of_truth = probabilities[np.arange(len(truth)), truth]
    losses: Array = (probabilities**2).sum(axis=1) - 2 * of_truth + 1
    return losses
