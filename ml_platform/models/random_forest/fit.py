"""Fits a random forest: cross-fitted target encoding, folds by time, calibration, artifact."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.encoding import Encoding, EncodingPlan
from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.models.random_forest.artifact_kinds import RANDOM_FOREST
from ml_platform.models.random_forest.calibration import (
    Calibration,
    fit_calibration,
    held_out_metrics,
)
from ml_platform.models.random_forest.encode_training import (
    TrainingMatrix,
    change_set_codes,
    change_set_sizes,
    encode_training,
)
from ml_platform.models.rules import class_codes
from ml_platform.spec.artifact import Artifact
from ml_platform.training_sets.time_split import Gap, purged_folds, some_sessions, time_blocks

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.ensemble import RandomForestClassifier

    from ml_platform.spec.model import FitOutcome
    from ml_platform.spec.training_set import TrainingSet

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ForestHyperparameters:
    """How a forest is fitted; all of it is recorded as the run's parameters."""

    trees: int
    smallest_leaf: int
    """Rows of a leaf at least, where fewer than ``drawn_most`` rows are drawn; in proportion above."""
    leaf_share: float
    """A leaf holds at least this share of the rows drawn for a tree: bounds the size of the ONNX file."""
    drawn_share: float
    drawn_most: int
    """Rows drawn for a tree: ``drawn_share`` of all, and no more than this."""
    change_set_weight_power: float
    """A row weighs its change set's number of rows to the power of minus this: 0 counts rows, 1 counts change
    sets."""
    folds: int
    threads: int = 2
    most_rows: int = 1_000_000
    """Rows that are learned from, about: of a longer history whole sessions, evenly spaced (docs/scale.md)."""

    def drawn(self, rows: int) -> int:
        """Rows drawn (with replacement) for each tree."""
        return max(1, min(round(rows * self.drawn_share), self.drawn_most))

    def leaf(self, rows: int) -> int:
        """Rows that a leaf holds at least."""
        return max(self.smallest_leaf, round(self.drawn(rows) * self.leaf_share))


@dataclass(frozen=True)
class ForestEstimator:
    """The fitted forest in double precision; the parity gate compares the artifact with it."""

    classes: tuple[str, ...]
    encoding: Encoding
    forest: "RandomForestClassifier"
    calibration: Calibration

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        matrix = self.encoding.transform(rows)
        return self.calibration.apply(forest_probabilities(self.forest, matrix, len(self.classes)))


def fit_forest_model(
    training_set: "TrainingSet",
    plan: EncodingPlan,
    hyperparameters: ForestHyperparameters,
    seed: int,
    gap: timedelta,
    progress: Progress,
) -> "FitOutcome":
    """Fit folds by time for metrics and calibration, then the forest on all training rows; make the artifact.

    Raises:
        InsufficientData: around a block of time the gap leaves no row to fit on.
    """
    from ml_platform.models.random_forest.onnx_export import export_forest
    from ml_platform.spec.model import FitOutcome

    started = time.perf_counter()
    record, rows = training_set.record, some_sessions(training_set.train, hyperparameters.most_rows)
    count = len(record.classes)
    truth = class_codes(rows, record.label, record.classes)
    blocks = time_blocks(rows, hyperparameters.folds)
    encoded = encode_training(rows, truth, count, plan, blocks)
    weights = change_set_sizes(rows) ** -hyperparameters.change_set_weight_power
    progress(f"encoded {len(rows)} rows, {encoded.encoding().width} columns, {_since(started)}")
    raw, metrics = _fold_by_fold(
        rows, encoded, truth, weights, hyperparameters, seed, gap, progress
    )
    shares = np.bincount(truth, weights=weights, minlength=count) / weights.sum()
    calibration, alpha = fit_calibration(raw, truth, change_set_codes(rows), shares)
    forest = _fit(encoded.cross_fitted(), truth, weights, hyperparameters, seed)
    encoding = encoded.encoding()
    onnx = export_forest(forest, calibration, count)
    artifact = Artifact(
        kind=RANDOM_FOREST.name,
        classes=record.classes,
        features=MappingProxyType(plan.features),
        files=MappingProxyType({MODEL_FILE: onnx, **encoding.to_files()}),
    )
    progress(f"final forest and ONNX, {len(onnx) / 1e6:.1f} MB, {_since(started)}")
    return FitOutcome(
        estimator=ForestEstimator(record.classes, encoding, forest, calibration),
        artifact=artifact,
        parameters=_parameters(hyperparameters, len(rows), seed, calibration, alpha, encoding),
        fold_metrics=metrics,
        seconds=time.perf_counter() - started,
    )


