"""A correlation that turns round is found though no feature moves; quiet weeks are told apart by nothing."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml_platform.errors import InsufficientData
from ml_platform.monitoring.drift.domain_classifier import (
    MOST_ROWS,
    clustered_auc,
    domain_auc,
    sample_rows,
)

WEEKS, ROWS, FEATURES = 6, 600, 10


def weeks(seed: int, correlation: float, last: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weeks in which the first two of ten normal features correlate so, and in the last one otherwise."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=((WEEKS + 1) * ROWS, FEATURES))
    groups = np.repeat(np.arange(WEEKS + 1), ROWS)
    rho = np.where(groups == WEEKS, last, correlation)
    values[:, 1] = rho * values[:, 0] + np.sqrt(1 - rho**2) * values[:, 1]
    return values, groups, draw.integers(0, 80, len(groups))


def test_a_correlation_that_turns_round_is_told_by_its_pair() -> None:
    told = domain_auc(*weeks(1, 0.6, -0.6), seed=3)
    assert told.auc > 0.75
    assert told.p_value < 0.001
    change = np.abs(told.now - told.before)
    assert np.unravel_index(change.argmax(), change.shape) in ((0, 1), (1, 0))
    assert (told.before[0, 1], told.now[0, 1]) == pytest.approx((0.6, -0.6), abs=0.07)


def test_shifts_of_single_features_are_not_what_it_tells() -> None:
    values, groups, units = weeks(2, 0.6, 0.6)
    values[groups == WEEKS] = 5.0 + 3.0 * np.exp(values[groups == WEEKS])
    told = domain_auc(values, groups, units, seed=3)
    assert abs(told.auc - 0.5) < 0.05


def test_quiet_weeks_are_seldom_told_apart() -> None:
    """Forty quiet windows at one in a hundred: more than three would be a chance of 1 in 1,500."""
    alarms = sum(
        domain_auc(*weeks(seed, 0.6, 0.6), seed=seed).p_value <= 0.01 for seed in range(40)
    )
    assert alarms <= 3


def test_what_is_learned_of_users_does_not_tell_weeks() -> None:
    """Ten users a week with habits of their own: fitted to the users that it scores, a classifier knows them."""
    draw = np.random.default_rng(5)
    groups = np.repeat(np.arange(WEEKS + 1), ROWS)
    units = 10 * groups + draw.integers(0, 10, len(groups))
    habits = draw.normal(size=(10 * (WEEKS + 1), FEATURES))
    told = domain_auc(
        habits[units] + draw.normal(size=(len(groups), FEATURES)), groups, units, seed=3
    )
    assert np.mean([*told.quiet, told.auc]) == pytest.approx(0.5, abs=0.06)
    assert told.p_value > 0.01


def test_too_few_weeks_or_features_are_insufficient() -> None:
    values, groups, units = weeks(1, 0.0, 0.0)
    few = groups >= WEEKS - 3
    with pytest.raises(InsufficientData, match="there are 10 features, 3 weeks and 600 rows"):
        domain_auc(values[few], groups[few] - (WEEKS - 3), units[few], seed=1)
    with pytest.raises(InsufficientData, match="there are 1 features"):
        domain_auc(values[:, :1], groups, units, seed=1)


def test_the_area_is_that_of_scikit_learn_and_its_error_grows_with_clusters() -> None:
    draw = np.random.default_rng(4)
    positive = draw.random(500) < 0.3
    scores = (draw.normal(size=500) + positive).round(1)
    auc, alone = clustered_auc(scores, positive, np.arange(500))
    assert auc == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    copies = [np.tile(part, 4) for part in (scores, positive, np.arange(500))]
    assert clustered_auc(*copies) == pytest.approx((auc, alone), rel=1e-9)


def test_a_sample_takes_so_many_rows_of_each_group() -> None:
    groups = np.repeat([0, 1], [3 * MOST_ROWS, 10])
    sampled = sample_rows(groups, seed=1)
    assert np.bincount(groups[sampled]).tolist() == [MOST_ROWS, 10]
    assert (np.diff(sampled) > 0).all()
