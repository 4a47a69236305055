"""What each feature tells of the label by itself: mutual information, chi-squared, ANOVA F, false discoveries.

The tests see one row a cluster, so that rows which depend on each other do not count as many.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.features.selection.matrix import Sample

EXPECTED = 5.0
"""Mean expected count of a contingency table below which chi-squared is not told (Cochran's rule)."""
MINIMUM_TESTED = 50


@dataclass(frozen=True)
class Statistics:
    """By feature; NaN where a test does not apply. ``q`` controls the share of false discoveries."""

    mutual_information: np.ndarray
    anova_f: np.ndarray
    chi2: np.ndarray
    q: np.ndarray
    rows_tested: int


def statistics(sample: Sample) -> Statistics:
    """Of a feature of several columns the best; its p is multiplied by the number of tests behind it.

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
    q, told = np.full(len(p), np.nan), ~np.isnan(p)
    if told.any():
        q[told] = false_discovery_control(p[told], method="bh")
    return Statistics(
        mutual_information=np.array([information[sample.of(i)].max() for i in features]),
        anova_f=np.array([_most(f[sample.of(i)]) for i in features]),
        chi2=np.array([_most(chi2[sample.of(i)]) for i in features]),
        q=q,
        rows_tested=tested,
    )


def mutual_information(codes: np.ndarray, classes: np.ndarray) -> float:
    """In nats, less the bias of the plug-in estimate (Miller 1955), 0 at least."""
    from sklearn.metrics import mutual_info_score

    bins, labels = len(np.unique(codes)), len(np.unique(classes))
    bias = (bins - 1) * (labels - 1) / (2 * len(codes))
    return max(0.0, float(mutual_info_score(codes, classes)) - bias)


def _chi2(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Pearson's of each column's bins and the classes."""
    from scipy.stats import chi2_contingency

    classes = np.unique(sample.classes[sample.first], return_inverse=True)[1]
    found = []
    for column in sample.bins[sample.first].T:
        codes = np.unique(column, return_inverse=True)[1]
        shape = (int(codes.max()) + 1, int(classes.max()) + 1)
        if min(shape) < 2 or len(codes) / (shape[0] * shape[1]) < EXPECTED:
            found.append((np.nan, np.nan))
            continue
        flat = np.bincount(codes * shape[1] + classes, minlength=shape[0] * shape[1])
        test = chi2_contingency(flat.reshape(shape), correction=False)
        found.append((float(test.statistic), float(test.pvalue)))
    return np.array(found)[:, 0], np.array(found)[:, 1]


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
    told = p[~np.isnan(p)]
    return min(1.0, float(told.min()) * len(told)) if len(told) else float("nan")


def _most(values: np.ndarray) -> float:
    told = values[~np.isnan(values)]
    return float(told.max()) if len(told) else float("nan")
