"""The adapter of a ranking: the items with the highest numbers, best first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.adapter import (
    Gain,
    LoggedPredictions,
    MaturedPredictions,
    TaskAdapter,
)
from ml_platform.evaluation.tasks.decisions import Decisions, NoDecisions
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
from ml_platform.evaluation.tasks.evaluators.ranking import (
    RankingEvaluator,
    RankingStatistics,
    row_statistics,
)
from ml_platform.evaluation.tasks.group_metrics import (
    ERROR,
    EXPOSURE,
    RECALL,
    GroupMetrics,
    Rate,
    no_classes,
    no_decision,
)
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.models.recommenders.top_items import hits, listed, top_items, wanted
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.task import LIST_SEPARATOR, Ranking
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RankingAdapter(TaskAdapter[Ranking]):
    """Ranking: the evaluator is `RankingEvaluator`; a list of items is predicted, not a class."""

    bounded: ClassVar[bool] = False
    """Items are ranked by any finite number."""

    @property
    def primary_metrics(self) -> tuple[str, ...]:
        """NDCG of the list."""
        return (f"ndcg_at_{self.task.k}",)

    @property
    def gains(self) -> Mapping[str, Gain]:
        """The hit rate of the first item."""
        return {"hit_at_1": first_is_wanted}

    def evaluator(self, training_set: TrainingSet, rows: RowClusters) -> Evaluator:
        """Return the evaluator of lists of items."""
        return RankingEvaluator(training_set, rows, self.task)

    @classmethod
    def statistics_types(cls) -> tuple[type[SufficientStatistics], ...]:
        """Return the classes of the sufficient statistics of this task."""
        return (RankingStatistics,)

    def decisions(
        self, training_set: TrainingSet, threshold: float | None
    ) -> Decisions | NoDecisions:
        """Decide on nothing: a list is predicted, not a class."""
        return NoDecisions("it predicts a list, not a class")

    def predictions_kept(self, before: Array, after: Array) -> Array | None:
        """Return the share of the items listed before that are still listed after, shape (rows,)."""
        listed_before = top_items(before, self.task.k)
        listed_after = top_items(after, self.task.k)
        offered = listed_before >= 0
        same = listed_before[:, :, None] == listed_after[:, None, :]
        kept = (same.any(axis=2) & offered).sum(axis=1)
        return np.asarray(kept / np.maximum(offered.sum(axis=1), 1), dtype=np.float64)

    def group_metrics(
        self, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
    ) -> GroupMetrics:
        """Compare groups in 1 - NDCG, in recall, and in the rarity of the offered items among the training rows."""
        k, record = self.task.k, training_set.record
        truth = wanted(training_set.test[record.label], record.classes)
        top = top_items(predictions.values, k)
        row_metrics = row_statistics(hits(top, truth.known), truth.total, k)
        labelled = truth.total > 0
        weight = labelled.astype(np.float64)
        _, item, _ = listed(training_set.train[record.label], record.classes)
        begun_counts = np.bincount(item[item >= 0], minlength=len(record.classes))
        rarity = 1.0 - _relative_ranks(begun_counts)
        offered = top >= 0
        rare = np.where(offered, rarity[np.maximum(top, 0)], 0.0).sum(axis=1)
        loss = 1.0 - row_metrics[f"ndcg_at_{k}"]
        rates = (
            Rate(ERROR, loss * weight, weight, proportion=False),
            Rate(RECALL, row_metrics[f"recall_at_{k}"] * weight, weight, proportion=False),
            Rate(EXPOSURE, rare, offered.sum(axis=1) * 1.0, proportion=False),
        )
        why = "everybody is offered a list of the same length"
        not_applicable = no_classes() | no_decision(why)
        not_applicable["calibration_gap"] = "the numbers of a ranking claim no probability"
        return GroupMetrics(
            loss, labelled, f"1 - nDCG at {k}", rates, not_applicable=not_applicable
        )

    def logged_predictions(
        self, classes: tuple[str, ...], threshold: float | None, values: Array
    ) -> LoggedPredictions:
        """Log the first item, and its share of the sum of the listed items' numbers."""
        listed = -np.sort(-np.clip(values, 0.0, None), axis=1)[:, : self.task.k]
        total = listed.sum(axis=1)
        share = np.divide(listed[:, 0], total, out=np.zeros(len(values)), where=total > 0)
        return LoggedPredictions(np.asarray(classes, dtype=object)[values.argmax(axis=1)], share)

    def logged_outcomes(self, labels: "pd.Series[str]") -> "pd.Series[str]":
        """Return the items of each list, joined by `LIST_SEPARATOR`.

        A list without items is no evidence about a recommendation: it is left out, as in the evaluation.
        """
        import pandas as pd

        known = labels[labels.notna()]
        known = known[np.array([len(items) > 0 for items in known], dtype=bool)]
        texts = [LIST_SEPARATOR.join(items) for items in known]
        return pd.Series(texts, index=known.index, dtype=object)

    def confidence_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return nothing: a share of the numbers of a list is no probability."""
        return None

    def estimated_outcomes(self, matured: MaturedPredictions) -> Array | None:
        """Return 1 where the first item is wanted: the share of the list can be calibrated to that."""
        return first_is_wanted(matured)

    def row_errors(self, training_set: TrainingSet, values: Array, columns: Codes) -> Array:
        """Return 0 where the item in ``columns`` was wanted, else its number; NaN where the label is not known."""
        record = training_set.record
        labels = training_set.test[record.label]
        numbers = values[np.arange(len(values)), columns]
        wanted = [
            record.classes[column] in set(_items(label))
            for column, label in zip(columns, labels, strict=True)
        ]
        return np.where(labels.notna(), np.where(wanted, 0.0, numbers), np.nan)


def first_is_wanted(matured: MaturedPredictions) -> Array:
    """Return 1 where the first item of the list is among the wanted items, else 0, shape (rows,)."""
    pairs = zip(matured.predicted, matured.outcome, strict=True)
    return np.array(
        [first in items.split(LIST_SEPARATOR) for first, items in pairs], dtype=np.float64
    )


def _relative_ranks(counts: Codes) -> Array:
    """Return the rank of each item by ``counts`` (items,), from 0 (rarest) to 1; equal counts share their rank."""
    ordered = np.sort(counts)
    lower = np.searchsorted(ordered, counts, side="left")
    upper = np.searchsorted(ordered, counts, side="right")
    ranks: Array = (lower + upper) / 2.0 / max(len(counts), 1)
    return ranks


def _items(label: Any) -> tuple[str, ...]:
    return tuple(label) if isinstance(label, list | tuple | np.ndarray) else ()
