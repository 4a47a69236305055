"""An isolation forest over deviations, its score as a number in [0, 1], and an alarm at a chosen rate.

No tree (Liu, Ting, Zhou 2008) sees a label; ``contamination`` stays 'auto' and decides nothing. The alarm
rate is a parameter: the share of training rows whose score is at or above the threshold. Labels decide one thing:
how many rows a tree sees, where enough of them are known to choose by (`tree_size`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import UsageError
from ml_platform.models.isolation_forest.artifact_kinds import ISOLATION_FOREST
from ml_platform.models.isolation_forest.deviations import (
    DEVIATIONS_FILE,
    Deviations,
    Matrix,
    fit_deviations,
    numbers,
)
from ml_platform.models.isolation_forest.onnx_export import export_isolation
from ml_platform.models.isolation_forest.scorer import ALARM, ALARM_FILE, AlarmScale
from ml_platform.models.isolation_forest.tree_size import (
    DEFAULT_SIZE,
    LabelledRows,
    chosen_size,
)
from ml_platform.models.one_standard_error import CHOSEN
from ml_platform.models.onnx_model import MODEL_FILE
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.task import NO, YES
from ml_platform.spec.training_set import CLUSTER
from ml_platform.training_sets.coded_column import coded_column
from ml_platform.training_sets.time_split import Fold, Gap, row_folds

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.ensemble import IsolationForest

    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet

CLASSES = (NO, YES)
FOLDS = 3
CHUNK = 100_000
"""Rows that scikit-learn scores at a time."""


@dataclass(frozen=True)
class IsolationHyperparameters:
    """How the forest is grown, and how often it may raise an alarm."""

    trees: int = 200
    samples: int = DEFAULT_SIZE
    """Rows that each tree sees, without replacement; all of them where there are fewer."""
    alarm_rate: float = 0.0275

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> "IsolationHyperparameters":
        """The hyperparameters among the ``parameters`` of a fit; ``samples`` is the default where it is `CHOSEN`.

        Raises:
            UsageError: ``samples`` is neither `CHOSEN` nor a whole number from 2 on.
        """
        samples = str(parameters["samples"])
        if samples != CHOSEN and not (samples.isdecimal() and int(samples) >= 2):
            raise UsageError(
                f"samples is {samples!r}; it must be {CHOSEN!r} or a whole number from 2 on.",
                remedy=f"set samples to {CHOSEN!r}, or to the rows that each tree shall see",
            )
        return cls(
            int(str(parameters["trees"])),
            DEFAULT_SIZE if samples == CHOSEN else int(samples),
            float(str(parameters["alarm_rate"])),
        )


@dataclass(frozen=True)
class IsolationEstimator:
    """The scikit-learn side, in double precision; parity holds the artifact to it."""

    deviations: Deviations
    forest: "IsolationForest"
    scale: AlarmScale
    threshold: float = ALARM
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Shape (rows, 2): one minus the score, and the score."""
        score = self.scale.of(isolation(self.forest, self.deviations.transform(rows)))
        return np.column_stack([1.0 - score, score])

    @property
    def artifact(self) -> Artifact:
        """What is served."""
        return Artifact(
            kind=ISOLATION_FOREST.name,
            classes=CLASSES,
            features=MappingProxyType(self.deviations.features),
            files=MappingProxyType(
                {
                    MODEL_FILE: export_isolation(self.forest),
                    DEVIATIONS_FILE: self.deviations.to_file(),
                    ALARM_FILE: self.scale.to_file(),
                }
            ),
        )


