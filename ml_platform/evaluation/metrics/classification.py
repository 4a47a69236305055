"""Classification metrics from confusion cells and from probabilities, as scikit-learn defines them.

Metrics of the predicted class are functions of the confusion cells (truth x prediction), vectorised over
leading axes, so that a thousand resamples cost one call.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array, Codes

TOP = 3
"""The k of top_3_accuracy, a metric that is defined where there are more than 2 k classes."""
_NO_SPREAD = 1e-12


def confusion_cells(truth: Codes, predicted: Codes, classes: int) -> Codes:
    """Count the pairs of truth (rows) and prediction (columns), shape (classes, classes)."""
    pairs = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes)


def ratio(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> Array:
    """Divide elementwise; the ratio is 0 where the denominator is 0, as with scikit-learn's ``zero_division=0``."""
    safe = np.where(denominator > 0, denominator, 1)
    return np.where(denominator > 0, numerator / safe, 0.0)


def class_metrics(cells: npt.NDArray[Any]) -> tuple[Array, Array, Array]:
    """Compute precision, recall and F1, each (..., classes), from cells (..., classes, classes)."""
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    support, predicted = cells.sum(axis=-1), cells.sum(axis=-2)
    return ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, support + predicted)


def metrics_of_cells(cells: npt.NDArray[Any]) -> dict[str, Array]:
    """Compute the metrics of the predicted class by name, each of shape (...,), from cells (..., classes, classes).

    They are accuracy, balanced accuracy, precision, recall and F1 (macro, micro, weighted) and two correlations.
    All are in [0, 1] except the two of `correlations_of_counts`. Macro averages run over the
    classes that occur in truth or prediction, balanced accuracy over those that occur in the truth, as in
    scikit-learn; weighted averages weigh by support.
    """
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    return metrics_of_counts(hits, cells.sum(axis=-1), cells.sum(axis=-2))


def metrics_of_counts(
    hits: npt.NDArray[Any], support: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> dict[str, Array]:
    """Compute the metrics of `metrics_of_cells` from the counts that it reads off the cells, each (..., classes).

    With many classes the three counts of a class need far less memory than all cells.
    """
    rows = support.sum(axis=-1)
    occurs, in_truth = support + predicted > 0, support > 0
    accuracy = ratio(hits.sum(axis=-1), rows)
    precision, recall = ratio(hits, predicted), ratio(hits, support)
    f1 = ratio(2 * hits, support + predicted)
    metrics = {
        "accuracy": accuracy,
        "balanced_accuracy": ratio((recall * in_truth).sum(axis=-1), in_truth.sum(axis=-1)),
    }
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        metrics[f"macro_{name}"] = ratio((values * occurs).sum(axis=-1), occurs.sum(axis=-1))
        metrics[f"micro_{name}"] = accuracy
        metrics[f"weighted_{name}"] = ratio((values * support).sum(axis=-1), rows)
    return metrics | correlations_of_counts(hits, support, predicted)


def correlations_of_counts(
    hits: npt.NDArray[Any], support: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> dict[str, Array]:
    """Compute Matthews' correlation and Cohen's kappa, in [-1, 1]: 1 is perfect, 0 no better than chance.

    Both are 0 where truth or prediction is always the same class, since a constant correlates with nothing.

    Source: Gorodkin (2004), equation 8; Cohen (1960), equation 1.
    """
    rows = support.sum(axis=-1)
    share = ratio(hits.sum(axis=-1), rows)
    true_share, predicted_share = ratio(support, rows[..., None]), ratio(predicted, rows[..., None])
    chance = (true_share * predicted_share).sum(axis=-1)
    spread = np.sqrt(
        (1.0 - (true_share**2).sum(axis=-1)) * (1.0 - (predicted_share**2).sum(axis=-1))
    )
    varies = spread > _NO_SPREAD
    return {
        "matthews": np.where(varies, ratio(share - chance, spread), 0.0),
        "cohen_kappa": np.where(varies, ratio(share - chance, 1.0 - chance), 0.0),
    }


def among_first(truth: Codes, probabilities: Array, k: int) -> npt.NDArray[np.bool_]:
    """Return whether the true class is among the ``k`` most probable of its row; of equals, the first classes."""
    true_probability = probabilities[np.arange(len(truth)), truth][:, None]
    before = np.arange(probabilities.shape[1]) < truth[:, None]
    ahead = (probabilities > true_probability) | ((probabilities == true_probability) & before)
    among: npt.NDArray[np.bool_] = ahead.sum(axis=1) < k
    return among


def log_losses(truth: Codes, probabilities: Array) -> Array:
    """Return minus the log of the true class's probability, shape (rows,); probabilities are clipped at 2.2e-16."""
    tiny = np.finfo(np.float64).eps
    truth_probability = probabilities[np.arange(len(truth)), truth]
    losses: Array = -np.log(np.clip(truth_probability, tiny, 1 - tiny))
    return losses


def brier_losses(truth: Codes, probabilities: Array) -> Array:
    """Return the squared distance of each row's probabilities to its truth as a unit vector, in [0, 2]."""
    truth_probability = probabilities[np.arange(len(truth)), truth]
    losses: Array = (probabilities**2).sum(axis=1) - 2 * truth_probability + 1
    return losses
