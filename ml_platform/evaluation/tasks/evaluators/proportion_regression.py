"""The evaluator of a proportion regression: R2, errors and rank correlation.

Where every label is 0 or 1 (one yes or no for each row) R2 and Spearman's rank correlation make no sense. ROC AUC,
average precision, the Brier skill and the log loss of the probabilities take their place.
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
from ml_platform.evaluation.metrics.sufficient_statistics import sums_by_cluster
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.ceilings import ceiling_chances
from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions, TaskDetails
from ml_platform.evaluation.tasks.scorers import ConstantScorer
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

ONE_YES_OR_NO = "adoption is one yes or no here, so a share has nothing to vary"
SHARES = "adoption is a share of several occasions here, not one yes or no"
BINS = 10
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class ProportionStatistics:
    """Sufficient statistics by cluster; ``columns`` names the columns of ``sums`` (clusters, columns)."""

    sums: Array
    columns: tuple[str, ...]
    binary: bool
    bare: bool = False
    spearman: tuple[float, float, float] | None = None
    """Mean products of ranks over all rows, each minus a quarter: of both sides, of predictions, of truths."""
    roc_auc: float | None = None
    average_precision: float | None = None

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics by name, each of shape (r,), from ``totals`` (r, columns)."""
        column = {name: totals[:, place] for place, name in enumerate(self.columns)}
        rows = column["rows"]
        mse, mae = column["squares"] / rows, column["errors"] / rows
        metrics = {"mse": mse, "rmse": np.sqrt(mse), "mae": mae, "one_minus_mae": 1.0 - mae}
        metrics["bias"] = column["residuals"] / rows
        if "relative_errors" in column:
            metrics["mape"] = column["relative_errors"] / rows
        return metrics | (self._of_outcomes(column) if self.binary else self._of_shares(column))

    def _of_shares(self, column: dict[str, Array]) -> dict[str, Array]:
        spread = column["truth_squares"] - column["truth"] ** 2 / column["rows"]
        metrics = {"r2": _one_minus(column["squares"], spread)}
        if self.spearman is not None:
            covariance, predicted_variance, true_variance = (
                value + column[name] / column["rows"]
                for name, value in zip(("both", "own", "ranks"), self.spearman, strict=True)
            )
            scale = np.sqrt(np.maximum(predicted_variance, 0.0) * np.maximum(true_variance, 0.0))
            metrics["spearman"] = np.clip(ratio(covariance, scale), -1.0, 1.0)
        return metrics

    def _of_outcomes(self, column: dict[str, Array]) -> dict[str, Array]:
        metrics = {
            "brier_skill": _one_minus(column["squares"], column["base_squares"]),
            "log_loss": column["log_losses"] / column["rows"],
        }
        if self.roc_auc is not None and self.average_precision is not None:
            positives = np.maximum(column["truth"], 1.0)
            negatives = np.maximum(column["rows"] - column["truth"], 1.0)
            auc = column["placed_yes"] / positives + column["placed_no"] / negatives - self.roc_auc
            precision = self.average_precision + column["precision"] / positives
            metrics["roc_auc"] = np.clip(auc, 0.0, 1.0)
            metrics["average_precision"] = np.clip(precision, 0.0, 1.0)
        return metrics


