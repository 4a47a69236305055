"""Reliability bins and the expected calibration error."""

import numpy as np
import pytest

from ml_platform.evaluation.metrics.calibration import reliability_bins
from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.report_parts import ReliabilityBin


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Compute the mean of |accuracy - confidence| over bins, weighted by rows, in [0, 1]; 0 is calibrated.

    Source: Naeini, Cooper and Hauskrecht (2015), with equal-count bins as in Nixon et al. (2019).
    """
    rows = sum(b.rows for b in bins)
    return float(sum(b.rows * abs(b.accuracy - b.confidence) for b in bins) / rows)


def test_two_bins_by_hand():
    confidence = np.array([0.6, 0.6, 0.9, 0.9])
    correct = np.array([True, False, True, True])
    bins = reliability_bins(confidence, correct, bins=2)
    assert [(b.rows, b.confidence, b.accuracy) for b in bins] == [(2, 0.6, 0.5), (2, 0.9, 1.0)]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.1 + 2 * 0.1) / 4)


def test_equal_counts_without_ties():
    confidence = np.random.default_rng(0).random(1_500)
    bins = reliability_bins(confidence, np.ones(1_500, dtype=bool))
    assert [b.rows for b in bins] == [100] * 15


def test_ties_share_a_bin_whatever_the_order():
    confidence = np.repeat([0.5, 0.7, 0.8], [90, 5, 5])
    correct = np.arange(100) % 2 == 0
    order = np.random.default_rng(1).permutation(100)
    bins = reliability_bins(confidence, correct)
    assert bins[0].rows == 90
    again = reliability_bins(confidence[order], correct[order])
    assert [(b.low, b.high, b.rows) for b in again] == [(b.low, b.high, b.rows) for b in bins]
    assert [b.accuracy for b in again] == pytest.approx([b.accuracy for b in bins])


def test_the_metric_is_that_of_the_bins():
    generator = np.random.default_rng(2)
    probabilities = generator.dirichlet((1, 1, 1), 700)
    truth = generator.integers(0, 3, 700)
    sums = class_statistics(ClassPredictions(truth, probabilities, np.zeros_like(truth)), 1)
    bins = reliability_bins(probabilities.max(axis=1), probabilities.argmax(axis=1) == truth)
    assert sums.metrics(sums.sums)["expected_calibration_error"][0] == pytest.approx(
        expected_calibration_error(bins), abs=1e-12
    )


def test_a_calibrated_scorer_has_none_and_a_boastful_one_has_its_excess():
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.5, 1.0, 60_000)
    correct = generator.random(60_000) < confidence
    assert expected_calibration_error(reliability_bins(confidence, correct)) < 0.01
    boastful = np.minimum(confidence + 0.1, 1.0)
    error = expected_calibration_error(reliability_bins(boastful, correct))
    assert error == pytest.approx((boastful - confidence).mean(), abs=0.01)
