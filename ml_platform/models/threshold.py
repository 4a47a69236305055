"""The threshold of an alarm, chosen on rows that no fit has seen and that are not of the test."""

import numpy as np

NEVER = 1.0
"""The threshold where there is nothing to choose it by: only a certainty raises the alarm."""


def best_f1(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The threshold (score at or above it: alarm) with the highest F1, and that F1; (`NEVER`, 0) without positives.

    It lies halfway to the next lower score, so that a score that differs in its last digits falls on the
    same side. Of equal F1 the highest threshold: fewer alarms.

    Args:
        scores: shape (rows,), in [0, 1].
        truth: shape (rows,), 1 or 0, NaN where it is not known: such rows are left out.
    """
    known = ~np.isnan(truth)
    scores, truth = scores[known], truth[known]
    order = np.argsort(-scores, kind="stable")
    scores, truth = scores[order], truth[order]
    positives = truth.sum()
    if not positives:
        return NEVER, 0.0
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    caught = np.cumsum(truth)[last]
    f1 = 2.0 * caught / (last + 1 + positives)
    best = int(np.argmax(f1))
    place = last[best]
    below = scores[place + 1] if place + 1 < len(scores) else 0.0
    return float((scores[place] + below) / 2.0), float(f1[best])