@dataclass(frozen=True)
class ProportionEvaluator(Evaluator):
    """The evaluator of predicted proportions against the label, a number in [0, 1]."""

    @cached_property
    def truth(self) -> Array:
        """The true proportion of each test row, shape (rows,).

        Raises:
            IntegrityError: a proportion is missing or outside [0, 1].
        """
        record = self.training_set.record
        proportions: Array = self.training_set.test[record.label].to_numpy(dtype=np.float64)
        wrong = ~((proportions >= 0) & (proportions <= 1))
        if wrong.any():
            raise IntegrityError(
                f"{record.label} is {proportions[wrong][0]} in a test row, which is no share in [0, 1].",
                remedy="build the training set again from the suggestions",
            )
        return proportions

    @cached_property
    def binary(self) -> bool:
        """Whether every label of training and test part is 0 or 1."""
        train = self.training_set.train[self.training_set.record.label].to_numpy(dtype=np.float64)
        return bool(np.isin(self.truth, (0.0, 1.0)).all() and np.isin(train, (0.0, 1.0)).all())

    @property
    def dummy(self) -> Scorer:
        """The dummy scorer, which returns the mean proportion of the training rows."""
        return ConstantScorer(self.training_set.record.classes, (self._mean,))

    @property
    def _mean(self) -> float:
        return float(self.training_set.train[self.training_set.record.label].mean())

    def sufficient_statistics(self, predictions: Predictions) -> ProportionStatistics:
        """Compute errors, spread and ranks by cluster."""
        truth, predicted = self.truth, predictions.values[:, 0]
        row_values = {
            "rows": np.ones(len(truth)),
            "truth": truth,
            "truth_squares": truth**2,
            "squares": (truth - predicted) ** 2,
            "errors": np.abs(truth - predicted),
            "residuals": predicted - truth,
        }
        if (truth != 0).all():
            row_values["relative_errors"] = np.abs(truth - predicted) / np.abs(truth)
        if self.binary:
            return self._binary_sums(row_values, predicted)
        ranks = spearman_influence(predicted, truth)
        if ranks is None:
            return ProportionStatistics(self._by_cluster(row_values), tuple(row_values), False)
        row_values |= {"both": ranks.both, "own": ranks.first, "ranks": ranks.second}
        return ProportionStatistics(
            self._by_cluster(row_values), tuple(row_values), False, spearman=ranks.values
        )

    def _binary_sums(self, row_values: dict[str, Array], predicted: Array) -> ProportionStatistics:
        truth, tiny = self.truth, np.finfo(np.float64).eps
        yes = truth == 1
        right = np.clip(np.where(yes, predicted, 1.0 - predicted), tiny, 1 - tiny)
        row_values |= {"base_squares": (truth - self._mean) ** 2, "log_losses": -np.log(right)}
        ranking = rank_class(yes, predicted)
        if ranking is None:
            return ProportionStatistics(self._by_cluster(row_values), tuple(row_values), True)
        names = ("placed_yes", "placed_no", "precision")
        row_values |= dict(zip(names, ranking.row_terms(yes), strict=True))
        return ProportionStatistics(
            self._by_cluster(row_values),
            tuple(row_values),
            True,
            roc_auc=ranking.roc_auc,
            average_precision=ranking.average_precision,
        )

    def _by_cluster(self, row_values: dict[str, Array]) -> Array:
        return sums_by_cluster(row_values.values(), self.rows.clusters, self.cluster_count)

    def ceiling(self, bayes_rule: "pd.DataFrame") -> Predictions:
        """Return the expected proportions of the Bayes rule, which are its ``probability``.

        Raises:
            IntegrityError: a test row without an expected proportion.
        """
        return Predictions(ceiling_chances(bayes_rule, self.rows.ids)[:, None])

    def details(self, predictions: Predictions) -> TaskDetails:
        """Return predicted beside true proportions by tenths of the rows, and quantiles of the residuals."""
        names = ("roc_auc", "average_precision", "brier_skill", "log_loss")
        without = dict.fromkeys(names, SHARES)
        if self.binary:
            without = dict.fromkeys(("r2", "spearman"), ONE_YES_OR_NO)
        zeros = int((self.truth == 0).sum())
        if zeros:
            without["mape"] = (
                f"{zeros} of {len(self.truth)} true shares are 0, by which no error can be divided"
            )
        predicted = predictions.values[:, 0]
        return TaskDetails(
            tables=(
                expected_and_true(predicted, self.truth),
                residual_quantiles(predicted, self.truth),
            ),
            not_applicable=without,
        )


def expected_and_true(predicted: Array, truth: Array) -> ReportTable:
    """Tabulate rows, mean prediction, mean truth, bias and mean error, by tenths of the rows by prediction."""
    parts = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    rows = tuple(
        (
            number + 1,
            len(part),
            float(predicted[part].mean()),
            float(truth[part].mean()),
            float((predicted[part] - truth[part]).mean()),
            float(np.abs(predicted[part] - truth[part]).mean()),
        )
        for number, part in enumerate(parts)
        if len(part)
    )
    return ReportTable(
        "Expected and true share, by tenths of the rows",
        ("tenth", "rows", "expected", "true", "bias", "mean error"),
        rows,
    )


def residual_quantiles(predicted: Array, truth: Array) -> ReportTable:
    """Tabulate quantiles of the residuals (prediction minus truth) and of the absolute residuals.

    They have no intervals, since a quantile is no function of sums over clusters.
    """
    residuals = predicted - truth
    rows = tuple(
        (share, float(np.quantile(residuals, share)), float(np.quantile(np.abs(residuals), share)))
        for share in QUANTILES
    )
    return ReportTable(
        "Residuals: prediction less truth",
        ("share of the rows below", "residual", "absolute residual"),
        rows,
    )


def _one_minus(errors: Array, spread: Array) -> Array:
    """Return 1 - errors / spread; 0 where nothing varies."""
    varies = spread > 1e-12
    quotients: Array = np.where(varies, 1.0 - errors / np.where(varies, spread, 1.0), 0.0)
    return quotients
