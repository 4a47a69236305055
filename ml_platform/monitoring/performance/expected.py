"""Expected metrics of predictions whose outcome is not known, from the probability that each comes true.

Each has an influence: by how much the metric grows if the outcome of a row goes from 0 to 1. Its interval follows
from that. Source of the expected values: NannyML, "Confidence-based performance estimation (CBPE)",
nannyml.readthedocs.io, how it works, performance estimation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Flags
from ml_platform.evaluation.tasks.adapter import Gain, MaturedPredictions, Texts, WhatIf


@dataclass(frozen=True)
class Expected:
    """An expected metric and its influences, shape (rows,)."""

    value: float
    influence: Array


def expected_metrics(
    predicted: Texts,
    confidence: Array,
    probabilities: Array,
    gains: Mapping[str, Gain],
    what_if: WhatIf,
) -> dict[str, Expected]:
    """The mean of each gain; F1 and ROC AUC, too, where the confidence is that of one of two answers.

    Args:
        predicted: The logged texts, shape (rows,), at least one.
        confidence: The logged confidence, shape (rows,).
        probabilities: Of each row, that what the confidence is about comes true.
        gains: By name of the metric, what a prediction adds to it.
        what_if: How outcomes read if that comes true, and if not.
    """
    came, did_not = what_if.outcomes(predicted)
    if_true = MaturedPredictions(predicted, confidence, came)
    if_not = MaturedPredictions(predicted, confidence, did_not)
    metrics: dict[str, Expected | None] = {
        name: expected_mean(probabilities, gain(if_true), gain(if_not))
        for name, gain in gains.items()
    }
    if what_if.positive:
        alarms = np.asarray(predicted == what_if.positive, dtype=bool)
        metrics["f1"] = expected_f1(probabilities, alarms)
        metrics["roc_auc"] = expected_roc_auc(probabilities, confidence)
    return {name: each for name, each in metrics.items() if each is not None}


def expected_mean(probabilities: Array, gains_if: Array, gains_if_not: Array) -> Expected:
    """The mean of gains that are ``gains_if`` where the outcome is 1, else ``gains_if_not``; all shape (rows,).

    With gains of 1 and 0 that is the accuracy of predictions that come true with these probabilities.
    """
    gains = probabilities * gains_if + (1.0 - probabilities) * gains_if_not
    return Expected(float(gains.mean()), (gains_if - gains_if_not) / len(gains))


def expected_f1(probabilities: Array, alarms: Flags) -> Expected | None:
    """F1 of ``alarms`` about outcomes that are 1 with these probabilities; ``None`` where it is not defined."""
    denominator = float(alarms.sum() + probabilities.sum())
    if denominator <= 0.0:
        return None
    value = 2.0 * float(probabilities[alarms].sum()) / denominator
    return Expected(value, (2.0 * alarms.astype(np.float64) - value) / denominator)


def expected_roc_auc(probabilities: Array, scores: Array) -> Expected | None:
    """The area under the ROC curve of ``scores``: the share of pairs of a 1 and a 0 in which the 1 has more.

    Equal scores count half. ``None`` where all outcomes are sure to be the same.
    """
    ones, zeros = float(probabilities.sum()), float((1.0 - probabilities).sum())
    if min(ones, zeros) <= 0.0:
        return None
    _, place = np.unique(scores, return_inverse=True)
    negatives = np.bincount(place, weights=1.0 - probabilities)
    positives = np.bincount(place, weights=probabilities)
    below = (np.cumsum(negatives) - 0.5 * negatives)[place]
    above = (positives.sum() - np.cumsum(positives) + 0.5 * positives)[place]
    area = float(probabilities @ below) / (ones * zeros)
    influence = (below - above) / (ones * zeros) - area / ones + area / zeros
    return Expected(area, influence)
