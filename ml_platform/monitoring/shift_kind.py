"""What kind of shift explains the drift: other shares of the classes, or features that moved for another reason.

Under label shift rows of each class look as before and only the shares of the classes change. Then the distribution
of every feature is that of the baseline with its classes reweighted, of those that have moved as of those that
have not. The shares now are those of known labels; where labels are missing they follow from the predicted classes
and the confusions of the evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.monitoring.baseline import FeatureBaseline
from ml_platform.monitoring.findings import ShiftKind, ShiftReading

if TYPE_CHECKING:
    import pandas as pd

KNOWN_SHARE = 0.95
"""Labels count where so many of the window's predictions have one; of the others, those that come early differ."""
LEAST_ROWS = 200
LEAST_CHANGE = 0.05
"""Total variation of the shares of the classes below which nothing is explained by them."""
EXPLAINED, UNEXPLAINED = 0.85, 0.3
"""At least so much of the drift is explained: label shift; at most so much: covariate shift."""
_LARGEST_CONDITION = 100.0
"""Of the confusions; beyond, predictions say too little of the classes."""


@dataclass(frozen=True)
class Confusions:
    """The confusions of the evaluation: ``counts`` (classes, classes), rows are the truth, columns predictions."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def shift_reading(
    features: Sequence[FeatureBaseline],
    reference: "pd.DataFrame",
    labels: "pd.Series",
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    confusions: Confusions,
) -> ShiftReading | None:
    """Tell which kind of shift explains how ``features`` moved between ``reference`` and ``rows``.

    ``labels`` are those of the reference rows, missing where unknown; ``predictions`` are those of the window with
    ``predicted`` and ``outcome``. ``None`` where too few labels are known, no feature has moved beyond chance, or
    predictions say too little of the classes.

    Source: Saerens, Latinne and Decaestecker (2002); Lipton, Wang and Smola (2018), "Detecting and correcting for
    label shift with black box predictors" (the estimate from confusions).
    """
    place = {name: number for number, name in enumerate(confusions.classes)}
    known = labels.astype(str).map(place)
    held = known.notna().to_numpy()
    if int(held.sum()) < LEAST_ROWS or len(rows) < LEAST_ROWS or len(place) < 2:
        return None
    classes: Codes = known[held].to_numpy().astype(np.int64)
    before = np.bincount(classes, minlength=len(place)) / classes.size
    current = _shares_now(predictions, place, confusions)
    if current is None:
        return None
    now, by_labels = current
    change = float(np.abs(now - before).sum() / 2)
    part = reference[held]
    weight = np.divide(now, before, out=np.zeros_like(now), where=before > 0)
    moved = reweighted = 0.0
    for entry in features:
        was, expected = _expected(entry, part, classes, weight)
        table = np.bincount(_shifted(entry.codes(rows)), minlength=entry.bins.count + 1)
        moved += _divergence(was, table.astype(np.float64), len(part))
        reweighted += _divergence(expected, table.astype(np.float64), len(part))
    if moved <= 0.0:
        return None
    explained = 1.0 - max(reweighted, 0.0) / moved
    return _reading(change, explained, by_labels, dict(zip(place, now - before, strict=True)))


def _shares_now(
    predictions: "pd.DataFrame", place: Mapping[str, int], confusions: Confusions
) -> tuple[Array, bool] | None:
    """Return the shares of the classes in the window, and whether they are those of labels."""
    outcomes = predictions["outcome"]
    if len(predictions) < LEAST_ROWS:
        return None
    known = outcomes.dropna().astype(str).map(place).dropna().to_numpy(dtype=np.int64)
    if known.size >= KNOWN_SHARE * len(predictions):
        return np.bincount(known, minlength=len(place)) / known.size, True
    predicted = predictions["predicted"].astype(str).map(place).dropna().to_numpy(dtype=np.int64)
    if not predicted.size:
        return None
    shares = np.bincount(predicted, minlength=len(place)) / predicted.size
    estimated = label_shares(np.asarray(confusions.counts, dtype=np.float64), shares)
    return None if estimated is None else (estimated, False)


def label_shares(counts: Array, predicted: Array) -> Array | None:
    """Estimate the shares of the classes from those predicted; ``None`` where the confusions say too little.

    ``counts`` (classes, classes) are confusions, rows the truth; ``predicted`` (classes,) are shares. Classes
    without a row in ``counts`` have share 0.
    """
    from scipy.optimize import nnls

    seen = counts.sum(axis=1) > 0
    if int(seen.sum()) < 2:
        return None
    given_truth = (counts[seen] / counts[seen].sum(axis=1, keepdims=True)).T
    if np.linalg.cond(given_truth[seen]) > _LARGEST_CONDITION:
        return None
    solution, _ = nnls(given_truth, predicted)
    if not solution.sum():
        return None
    shares = np.zeros(len(counts))
    shares[seen] = solution / solution.sum()
    return shares


def _shifted(codes: Codes) -> Codes:
    """Return the codes with missing values, -1, as bin 0 and the others after it."""
    shifted: Codes = codes + 1
    return shifted


def _expected(
    entry: FeatureBaseline, part: "pd.DataFrame", classes: Codes, weight: Array
) -> tuple[Array, Array]:
    """Return the shares of the baseline over the bins, and what they would be with its classes reweighted."""
    bins, count = entry.bins.count + 1, weight.size
    codes = _shifted(entry.codes(part))
    table = np.bincount(classes * bins + codes, minlength=count * bins).reshape(count, bins)
    was: Array = table.sum(axis=0) / table.sum()
    mixed = weight @ table
    total = mixed.sum()
    return was, mixed / total if total else was


def _divergence(expected: Array, current: Array, rows: int) -> float:
    """Return the chi-squared divergence of counts ``current`` from shares ``expected`` known from ``rows`` rows."""
    total = current.sum()
    shares = current / total
    pooled = (expected * rows + current) / (rows + total)
    seen = pooled > 0
    bias = (int(seen.sum()) - 1) * (1.0 / rows + 1.0 / total)
    return float(((shares - expected)[seen] ** 2 / pooled[seen]).sum() - bias)


def _reading(
    change: float, explained: float, by_labels: bool, changes: Mapping[str, float]
) -> ShiftReading:
    basis = "labels say" if by_labels else "predictions and their confusions say"
    most = max(changes, key=lambda name: abs(changes[name]))
    shares = (
        f"{basis} that the shares of the classes changed by {change:.2f}, "
        f"most that of '{most}' ({changes[most]:+.1%})"
    )
    if change >= LEAST_CHANGE and explained >= EXPLAINED:
        return ShiftReading(
            ShiftKind.LABEL,
            explained,
            change,
            by_labels,
            f"label shift: {shares}, and rows of each class look as before: that explains {explained:.0%} of the "
            "drift of the features; other priors or thresholds answer it, and no new features",
        )
    if change < LEAST_CHANGE or explained <= UNEXPLAINED:
        return ShiftReading(
            ShiftKind.COVARIATE,
            explained,
            change,
            by_labels,
            f"covariate shift: the features have moved for another reason than other shares of the classes, which "
            f"explain {max(explained, 0.0):.0%} of it; performance says whether what was learned still holds",
        )
    return ShiftReading(
        ShiftKind.MIXED,
        explained,
        change,
        by_labels,
        f"{shares}; that explains {explained:.0%} of the drift of the features: both kinds of shift, or rows of a "
        "class that look otherwise",
    )
