"""Calibration: whether a claimed confidence comes true, by bins with equal counts of rows."""

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.report_parts import ReliabilityBin

BINS = 15
"""The number of bins, as in Guo et al. (2017); each then holds about 66 of 1,000 rows."""


def bin_codes(confidence: Array, bins: int = BINS) -> tuple[Codes, int]:
    """Return the bin of each row, shape (rows,), and the number of bins, cut at quantiles of ``confidence``.

    Equal confidences share a bin whatever the order of the rows, so a scorer that claims few distinct
    values (rules) has fewer bins.
    """
    inner = np.unique(np.quantile(confidence, np.arange(1, bins) / bins, method="lower"))
    codes: Codes = np.searchsorted(inner, confidence, side="left").astype(np.int64)
    used, dense = np.unique(codes, return_inverse=True)
    return dense.astype(np.int64), len(used)


def reliability_bins(
    confidence: Array, correct: np.ndarray, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Compute each bin's range, rows, mean confidence and share of correct predictions, lowest bin first."""
    codes, count = bin_codes(confidence, bins)
    rows = np.bincount(codes, minlength=count)
    claimed = ratio(np.bincount(codes, weights=confidence, minlength=count), rows)
    accuracy = ratio(np.bincount(codes, weights=correct, minlength=count), rows)
    low = np.full(count, np.inf)
    high = np.full(count, -np.inf)
    np.minimum.at(low, codes, confidence)
    np.maximum.at(high, codes, confidence)
    return tuple(
        ReliabilityBin(
            low=float(low[i]),
            high=float(high[i]),
            rows=int(rows[i]),
            confidence=float(claimed[i]),
            accuracy=float(accuracy[i]),
        )
        for i in range(count)
    )
