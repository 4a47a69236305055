"""The judge of an expected share: how near it comes (R2, errors) and how well it ranks.

Where every label is 0 or 1 (one yes or no a row) R2 and Spearman's rank correlation make no sense; there ROC AUC,
average precision, the Brier skill and the log loss say the same things of probabilities.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.rank_correlation import spearman_influence
from ml_platform.evaluation.metrics.ranking_curves import rank_class
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.evaluator import Predictions, TaskDetails
from ml_platform.evaluation.tasks.row_clusters import RowClusters
from ml_platform.evaluation.tasks.scorers import Shares
from ml_platform.spec.model import Scorer
from ml_platform.spec.training_set import TrainingSet

if TYPE_CHECKING:
    import pandas as pd

ONE_YES_OR_NO = "adoption is one yes or no here, so a share has nothing to vary"
SHARES = "adoption is a share of several occasions here, not one yes or no"
BINS = 10
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class ProportionStatistics:
    """SufficientStatistics by cluster; ``columns`` names those of ``sums`` (clusters, columns)."""

    sums: Array
    columns: tuple[str, ...]
    binary: bool
    bare: bool = False
    spearman: tuple[float, float, float] | None = None
    """Products of the ranks of all rows: of both, of the answers, of the truth; each less a quarter."""
    roc_auc: float | None = None
    average_precision: float | None = None

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Metrics by name, each of shape (r,), from ``totals`` (r, columns)."""
        of = {name: totals[:, place] for place, name in enumerate(self.columns)}
        rows = of["rows"]
        mse, mae = of["squares"] / rows, of["errors"] / rows
        found = {"mse": mse, "rmse": np.sqrt(mse), "mae": mae, "one_minus_mae": 1.0 - mae}
        found["bias"] = of["residuals"] / rows
        if "relative_errors" in of:
            found["mape"] = of["relative_errors"] / rows
        return found | (self._of_outcomes(of) if self.binary else self._of_shares(of))

    def _of_shares(self, of: dict[str, Array]) -> dict[str, Array]:
        spread = of["truth_squares"] - of["truth"] ** 2 / of["rows"]
        found = {"r2": _one_minus(of["squares"], spread)}
        if self.spearman is not None:
            both, own, ranks = (
                value + of[name] / of["rows"]
                for name, value in zip(("both", "own", "ranks"), self.spearman, strict=True)
            )
            scale = np.sqrt(np.maximum(own, 0.0) * np.maximum(ranks, 0.0))
            found["spearman"] = np.clip(ratio(both, scale), -1.0, 1.0)
        return found

    def _of_outcomes(self, of: dict[str, Array]) -> dict[str, Array]:
        found = {
            "brier_skill": _one_minus(of["squares"], of["base_squares"]),
            "log_loss": of["log_losses"] / of["rows"],
        }
        if self.roc_auc is not None and self.average_precision is not None:
            positives = np.maximum(of["truth"], 1.0)
            negatives = np.maximum(of["rows"] - of["truth"], 1.0)
            auc = of["placed_yes"] / positives + of["placed_no"] / negatives - self.roc_auc
            precision = self.average_precision + of["precision"] / positives
            found["roc_auc"] = np.clip(auc, 0.0, 1.0)
            found["average_precision"] = np.clip(precision, 0.0, 1.0)
        return found


