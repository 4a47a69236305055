"""The evaluator of a ranking: lists of k items for each row against the items that turned out to be wanted.

Rows in which no item was wanted are no evidence of relevance and are left out of its metrics; the report shows how
many there are. A wanted item that is no class (it is newer than the fit) could not be recommended: it is missed.

| metric             | of a row with wanted items                                                       |
|--------------------|----------------------------------------------------------------------------------|
| ``precision_at_k`` | wanted items among the k, over k                                                 |
| ``recall_at_k``    | wanted items among the k, over all wanted items                                  |
| ``hit_at_k``       | 1 if one of the k was wanted; ``hit_at_1``: if the first was                     |
| ``mrr``            | one over the place of the first wanted item, 0 if none of the k was              |
| ``map_at_k``       | mean over the wanted items, k at most, of the precision at their places          |
| ``ndcg_at_k``      | discounted gain over that of the best list                                       |

Three metrics describe all lists together: ``coverage``, the share of items that anybody is offered, which grows
with the rows (a resample, with some users left out, covers less, so its interval reaches too low: see
`intervals.bootstrap.interval`); ``effective_coverage``, the same by the exponential of the entropy of what is
offered; ``novelty``, the mean information of an offered item in bits: how rarely people of the training part began
it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.sufficient_statistics import sums_by_cluster
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.ceilings import ceiling_texts
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.scorers import ConstantScorer
from ml_platform.models.recommenders.top_items import (
    NOT_OFFERED,
    Wanted,
    hits,
    listed,
    ndcg_rows,
    top_items,
    wanted,
)
from ml_platform.spec.task import LIST_SEPARATOR, Ranking

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.model import Scorer

MOST_COUNTED = 2_000
"""The most items for which coverage is computed, since each has a column in the statistics of every cluster."""
_NOTHING_WANTED = "nobody in the test rows went on to use anything new"
_HISTORIES = (("no item used yet", 0, 0), ("1 to 9 items", 1, 9), ("10 or more", 10, None))


@dataclass(frozen=True)
class RankingStatistics:
    """Sufficient statistics by cluster; ``columns`` names the first columns of ``sums``, item counts follow."""

    k: int
    columns: tuple[str, ...]
    sums: Array
    """Shape (clusters, columns + items)."""
    items: int
    """How many items have a column; 0 if there are too many to compute coverage."""

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from ``totals`` (r, columns + items)."""
        column = {name: totals[:, i] for i, name in enumerate(self.columns)}
        metrics: dict[str, Array] = {}
        if self.sums[:, self.columns.index("rows")].any():
            for name in relevance_names(self.k):
                metrics[name] = ratio(column[name], column["rows"])
        metrics["novelty"] = ratio(column["bits"], column["offered"])
        if self.items:
            counts = totals[:, len(self.columns) :]
            metrics["coverage"] = (counts > 0).mean(axis=1)
            metrics["effective_coverage"] = np.exp(_entropy(counts)) / self.items
        return metrics


def relevance_names(k: int) -> tuple[str, ...]:
    """Return the names of the metrics that are means over the rows with wanted items."""
    named = tuple(f"{name}_at_{k}" for name in ("ndcg", "precision", "recall", "hit", "map"))
    return (*named, "hit_at_1", "mrr")