def fit_isolation(
    training_set: "TrainingSet",
    sides: Mapping[str, int],
    request: "FitRequest",
    gap: timedelta,
) -> "FitOutcome":
    """The forest on all training rows; on later blocks of time the rate of alarms and, by labels, more.

    Raises:
        UsageError: a parameter has an impossible value.
    """
    from ml_platform.spec.model import FitOutcome

    started = time.perf_counter()
    rows, label = training_set.train, training_set.record.label
    hyperparameters = IsolationHyperparameters.of(request.parameters)
    values = numbers(rows, tuple(sides))
    folds = list(row_folds(rows, FOLDS, Gap.between_folds(gap), start_blocks=2))
    if request.parameters["samples"] == CHOSEN:
        size = _chosen_size(rows, label, values, sides, hyperparameters, request, folds)
        hyperparameters = replace(hyperparameters, samples=size)
    metrics = []
    for fold in folds:
        fitted = grow(values[fold.fit], sides, hyperparameters, request.seed)
        held_out = rows.iloc[fold.held_out]
        metrics.append(_held_out(fitted.predict_proba(held_out)[:, 1], held_out[label]))
        request.progress(
            f"block {fold.number + 1}/{FOLDS}: {metrics[-1]['alarm_rate']:.4f} alarms a session, "
            f"ROC AUC {metrics[-1].get('roc_auc', float('nan')):.3f} on {len(held_out)} rows"
        )
    estimator = grow(values, sides, hyperparameters, request.seed)
    request.progress(f"{hyperparameters.trees} trees on {len(rows)} rows")
    return FitOutcome(
        estimator=estimator,
        artifact=estimator.artifact,
        parameters={
            "trees": hyperparameters.trees,
            "samples": hyperparameters.samples,
            "alarm_rate": hyperparameters.alarm_rate,
            "alarm_at": estimator.scale.alarm,
            "rows": len(rows),
            "seed": request.seed,
        },
        fold_metrics=tuple(metrics),
        seconds=time.perf_counter() - started,
    )


def _chosen_size(
    rows: "pd.DataFrame",
    label: str,
    values: Array,
    sides: Mapping[str, int],
    hyperparameters: IsolationHyperparameters,
    request: "FitRequest",
    folds: list[Fold],
) -> int:
    labels = rows[label]
    labelled = LabelledRows(
        labels.notna().to_numpy(dtype=bool),
        (labels == YES).to_numpy(dtype=bool, na_value=False),
        coded_column(rows[CLUSTER]).codes,
    )

    def isolation_of(fold: Fold, size: int) -> Array:
        sized = replace(hyperparameters, samples=size)
        deviations, forest = _forest(values[fold.fit], sides, sized, request.seed)
        return isolation(forest, deviations.of_numbers(values[fold.held_out]))

    return chosen_size(folds, labelled, isolation_of, request.progress)


def grow(
    values: Array, sides: Mapping[str, int], hyperparameters: IsolationHyperparameters, seed: int
) -> IsolationEstimator:
    """Scaler, forest and alarm from ``values`` (rows, features) in the order of ``sides``; NaN where missing."""
    deviations, forest = _forest(values, sides, hyperparameters, seed)
    scores = isolation(forest, deviations.of_numbers(values))
    return IsolationEstimator(
        deviations, forest, AlarmScale.fit(scores, hyperparameters.alarm_rate)
    )


def _forest(
    values: Array, sides: Mapping[str, int], hyperparameters: IsolationHyperparameters, seed: int
) -> tuple[Deviations, "IsolationForest"]:
    from sklearn.ensemble import IsolationForest

    deviations = fit_deviations(values, sides)
    matrix = deviations.of_numbers(values)
    forest = IsolationForest(
        n_estimators=hyperparameters.trees,
        max_samples=min(hyperparameters.samples, len(matrix)),
        contamination="auto",
        random_state=seed,
    )
    return deviations, forest.fit(matrix)


def isolation(forest: "IsolationForest", matrix: Matrix) -> Array:
    """The anomaly score of the paper, shape (rows,), in (0, 1): near 1 is isolated by few splits."""
    parts = [
        -forest.score_samples(matrix[start : start + CHUNK])
        for start in range(0, len(matrix), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _held_out(score: Array, labels: "pd.Series[str]") -> dict[str, float]:
    """Metrics of a held-out block; those that need labels only where there are some of both classes."""
    from sklearn.metrics import roc_auc_score

    alarm = score >= ALARM
    metrics = {"rows": float(len(score)), "alarm_rate": float(alarm.mean())}
    known = labels.notna().to_numpy()
    truth = (labels == YES).to_numpy(dtype=bool)[known]
    if truth.any() and not truth.all():
        caught = alarm[known] & truth
        metrics["recall"] = float(caught.sum() / truth.sum())
        metrics["precision"] = float(caught.sum() / max(alarm[known].sum(), 1))
        metrics["roc_auc"] = float(roc_auc_score(truth, score[known]))
    return metrics
