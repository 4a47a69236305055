"""Above five thousand clusters random groups of them are resampled: the same intervals, less work."""

import numpy as np
import pytest

from ml_platform.evaluation.intervals.bootstrap import estimates, replicate
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.tasks.row_clusters import MOST_UNITS, resampling_units


def test_few_clusters_stay_as_they_are() -> None:
    assert resampling_units(7).tolist() == list(range(7))
    assert resampling_units(MOST_UNITS).tolist() == list(range(MOST_UNITS))


def test_groups_are_of_equal_size_and_always_the_same() -> None:
    units = resampling_units(3 * MOST_UNITS + 1)
    sizes = np.bincount(units)
    assert len(sizes) == MOST_UNITS
    assert set(sizes.tolist()) == {3, 4}
    np.testing.assert_array_equal(units, resampling_units(3 * MOST_UNITS + 1))
    assert np.abs(np.diff(units[:100])).min() > 0


def test_groups_give_the_intervals_of_their_clusters() -> None:
    generator = np.random.default_rng(8)
    truth = generator.choice(3, 20_000, p=(0.6, 0.35, 0.05))
    logits = generator.normal(0, 1, (20_000, 3)) + 1.5 * np.eye(3)[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    estimates_by_grouping = [
        estimates(replicate(class_statistics(ClassPredictions(truth, p, codes), count), seed=1))
        for codes, count in ((np.arange(20_000), 20_000), (resampling_units(20_000), MOST_UNITS))
    ]
    for name in ("accuracy", "macro_f1", "log_loss", "roc_auc_ovr", "matthews"):
        exact, grouped = (estimate_by_metric[name] for estimate_by_metric in estimates_by_grouping)
        assert grouped.value == pytest.approx(exact.value, abs=1e-12)
        width = exact.high - exact.low
        assert grouped.high - grouped.low == pytest.approx(width, rel=0.1), name
        assert abs(grouped.low - exact.low) < 0.1 * width, name
