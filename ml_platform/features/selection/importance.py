"""What a surrogate makes of the features: a small forest, whatever the model; its skill is held out in time.

Classes enter one-hot, so the squared error of the forest is the Brier score (and its splits are Gini's), and the
same code serves numbers.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from ml_platform.features.selection.matrix import Sample

TREES = 40
DEPTH = 8
LEAF = 5
REPEATS = 5
SHAP_ROWS = 100
_Z = 1.96


@dataclass(frozen=True)
class Importance:
    """Importances by feature, in the sample's order: shares that sum to 1, losses of skill with lower bounds."""

    forest: np.ndarray
    permutation: np.ndarray
    permutation_low: np.ndarray
    shap: np.ndarray
    skill: tuple[float, float, float]
    """Held out, with its 95 % interval over clusters."""
    losses: np.ndarray
    """Squared error of each row held out, in units of the variance there: 1 - mean is the skill."""


def importance(sample: Sample, *, seed: int) -> Importance:
    """Impurity decrease on the fitted rows; shuffling and SHAP on those held out."""
    forest = fit_forest(sample.columns[: sample.fitted], sample.target[: sample.fitted], seed)
    losses = held_out_losses(forest, sample, np.arange(sample.columns.shape[1]))
    shuffled, low = _permutation(forest, sample, losses, seed)
    return Importance(
        forest=_by_feature(forest.feature_importances_, sample),
        permutation=shuffled,
        permutation_low=low,
        shap=_by_feature(_shap(forest, sample), sample),
        skill=_skill(losses, sample),
        losses=losses,
    )


def fit_forest(columns: np.ndarray, target: np.ndarray, seed: int) -> Any:
    """scikit-learn's, shallow, on one core."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        TREES, max_depth=DEPTH, min_samples_leaf=LEAF, max_features=0.3, random_state=seed, n_jobs=1
    )
    return forest.fit(columns, target if target.shape[1] > 1 else target[:, 0])


def held_out_losses(forest: Any, sample: Sample, columns: np.ndarray) -> np.ndarray:
    """Squared error of each row held out over the variance there, shape (rows held out,)."""
    rows = sample.columns[sample.fitted :, columns]
    return _losses(forest.predict(rows), sample.target[sample.fitted :])


def _losses(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    errors: np.ndarray = ((predicted.reshape(target.shape) - target) ** 2).sum(axis=1)
    return errors / float(target.var(axis=0).sum())


def _skill(losses: np.ndarray, sample: Sample) -> tuple[float, float, float]:
    """1 - mean loss; the interval is that of a ratio to the loss of the mean, whose terms move together."""
    target, clusters = sample.target[sample.fitted :], sample.clusters[sample.fitted :]
    mean_losses = _losses(np.broadcast_to(target.mean(axis=0), target.shape), target)
    skill = 1 - float(losses.mean())
    _, low, high = with_interval((1 - skill) * mean_losses - losses, clusters)
    return skill, skill + low, skill + high


def _permutation(
    forest: Any, sample: Sample, losses: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean rise of the loss when all columns of a feature are shuffled together, and its lower bound.

    The interval is over clusters of held-out rows; shuffles are averaged first. scikit-learn's
    `permutation_importance` is the same for one column at a time.
    """
    generator = np.random.default_rng(seed)
    rows, target = sample.columns[sample.fitted :], sample.target[sample.fitted :]
    orders = [generator.permutation(len(rows)) for _ in range(REPEATS)]
    means, lows = [], []
    for feature in range(len(sample.features)):
        columns_of_feature = sample.of(feature)
        moved = np.tile(rows, (REPEATS, 1))
        for repeat, order in enumerate(orders):
            block = slice(repeat * len(rows), (repeat + 1) * len(rows))
            moved[block, columns_of_feature] = rows[np.ix_(order, columns_of_feature)]
        worse = _losses(forest.predict(moved), np.tile(target, (REPEATS, 1)))
        rise = worse.reshape(REPEATS, -1).mean(axis=0) - losses
        mean, low, _ = with_interval(rise, sample.clusters[sample.fitted :])
        means.append(mean)
        lows.append(low)
    return np.array(means), np.array(lows)


def with_interval(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float, float]:
    """The mean with its 95 % interval, normal, from sums over clusters."""
    mean = float(values.mean())
    sums = np.bincount(clusters, weights=values - mean)
    reach = _Z * float(np.sqrt((sums**2).sum())) / len(values)
    return mean, mean - reach, mean + reach


def _shap(forest: Any, sample: Sample) -> np.ndarray:
    """Mean absolute SHAP value of each column over held-out rows and outputs (Lundberg et al. 2020)."""
    rows = sample.columns[sample.fitted :]
    step = max(1, len(rows) // SHAP_ROWS)
    values = (
        shap_library()
        .TreeExplainer(forest)
        .shap_values(rows[::step][:SHAP_ROWS], check_additivity=False)
    )
    magnitudes = np.abs(np.asarray(values, dtype=np.float64))
    if magnitudes.ndim == 3:
        magnitudes = magnitudes.sum(axis=2)
    means: np.ndarray = magnitudes.mean(axis=0)
    return means


def shap_library() -> Any:
    """The package shap, imported in a thread of its own.

    It keeps the errors of what it could not import. Their tracebacks hold the frames of whoever imports it first,
    and so all rows that an evaluation has at that moment, for the life of the process.
    """
    with ThreadPoolExecutor(1) as importing:
        return importing.submit(import_module, "shap").result()


def _by_feature(values: np.ndarray, sample: Sample) -> np.ndarray:
    sums = np.bincount(sample.owner, weights=values, minlength=len(sample.features))
    return sums / sums.sum() if sums.sum() > 0 else sums
