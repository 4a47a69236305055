"""A classifier between rows of the window and of the baseline, for what shows in no feature by itself.

Each feature is replaced by its normal scores within each week, so that all weeks have the same distribution of
every single feature, and only how features go together can tell weeks apart. The classifier is linear in the
products of all pairs: its weights are differences of correlations, where these stand out (an independence rule).
It is scored on folds of users that it was not fitted to.
"""

import math
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.errors import InsufficientData

FOLDS = 5
MOST_ROWS = 2_000
"""Rows of a week, or of the window, that are looked at."""
LEAST_ROWS = 200
LEAST_WEEKS = 4
"""Weeks of the baseline that tell how far quiet weeks are told apart."""


@dataclass(frozen=True)
class DomainAUC:
    """How well the last group of rows is told from the others."""

    auc: float
    """Out-of-fold ROC AUC; .5 where nothing tells."""
    standard_error: float
    """The standard error of the AUC with ``units`` as the clusters."""
    quiet: tuple[float, ...]
    """The AUC of each other group against the rest."""
    p_value: float
    """One-sided: the last group as one more draw of the others (Student), none of which is told better by chance
    than its own standard error allows."""
    before: Array
    """Correlations of the normal scores in the other groups, shape (features, features)."""
    now: Array


def domain_auc(values: Array, groups: Codes, units: Codes, *, seed: int) -> DomainAUC:
    """Tell the last group of rows from the others by how features go together.

    ``values`` (rows, features) are numbers, NaN where missing; ``groups`` (rows,) are numbered from 0, the weeks of
    the baseline and then the window; ``units`` (rows,) are users or sessions, which lie in one fold each.

    Raises:
        InsufficientData: fewer than two features, four weeks, or 200 rows in a group.

    Source: Bickel and Levina (2004), "Some theory for Fisher's linear discriminant function, 'naive Bayes', and
    some alternatives when there are many more variables than observations"; Donoho and Johnstone (1994) for the
    threshold.
    """
    count = int(groups.max()) + 1 if groups.size else 0
    sizes = np.bincount(groups, minlength=max(count, 1))
    if values.shape[1] < 2 or count <= LEAST_WEEKS or sizes.min() < LEAST_ROWS:
        raise InsufficientData(
            f"A classifier between baseline and window needs two features, {LEAST_WEEKS} weeks and "
            f"{LEAST_ROWS} rows in each; there are {values.shape[1]} features, {max(count - 1, 0)} weeks and "
            f"{int(sizes.min())} rows.",
            remedy="a longer training period",
        )
    draw = np.random.default_rng(seed)
    units = np.unique(units, return_inverse=True)[1]
    scores = _normal_scores(values, groups, draw)
    folds = draw.permutation(np.arange(int(units.max()) + 1) % FOLDS)[units]
    sums = _sums(scores, groups, folds)
    told = [_told(scores, groups, folds, units, sums, group) for group in range(count)]
    quiet = tuple(auc for auc, _ in told[:-1])
    auc, error = told[-1]
    noise = max(float(np.var(quiet, ddof=1)), float(np.mean([e**2 for _, e in told[:-1]])))
    matrices, rows = sums
    return DomainAUC(
        auc=auc,
        standard_error=error,
        quiet=quiet,
        p_value=_student(auc - float(np.mean(quiet)), noise, len(quiet)),
        before=matrices[:-1].sum(axis=(0, 1)) / rows[:-1].sum(),
        now=matrices[-1].sum(axis=0) / rows[-1].sum(),
    )


def _student(excess: float, variance: float, weeks: int) -> float:
    from scipy.special import stdtr

    spread = math.sqrt(variance * (1.0 + 1.0 / weeks))
    if spread == 0.0:
        return 1.0 if excess <= 0.0 else 0.0
    return float(stdtr(weeks - 1, -excess / spread))