def _fold_by_fold(
    rows: "pd.DataFrame",
    encoded: TrainingMatrix,
    truth: np.ndarray,
    weights: np.ndarray,
    hyperparameters: ForestHyperparameters,
    seed: int,
    gap: timedelta,
    progress: Progress,
) -> tuple[np.ndarray, tuple[dict[str, float], ...]]:
    """Raw probabilities of every training row by a forest that has not seen its block, and metrics."""
    raw = np.zeros((len(rows), encoded.classes))
    change_sets = change_set_codes(rows)
    metrics = []
    total = int(encoded.blocks.max()) + 1
    for fold in purged_folds(rows, encoded.blocks, Gap.between_folds(gap)):
        fold.require_rows_to_fit(gap)
        began = time.perf_counter()
        matrix = encoded.cross_fitted({fold.number})
        forest = _fit(matrix[fold.fit], truth[fold.fit], weights[fold.fit], hyperparameters, seed)
        held = fold.held_out
        raw[held] = forest_probabilities(forest, matrix[held], encoded.classes)
        del matrix, forest
        figures = held_out_metrics(raw[held], truth[held], change_sets[held])
        metrics.append({**figures, "rows": float(len(held)), "fitted_on": float(len(fold.fit))})
        progress(
            f"fold {fold.number + 1}/{total}: accuracy {figures['accuracy']:.3f}, "
            f"macro-F1 {figures['macro_f1']:.3f} on {len(held)} rows, {_since(began)}"
        )
    return raw, tuple(metrics)


def _fit(
    matrix: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray,
    hyperparameters: ForestHyperparameters,
    seed: int,
) -> "RandomForestClassifier":
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_estimators=hyperparameters.trees,
        min_samples_leaf=hyperparameters.leaf(len(matrix)),
        max_features="sqrt",
        max_samples=hyperparameters.drawn(len(matrix)),
        n_jobs=hyperparameters.threads,
        random_state=seed,
    )
    return forest.fit(matrix, truth, sample_weight=weights)


def forest_probabilities(
    forest: "RandomForestClassifier", matrix: np.ndarray, classes: int, threads: int = 2
) -> np.ndarray:
    """Shape (rows, classes), 0 for classes the forest has not seen; trees are summed in their order.

    The forest's own ``predict_proba`` sums in the order in which its threads finish, which differs in the
    last bit from run to run; here threads share the rows, not the trees.
    """
    from concurrent.futures import ThreadPoolExecutor

    probabilities = np.zeros((len(matrix), classes))
    known = np.asarray(forest.classes_, dtype=np.int64)

    def score(part: np.ndarray) -> None:
        total = np.zeros((len(part), len(known)))
        chosen = np.ascontiguousarray(matrix[part])
        for tree in forest.estimators_:
            total += tree.predict_proba(chosen, check_input=False)
        probabilities[np.ix_(part, known)] = total / len(forest.estimators_)

    pieces = max(threads, -(-len(matrix) // 20_000))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(score, np.array_split(np.arange(len(matrix)), pieces)))
    return probabilities


def _parameters(
    hyperparameters: ForestHyperparameters,
    rows: int,
    seed: int,
    calibration: Calibration,
    alpha: float,
    encoding: Encoding,
) -> dict[str, str | int | float | bool]:
    return {
        "trees": hyperparameters.trees,
        "leaf": hyperparameters.leaf(rows),
        "drawn": hyperparameters.drawn(rows),
        "folds": hyperparameters.folds,
        "most_rows": hyperparameters.most_rows,
        "change_set_weight_power": hyperparameters.change_set_weight_power,
        "columns": encoding.width,
        "words": sum(len(words) for words in encoding.words),
        "offset_alpha": alpha,
        "temperature": calibration.temperature,
        "seed": seed,
    }


def _since(started: float) -> str:
    return f"{time.perf_counter() - started:.1f} s"
