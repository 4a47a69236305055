"""The evaluator of a proportion regression against scikit-learn and scipy, for both kinds of label."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.metrics.rank_correlation import spearman_influence
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.proportion_regression import (
    ProportionEvaluator,
    expected_and_true,
    residual_quantiles,
)
from ml_platform.evaluation.tasks.row_clusters import row_clusters
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import make_training_set

ROWS = 400


def share_set(*, binary: bool, seed: int = 0) -> TrainingSet:
    random = np.random.default_rng(seed)
    base = make_training_set(ROWS)
    parts = []
    for part in (base.train, base.test):
        chance = random.beta(0.7, 0.7, ROWS)
        label = random.binomial(1 if binary else 10, chance) / (1 if binary else 10)
        rows = part.iloc[:ROWS].reset_index(drop=True)
        parts.append(rows.assign(adopted_share=label, chance=np.round(chance, 2)))
    record = replace(base.record, label="adopted_share", classes=("adopted_share",))
    return TrainingSet(record, *parts)


def judged(
    training_set: TrainingSet, values: np.ndarray
) -> tuple[ProportionEvaluator, dict[str, float]]:
    evaluator = ProportionEvaluator(training_set, row_clusters(training_set))
    sums = evaluator.sufficient_statistics(Predictions(values[:, None]))
    metric_values = sums.metrics(sums.sums.sum(axis=0)[None])
    return evaluator, {name: float(value[0]) for name, value in metric_values.items()}


def test_shares_are_judged_as_by_scikit_learn_and_scipy() -> None:
    rows = share_set(binary=False)
    truth, values = rows.test["adopted_share"].to_numpy(), rows.test["chance"].to_numpy()
    _, ours = judged(rows, values)
    mse = metrics.mean_squared_error(truth, values)
    expected = {
        "mse": mse,
        "rmse": np.sqrt(mse),
        "mae": metrics.mean_absolute_error(truth, values),
        "one_minus_mae": 1 - metrics.mean_absolute_error(truth, values),
        "bias": (values - truth).mean(),
        "r2": metrics.r2_score(truth, values),
        "spearman": stats.spearmanr(truth, values).statistic,
    }
    assert ours == pytest.approx(expected, abs=1e-12)


def test_outcomes_are_judged_as_by_scikit_learn() -> None:
    rows = share_set(binary=True)
    truth = rows.test["adopted_share"].to_numpy()
    values = rows.test["chance"].to_numpy().clip(0.01, 0.99)
    _, ours = judged(rows, values)
    base = np.full(ROWS, rows.train["adopted_share"].mean())
    expected = {
        "roc_auc": metrics.roc_auc_score(truth, values),
        "average_precision": metrics.average_precision_score(truth, values),
        "log_loss": metrics.log_loss(truth, values),
        "brier_skill": 1
        - metrics.brier_score_loss(truth, values) / metrics.brier_score_loss(truth, base),
    }
    assert {name: ours[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert "r2" not in ours
    assert "spearman" not in ours


def test_what_is_not_applicable_depends_on_the_labels() -> None:
    for binary, without in ((True, {"r2", "spearman"}), (False, {"roc_auc", "brier_skill"})):
        rows = share_set(binary=binary)
        evaluator, values = judged(rows, rows.test["chance"].to_numpy())
        details = evaluator.details(Predictions(rows.test["chance"].to_numpy()[:, None]))
        assert without <= set(details.not_applicable)
        assert not set(details.not_applicable) & set(values)


@pytest.mark.parametrize("binary", [False, True])
def test_a_resample_is_what_its_rows_say(binary: bool) -> None:
    """Weighted sums over clusters against the metric of rows that really are there as often."""
    training_set = share_set(binary=binary)
    values = training_set.test["chance"].to_numpy().clip(0.01, 0.99)
    evaluator = ProportionEvaluator(training_set, row_clusters(training_set))
    sums = evaluator.sufficient_statistics(Predictions(values[:, None]))
    counts = np.random.default_rng(1).multinomial(
        evaluator.cluster_count, np.full(evaluator.cluster_count, 1 / evaluator.cluster_count)
    )
    metric_values = sums.metrics(counts[None].astype(float) @ sums.sums)
    rows = np.repeat(np.arange(ROWS), counts[evaluator.rows.clusters])
    again = replace(training_set, test=training_set.test.iloc[rows].reset_index(drop=True))
    _, exact = judged(again, values[rows])
    for name, value in exact.items():
        first_order = name in ("spearman", "roc_auc", "average_precision")
        assert metric_values[name][0] == pytest.approx(value, abs=5e-3 if first_order else 1e-12), (
            name
        )


def test_the_influence_of_a_row_on_spearman_is_the_derivative() -> None:
    random = np.random.default_rng(2)
    one = np.round(random.random(60), 1)
    other = np.round(one + random.random(60), 1)
    influence = spearman_influence(one, other)
    assert influence is not None
    step = 1e-6

    def weighted(weights: np.ndarray) -> float:
        def ranks(values: np.ndarray) -> np.ndarray:
            below = (values[:, None] > values) + (values[:, None] == values) / 2
            return below @ weights / weights.sum()

        products = weights * ranks(one) * ranks(other)
        return float(products.sum() / weights.sum())

    for row in (0, 17, 59):
        nudged = np.ones(60)
        nudged[row] += step
        slope = (weighted(nudged) - weighted(np.ones(60))) / step
        assert slope == pytest.approx(influence.both[row] / 60, abs=1e-6)
    assert spearman_influence(one, np.zeros(60)) is None


def test_the_best_and_the_dummy() -> None:
    rows = share_set(binary=False)
    evaluator, perfect = judged(rows, rows.test["adopted_share"].to_numpy())
    assert (perfect["r2"], perfect["mae"]) == (1.0, 0.0)
    assert perfect["spearman"] == pytest.approx(1.0)
    dummy = evaluator.dummy.predict_proba(rows.test)
    assert np.ptp(dummy) == 0
    assert dummy[0, 0] == rows.train["adopted_share"].mean()


def test_the_ceiling_needs_every_row() -> None:
    rows = share_set(binary=False)
    evaluator = ProportionEvaluator(rows, row_clusters(rows))
    ceilings = pd.DataFrame({"row_id": rows.test["row_id"], "probability": rows.test["chance"]})
    np.testing.assert_array_equal(evaluator.ceiling(ceilings).values[:, 0], rows.test["chance"])
    with pytest.raises(IntegrityError, match="1 of 400 test rows have no ceiling"):
        evaluator.ceiling(ceilings.iloc[1:])


def test_a_label_that_is_no_share_is_refused() -> None:
    rows = share_set(binary=False)
    broken = replace(rows, test=rows.test.assign(adopted_share=1.5))
    with pytest.raises(IntegrityError, match=r"adopted_share is 1\.5"):
        _ = ProportionEvaluator(broken, row_clusters(broken)).truth


def test_tenths_by_hand() -> None:
    values = np.arange(20) / 20
    table = expected_and_true(values, (values >= 0.5).astype(float))
    assert table.rows[0] == (1, 2, 0.025, 0.0, 0.025, 0.025)
    assert table.rows[9] == pytest.approx((10, 2, 0.925, 1.0, -0.075, 0.075))


def test_a_mape_needs_truths_that_are_never_zero() -> None:
    rows = share_set(binary=False)
    values = rows.test["chance"].to_numpy()
    assert (rows.test["adopted_share"] == 0).any()
    evaluator, metric_values = judged(rows, values)
    assert "mape" not in metric_values
    assert "are 0" in evaluator.details(Predictions(values[:, None])).not_applicable["mape"]
    test = rows.test.assign(adopted_share=rows.test["adopted_share"].clip(0.1, 1.0))
    evaluator, metric_values = judged(replace(rows, test=test), values)
    truth = test["adopted_share"].to_numpy()
    expected = metrics.mean_absolute_percentage_error(truth, values)
    assert metric_values["mape"] == pytest.approx(expected, abs=1e-12)
    assert "mape" not in evaluator.details(Predictions(values[:, None])).not_applicable


def test_the_middle_of_the_absolute_residuals_is_scikit_learns() -> None:
    training_set = share_set(binary=False)
    truth, values = (
        training_set.test["adopted_share"].to_numpy(),
        training_set.test["chance"].to_numpy(),
    )
    rows = {row[0]: row[1:] for row in residual_quantiles(values, truth).rows}
    assert rows[0.5][1] == pytest.approx(metrics.median_absolute_error(truth, values), abs=1e-12)
    assert rows[0.5][0] == pytest.approx(np.median(values - truth), abs=1e-12)