@dataclass(frozen=True)
class ProportionEvaluator:
    """Judges expected shares against the label, a number in [0, 1]."""

    training_set: TrainingSet
    rows: RowClusters

    @cached_property
    def truth(self) -> Array:
        """Share of each test row.

        Raises:
            IntegrityError: one outside [0, 1], or none.
        """
        record = self.training_set.record
        found: Array = self.training_set.test[record.label].to_numpy(dtype=np.float64)
        wrong = ~((found >= 0) & (found <= 1))
        if wrong.any():
            raise IntegrityError(
                f"{record.label} is {found[wrong][0]} in a test row, which is no share in [0, 1].",
                remedy="build the training set again from the suggestions",
            )
        return found

    @cached_property
    def binary(self) -> bool:
        """Whether every label of training and test part is 0 or 1."""
        train = self.training_set.train[self.training_set.record.label].to_numpy(dtype=np.float64)
        return bool(np.isin(self.truth, (0.0, 1.0)).all() and np.isin(train, (0.0, 1.0)).all())

    @property
    def cluster_count(self) -> int:
        """Clusters among the test rows."""
        return self.rows.cluster_count

    @property
    def change_set_count(self) -> int:
        """Change sets among the test rows."""
        return self.rows.change_set_count

    @property
    def dummy(self) -> Scorer:
        """The mean share of the training rows, for every row."""
        return Shares(self.training_set.record.classes, (self._mean,))

    @property
    def _mean(self) -> float:
        return float(self.training_set.train[self.training_set.record.label].mean())

    def sufficient_statistics(self, predictions: Predictions) -> ProportionStatistics:
        """Errors, spread and ranks by cluster."""
        truth, found = self.truth, predictions.values[:, 0]
        of_rows = {
            "rows": np.ones(len(truth)),
            "truth": truth,
            "truth_squares": truth**2,
            "squares": (truth - found) ** 2,
            "errors": np.abs(truth - found),
            "residuals": found - truth,
        }
        if (truth != 0).all():
            of_rows["relative_errors"] = np.abs(truth - found) / np.abs(truth)
        if self.binary:
            return self._binary_sums(of_rows, found)
        ranks = spearman_influence(found, truth)
        if ranks is None:
            return ProportionStatistics(self._by_cluster(of_rows), tuple(of_rows), False)
        of_rows |= {"both": ranks.both, "own": ranks.first, "ranks": ranks.second}
        return ProportionStatistics(
            self._by_cluster(of_rows), tuple(of_rows), False, spearman=ranks.values
        )

    def _binary_sums(self, of_rows: dict[str, Array], found: Array) -> ProportionStatistics:
        truth, tiny = self.truth, np.finfo(np.float64).eps
        yes = truth == 1
        right = np.clip(np.where(yes, found, 1.0 - found), tiny, 1 - tiny)
        of_rows |= {"base_squares": (truth - self._mean) ** 2, "log_losses": -np.log(right)}
        ranking = rank_class(yes, found)
        if ranking is None:
            return ProportionStatistics(self._by_cluster(of_rows), tuple(of_rows), True)
        of_rows |= {
            "placed_yes": ranking.placements * yes,
            "placed_no": ranking.placements * ~yes,
            "precision": ranking.precision_influence,
        }
        return ProportionStatistics(
            self._by_cluster(of_rows),
            tuple(of_rows),
            True,
            roc_auc=ranking.roc_auc,
            average_precision=ranking.average_precision,
        )

    def _by_cluster(self, of_rows: dict[str, Array]) -> Array:
        clusters, count = self.rows.clusters, self.cluster_count
        return np.stack(
            [np.bincount(clusters, values, minlength=count) for values in of_rows.values()], axis=1
        )

    def ceiling(self, found: "pd.DataFrame") -> Predictions:
        """The expected shares of the Bayes rule, which are its ``probability``.

        Raises:
            IntegrityError: a test row without one.
        """
        values = self.rows.ids.map(found.set_index("row_id")["probability"]).to_numpy(np.float64)
        missing = int(np.isnan(values).sum())
        if missing:
            raise IntegrityError(
                f"{missing} of {len(values)} test rows have no ceiling.",
                remedy="ingest the source's ceilings for the same days, or judge without a ceiling",
            )
        return Predictions(values[:, None])

    def details(self, predictions: Predictions) -> TaskDetails:
        """What was expected beside what came true, by tenths of the answers."""
        names = ("roc_auc", "average_precision", "brier_skill", "log_loss")
        without = dict.fromkeys(names, SHARES)
        if self.binary:
            without = dict.fromkeys(("r2", "spearman"), ONE_YES_OR_NO)
        zeros = int((self.truth == 0).sum())
        if zeros:
            without["mape"] = (
                f"{zeros} of {len(self.truth)} true shares are 0, by which no error can be divided"
            )
        found = predictions.values[:, 0]
        return TaskDetails(
            tables=(expected_and_true(found, self.truth), residual_quantiles(found, self.truth)),
            not_applicable=without,
        )


def expected_and_true(found: Array, truth: Array) -> ReportTable:
    """Tenths of the rows by answer, from the lowest: rows, mean answer, mean share, bias, mean error."""
    parts = np.array_split(np.argsort(found, kind="stable"), BINS)
    rows = tuple(
        (
            number + 1,
            len(part),
            float(found[part].mean()),
            float(truth[part].mean()),
            float((found[part] - truth[part]).mean()),
            float(np.abs(found[part] - truth[part]).mean()),
        )
        for number, part in enumerate(parts)
        if len(part)
    )
    return ReportTable(
        "Expected and true share, by tenths of the rows",
        ("tenth", "rows", "expected", "true", "bias", "mean error"),
        rows,
    )


def residual_quantiles(found: Array, truth: Array) -> ReportTable:
    """Quantiles of the residuals (answer less truth) and of their size, whose middle is the median absolute error.

    Without intervals: a quantile is no function of sums over clusters.
    """
    residuals = found - truth
    rows = tuple(
        (share, float(np.quantile(residuals, share)), float(np.quantile(np.abs(residuals), share)))
        for share in QUANTILES
    )
    return ReportTable(
        "Residuals: answer less truth",
        ("share of the rows below", "residual", "absolute residual"),
        rows,
    )


def _one_minus(errors: Array, spread: Array) -> Array:
    """1 - errors / spread; 0 where nothing varies."""
    varies = spread > 1e-12
    found: Array = np.where(varies, 1.0 - errors / np.where(varies, spread, 1.0), 0.0)
    return found
