"""What each feature predicts of the label by itself: mutual information, chi-squared, ANOVA F, false discoveries.

The tests see one row per cluster, so that rows which depend on each other do not count as many.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.features.selection.matrix import Sample

EXPECTED = 5.0
"""Mean expected count of a contingency table below which chi-squared is not computed (Cochran's rule)."""
MINIMUM_TESTED = 50


@dataclass(frozen=True)
class Statistics:
    """Statistics by feature, NaN where a test does not apply; ``q`` controls the share of false discoveries."""

    mutual_information: np.ndarray
    anova_f: np.ndarray
    chi2: np.ndarray
    q: np.ndarray
    rows_tested: int


def statistics(sample: Sample) -> Statistics:
    """The statistics of every feature: of several columns the best, its p multiplied by the number of tests.

    q is Benjamini and Hochberg's (1995), over features.
    """
    from scipy.stats import false_discovery_control

    width = sample.columns.shape[1]
    information = np.array(
        [mutual_information(sample.bins[:, c], sample.classes) for c in range(width)]
    )
    tested = int(sample.first.sum())
    chi2, p_chi2 = _chi2(sample) if tested >= MINIMUM_TESTED else _nothing(width)
    f, p_f = _anova(sample) if tested >= MINIMUM_TESTED else _nothing(width)
    features = range(len(sample.features))
    p = np.array([_least(np.concatenate([p_chi2[o], p_f[o]])) for o in map(sample.of, features)])
    q, tested_features = np.full(len(p), np.nan), ~np.isnan(p)
    if tested_features.any():
        q[tested_features] = false_discovery_control(p[tested_features], method="bh")
    return Statistics(
        mutual_information=np.array([information[sample.of(i)].max() for i in features]),
        anova_f=np.array([_most(f[sample.of(i)]) for i in features]),
        chi2=np.array([_most(chi2[sample.of(i)]) for i in features]),
        q=q,
        rows_tested=tested,
    )


def mutual_information(codes: np.ndarray, classes: np.ndarray) -> float:
    """Mutual information in nats, less the bias of the plug-in estimate (Miller 1955), at least 0."""
    from sklearn.metrics import mutual_info_score

    bins, labels = len(np.unique(codes)), len(np.unique(classes))
    bias = (bins - 1) * (labels - 1) / (2 * len(codes))
    return max(0.0, float(mutual_info_score(codes, classes)) - bias)


def _chi2(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's chi-squared, and its p, of each column's bins and the classes."""
    from scipy.stats import chi2_contingency

    classes = np.unique(sample.classes[sample.first], return_inverse=True)[1]
    results = []
    for column in sample.bins[sample.first].T:
        codes = np.unique(column, return_inverse=True)[1]
        shape = (int(codes.max()) + 1, int(classes.max()) + 1)
        if min(shape) < 2 or len(codes) / (shape[0] * shape[1]) < EXPECTED:
            results.append((np.nan, np.nan))
            continue
        flat = np.bincount(codes * shape[1] + classes, minlength=shape[0] * shape[1])
        test = chi2_contingency(flat.reshape(shape), correction=False)
        results.append((float(test.statistic), float(test.pvalue)))
    return np.array(results)[:, 0], np.array(results)[:, 1]


def _anova(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """F of the ranks between classes (or of their slope on a number); missing ones stand in the middle."""
    from sklearn.feature_selection import f_classif, f_regression

    rows = sample.columns[sample.first]
    rows = np.where(rows < 0, 0.5, rows)
    varies = sample.ordered & (np.ptp(rows, axis=0) > 0)
    f, p = _nothing(rows.shape[1])
    if varies.any() and len(np.unique(sample.classes[sample.first])) > 1:
        number = sample.target.shape[1] == 1
        test = f_regression if number else f_classif
        label = sample.target[:, 0] if number else sample.classes
        f[varies], p[varies] = test(rows[:, varies], label[sample.first])
    return np.where(np.isfinite(f), f, np.nan), p


def _nothing(width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(width, np.nan), np.full(width, np.nan)


def _least(p: np.ndarray) -> float:
    known = p[~np.isnan(p)]
    return min(1.0, float(known.min()) * len(known)) if len(known) else float("nan")


def _most(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) else float("nan")