@dataclass(frozen=True)
class RankingEvaluator(Evaluator):
    """The evaluator of lists of ``task.k`` items."""

    task: Ranking

    @cached_property
    def wanted(self) -> Wanted:
        """The items that turned out to be wanted in each test row."""
        record = self.training_set.record
        return wanted(self.training_set.test[record.label], record.classes)

    @cached_property
    def shares(self) -> Array:
        """The share of each item among the adoptions of the training rows, with one added to each count."""
        record = self.training_set.record
        _, item, _ = listed(self.training_set.train[record.label], record.classes)
        counts = np.bincount(item[item >= 0], minlength=len(record.classes)) + 1.0
        shares: Array = counts / counts.sum()
        return shares

    @property
    def dummy(self) -> "Scorer":
        """The dummy scorer, which offers every row the most popular items of the training part."""
        shares = tuple(float(share) for share in self.shares)
        return ConstantScorer(self.training_set.record.classes, shares)

    def sufficient_statistics(self, predictions: Predictions) -> RankingStatistics:
        """Compute relevance, novelty and counts of offered items by cluster."""
        top = top_items(predictions.values, self.task.k)
        bits = -np.log2(self.shares)
        offered = top >= 0
        row_metrics = row_statistics(hits(top, self.wanted.known), self.wanted.total, self.task.k)
        row_metrics["rows"] = (self.wanted.total > 0).astype(np.float64)
        row_metrics["bits"] = np.where(offered, bits[np.maximum(top, 0)], 0.0).sum(axis=1)
        row_metrics["offered"] = offered.sum(axis=1).astype(np.float64)
        count, clusters = self.cluster_count, self.rows.clusters
        items = len(bits) if len(bits) <= MOST_COUNTED else 0
        counts = _item_counts(top, clusters, count, items)
        sums = np.hstack([sums_by_cluster(row_metrics.values(), clusters, count), counts])
        return RankingStatistics(self.task.k, tuple(row_metrics), sums, items)

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return the Bayes rule's lists, from ``prediction``: items joined by ``|``, the best first.

        Raises:
            IntegrityError: a test row without a list.
        """
        classes = self.training_set.record.classes
        lists = ceiling_texts(bayes_rule, self.rows.ids)
        place = {item: i for i, item in enumerate(classes)}
        values = np.full((len(lists), len(classes)), NOT_OFFERED)
        for row, text in enumerate(lists):
            for rank, item in enumerate(text.split(LIST_SEPARATOR)):
                if item in place:
                    values[row, place[item]] = 1.0 / (1.0 + rank)
        return Predictions(values, bare=True)

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return relevance by the number of items that a user has used already, and the most offered items."""
        top = top_items(predictions.values, self.task.k)
        undefined = {}
        if not (self.wanted.total > 0).any():
            undefined = dict.fromkeys(relevance_names(self.task.k), _NOTHING_WANTED)
        tables = (self._by_history(predictions.values, top), self._most_offered(top))
        return TaskDetails(tables=tables, undefined=undefined)

    def _by_history(self, values: Array, top: Codes) -> ReportTable:
        """Tabulate relevance by the length of a user's history: the items that the user has are never offered."""
        row_metrics = row_statistics(hits(top, self.wanted.known), self.wanted.total, self.task.k)
        used = (values < 0).sum(axis=1)
        names = relevance_names(self.task.k)
        rows = []
        for title, least, most in _HISTORIES:
            inside = (used >= least) & (used <= (used.max() if most is None else most))
            with_wanted = inside & (self.wanted.total > 0)
            figures = [
                float(row_metrics[name][with_wanted].mean()) if with_wanted.any() else None
                for name in names
            ]
            rows.append((title, int(inside.sum()), int(with_wanted.sum()), *figures))
        return ReportTable(
            title="By the items a user had used (relevance over the rows in which one was begun)",
            columns=("history", "rows", "with a begun item", *names),
            rows=tuple(rows),
        )

    def _most_offered(self, top: Codes) -> ReportTable:
        classes = self.training_set.record.classes
        counts = np.bincount(top[top >= 0], minlength=len(classes))
        wanted_counts = self.wanted.known.sum(axis=0)
        order = np.argsort(-counts, kind="stable")[:10].tolist()
        return ReportTable(
            title="Most offered",
            columns=("item", "offered", "begun"),
            rows=tuple((classes[i], int(counts[i]), int(wanted_counts[i])) for i in order),
        )


def row_statistics(hit: Array, total: NDArray[np.int64], k: int) -> dict[str, Array]:
    """Compute the relevance metrics of each row's list, (rows,) each; 0 in rows where nothing was wanted."""
    positions = np.arange(1, hit.shape[1] + 1)
    hit_counts = hit.sum(axis=1)
    wanted_counts = np.maximum(total, 1)
    precisions = np.cumsum(hit, axis=1) / positions
    return {
        f"ndcg_at_{k}": ndcg_rows(hit, total),
        f"precision_at_{k}": hit_counts / k,
        f"recall_at_{k}": hit_counts / wanted_counts,
        f"hit_at_{k}": (hit_counts > 0).astype(np.float64),
        f"map_at_{k}": (precisions * hit).sum(axis=1) / np.minimum(wanted_counts, k),
        "hit_at_1": hit[:, 0].copy(),
        "mrr": (hit / positions).max(axis=1),
    }


def _item_counts(top: Codes, clusters: Codes, count: int, items: int) -> Array:
    if not items:
        return np.zeros((count, 0))
    flat = (clusters[:, None] * items + top)[top >= 0]
    counts = np.bincount(flat, minlength=count * items).astype(np.float64)
    return counts.reshape(count, items)


def _entropy(counts: Array) -> Array:
    """Compute the entropy in natural logarithms, shape (r,), from ``counts`` (r, items)."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    entropies: Array = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
    return entropies
