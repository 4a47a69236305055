"""Fits boosted trees to proportions: cross-entropy on labels in [0, 1], so that predictions are in [0, 1] too.

The learner is scikit-learn's HistGradientBoosting: no less accurate than its GradientBoosting, and cheaper
(docs/suggestion_scorer.md).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.encoding import Encoding, EncodingPlan, fit_categories
from ml_platform.models.gradient_boosting.artifact_kinds import GRADIENT_BOOSTING
from ml_platform.models.gradient_boosting.scikit_learn_internals import proportion_loss
from ml_platform.models.gradient_boosting.trees import (
    TREES_FILE,
    boosted_trees,
    export_boosting,
)
from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.spec.artifact import Artifact
from ml_platform.training_sets.time_split import Gap, row_folds

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingRegressor

    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet


FOLD_ROWS = 200_000
"""Newest rows that the trees of a fold are grown on, at most: its metrics need no more."""


@dataclass(frozen=True)
class BoostingHyperparameters:
    """How the trees are grown; all of it is recorded as the run's parameters."""

    iterations: int = 300
    learning_rate: float = 0.03
    leaves: int = 15
    smallest_leaf: int = 300
    """Rows of a leaf at least; a hundredth of the rows where these are fewer than 30,000."""
    ridge: float = 5.0
    """L2 penalty on leaf values."""
    column_share: float = 0.4
    """The share of the columns that is drawn, anew for each split."""
    repeat_power: float = 0.5
    """The k-th offer of a round weighs k to the power of minus this: its rows say much the same."""
    folds: int = 3

    def leaf(self, rows: int) -> int:
        """Rows of a leaf at least, for so many rows in all."""
        return max(5, min(self.smallest_leaf, rows // 100))


@dataclass(frozen=True)
class BoostingEstimator:
    """The fitted trees in double precision; the parity gate compares the artifact with them."""

    classes: tuple[str, ...]
    encoding: Encoding
    model: "HistGradientBoostingRegressor"

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Expected proportions, shape (rows, 1)."""
        proportions: np.ndarray = self.model.predict(self.encoding.transform(rows))[:, None]
        return proportions


@dataclass(frozen=True)
class BoostingPlan:
    """Which features go in, and what is known of them before any row is seen."""

    encoding: EncodingPlan
    repeats: str = ""
    """The feature that counts earlier rows like this one; empty where rows do not repeat each other."""
    rising: tuple[str, ...] = ()
    """Numbers of which more never lowers the score; a missing one counts as the lowest."""
    falling: tuple[str, ...] = ()
    """Numbers of which more never raises the score."""

    @property
    def signs(self) -> list[int]:
        """1 rising, -1 falling, 0 free, by column of the matrix."""
        names = (*self.encoding.numbers, *self.encoding.categories)
        return [(name in self.rising) - (name in self.falling) for name in names]

    def weights(self, rows: "pd.DataFrame", power: float) -> np.ndarray:
        """The weight of each row, (1 + how many like it came before) to the power of minus ``power``."""
        if not self.repeats:
            return np.ones(len(rows))
        before = np.nan_to_num(rows[self.repeats].to_numpy(dtype=np.float64))
        weights: np.ndarray = (1.0 + before) ** -power
        return weights


@dataclass(frozen=True)
class BoostingRows:
    """Rows ready to be fitted on."""

    matrix: np.ndarray
    share: np.ndarray
    weights: np.ndarray
    signs: list[int]

    def chosen(self, places: np.ndarray) -> "BoostingRows":
        """The rows at ``places``."""
        return replace(
            self,
            matrix=self.matrix[places],
            share=self.share[places],
            weights=self.weights[places],
        )


def fit_boosting(
    training_set: "TrainingSet",
    plan: BoostingPlan,
    hyperparameters: BoostingHyperparameters,
    gap: timedelta,
    request: "FitRequest",
) -> "FitOutcome":
    """Measure expanding folds, then fit the trees on all training rows, then export the artifact."""
    from ml_platform.spec.model import FitOutcome

    started = time.perf_counter()
    record, rows = training_set.record, training_set.train
    share = rows[record.label].to_numpy(dtype=np.float64)
    encoding = Encoding(plan.encoding, 1, fit_categories(rows, plan.encoding), (), ())
    weights = plan.weights(rows, hyperparameters.repeat_power)
    ready = BoostingRows(encoding.transform(rows), share, weights, plan.signs)
    request.progress(f"encoded {len(rows)} rows, {encoding.width} columns")
    metrics = _fold_by_fold(rows, ready, hyperparameters, request.seed, gap, request.progress)
    model = grow(ready, hyperparameters, request.seed)
    trees = boosted_trees(model)
    onnx = export_boosting(trees)
    artifact = Artifact(
        kind=GRADIENT_BOOSTING.name,
        classes=record.classes,
        features=MappingProxyType(plan.encoding.features),
        files=MappingProxyType(
            {MODEL_FILE: onnx, TREES_FILE: trees.to_bytes(), **encoding.to_files()}
        ),
    )
    request.progress(f"{trees.trees} trees, {artifact.size_bytes / 1e6:.1f} MB")
    return FitOutcome(
        estimator=BoostingEstimator(record.classes, encoding, model),
        artifact=artifact,
        parameters={
            "iterations": hyperparameters.iterations,
            "learning_rate": hyperparameters.learning_rate,
            "leaves": hyperparameters.leaves,
            "leaf": hyperparameters.leaf(len(rows)),
            "ridge": hyperparameters.ridge,
            "column_share": hyperparameters.column_share,
            "repeat_power": hyperparameters.repeat_power,
            "columns": encoding.width,
            "seed": request.seed,
        },
        fold_metrics=metrics,
        seconds=time.perf_counter() - started,
    )


def grow(
    ready: BoostingRows, hyperparameters: BoostingHyperparameters, seed: int
) -> "HistGradientBoostingRegressor":
    """The trees fitted to proportions in [0, 1], on one thread, so that equal inputs give equal trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss=proportion_loss(),
        learning_rate=hyperparameters.learning_rate,
        max_iter=hyperparameters.iterations,
        max_leaf_nodes=hyperparameters.leaves,
        min_samples_leaf=hyperparameters.leaf(len(ready.share)),
        l2_regularization=hyperparameters.ridge,
        max_features=hyperparameters.column_share,
        monotonic_cst=ready.signs,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(limits=1, user_api="openmp"):
        model.fit(ready.matrix, ready.share, sample_weight=ready.weights)
    return model


def _fold_by_fold(
    rows: "pd.DataFrame",
    ready: BoostingRows,
    hyperparameters: BoostingHyperparameters,
    seed: int,
    gap: timedelta,
    progress: Callable[[str], None],
) -> tuple[dict[str, float], ...]:
    """Errors on each later block of time by trees that were grown on what came a gap before it."""
    metrics = []
    for fold in row_folds(rows, hyperparameters.folds, Gap.between_folds(gap), start_blocks=2):
        model = grow(ready.chosen(fold.fit[-FOLD_ROWS:]), hyperparameters, seed)
        held = ready.chosen(fold.held_out)
        errors = proportion_errors(held.share, model.predict(held.matrix))
        counts = {
            "rows": float(len(fold.held_out)),
            "fitted_on": float(min(len(fold.fit), FOLD_ROWS)),
        }
        metrics.append({**errors, **counts})
        progress(
            f"block {fold.number + 1}/{hyperparameters.folds}: R2 {errors['r2']:.3f}, MAE {errors['mae']:.3f} "
            f"on {len(fold.held_out)} rows"
        )
    return tuple(metrics)


def proportion_errors(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """R2 (0 where the truth does not vary) and mean absolute error."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    errors = truth - predicted
    return {
        "r2": 1.0 - float((errors**2).sum()) / spread if spread else 0.0,
        "mae": float(np.abs(errors).mean()),
    }