def sample_rows(groups: Codes, *, seed: int) -> Codes:
    """Return places of at most `MOST_ROWS` rows of each group, ascending."""
    order = np.random.default_rng(seed).permutation(groups.size)
    by_group = order[np.argsort(groups[order], kind="stable")]
    sizes = np.bincount(groups)
    within = np.arange(groups.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(by_group[within < MOST_ROWS])


def _normal_scores(values: Array, groups: Codes, draw: np.random.Generator) -> Array:
    """Return normal scores of each column within each group; ties fall at random, missing values are lowest."""
    from scipy.special import ndtri

    filled = np.where(np.isnan(values), -np.inf, values)
    scores = np.empty_like(filled)
    for group in range(int(groups.max()) + 1):
        places = np.flatnonzero(groups == group)
        grid = ndtri((np.arange(places.size) + 0.5) / places.size)
        for column in range(filled.shape[1]):
            order = np.lexsort((draw.random(places.size), filled[places, column]))
            scores[places[order], column] = grid
    return scores


def _sums(scores: Array, groups: Codes, folds: Codes) -> tuple[Array, Array]:
    """Return sums of products, shape (groups, folds, features, features), and numbers of rows, (groups, folds)."""
    count, width = int(groups.max()) + 1, scores.shape[1]
    matrices = np.zeros((count, FOLDS, width, width))
    rows = np.zeros((count, FOLDS))
    for group in range(count):
        for fold in range(FOLDS):
            part = scores[(groups == group) & (folds == fold)]
            matrices[group, fold], rows[group, fold] = part.T @ part, len(part)
    return matrices, rows


def _told(
    scores: Array,
    groups: Codes,
    folds: Codes,
    units: Codes,
    sums: tuple[Array, Array],
    group: int,
) -> tuple[float, float]:
    """Return the out-of-fold AUC of ``group`` against all others, and its standard error over units."""
    matrices, rows = sums
    outcome = np.zeros(len(scores))
    for fold in range(FOLDS):
        others = np.arange(FOLDS) != fold
        own, own_rows = matrices[group, others].sum(axis=0), rows[group, others].sum()
        rest = matrices[:, others].sum(axis=(0, 1)) - own
        rest_rows = rows[:, others].sum() - own_rows
        if not own_rows or not rest_rows:
            continue
        mine, theirs = own / own_rows, rest / rest_rows
        weights = _thresholded(mine - theirs, 1.0 / own_rows + 1.0 / rest_rows)
        places = np.flatnonzero(folds == fold)
        part = scores[places]
        middle = float((weights * (mine + theirs)).sum()) / 2.0
        outcome[places] = ((part @ weights) * part).sum(axis=1) - middle
    return clustered_auc(outcome, groups == group, units)


def _thresholded(difference: Array, variance: float) -> Array:
    """Return the differences of correlations that stand out from chance, less chance; the diagonal is zero."""
    width = len(difference)
    pairs = max(width * (width - 1) / 2, 2.0)
    limit = math.sqrt(2.0 * math.log(pairs) * variance)
    weights: Array = np.sign(difference) * np.maximum(np.abs(difference) - limit, 0.0)
    np.fill_diagonal(weights, 0.0)
    return weights


def clustered_auc(scores: Array, positive: "np.ndarray", units: Codes) -> tuple[float, float]:
    """ROC AUC of ``scores`` (rows,), ties counting half, and its standard error over ``units`` (rows,) from 0.

    Source: Obuchowski (1997), "Nonparametric analysis of clustered ROC curve data".
    """
    first, second = np.sort(scores[positive]), np.sort(scores[~positive])
    m, n = first.size, second.size
    placements = np.empty(len(scores))
    own, other = scores[positive], scores[~positive]
    placements[positive] = (
        np.searchsorted(second, own, "left") + np.searchsorted(second, own, "right")
    ) / (2.0 * n)
    placements[~positive] = 1.0 - (
        np.searchsorted(first, other, "left") + np.searchsorted(first, other, "right")
    ) / (2.0 * m)
    auc = float(placements[positive].mean())
    share = np.where(positive, (placements - auc) / m, (placements - auc) / n)
    by_unit = np.bincount(units, weights=share)
    count = by_unit.size
    correction = count / (count - 1) if count > 1 else 1.0
    return auc, math.sqrt(float((by_unit**2).sum()) * correction)
