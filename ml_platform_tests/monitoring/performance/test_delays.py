import numpy as np
import pytest

from ml_platform.monitoring.performance.delays import delay_distribution


def test_labels_of_one_delay_take_that_delay() -> None:
    ages = np.linspace(48, 500, 100)
    seen = delay_distribution(np.full(100, 48.0), ages)
    assert seen is not None
    assert (seen.quantile(0.5), seen.quantile(0.9), seen.quantile(1.0)) == (48.0, 48.0, 48.0)


def test_by_hand() -> None:
    """All rows are old enough to have shown everything: the shares are those of the labels."""
    delays = np.repeat([1.0, 2.0, 5.0], [60, 90, 50])
    seen = delay_distribution(delays, np.full(200, 10.0))
    assert seen is not None
    assert seen.hours.tolist() == [1.0, 2.0, 5.0]
    assert seen.shares == pytest.approx([0.3, 0.75, 1.0])
    assert [seen.quantile(share) for share in (0.3, 0.31, 0.75, 0.9)] == [1.0, 2.0, 2.0, 5.0]


def test_young_rows_that_show_quick_labels_alone_do_not_shorten_the_delay() -> None:
    """Rows come all the time and their labels take 100 hours on average: exponential, cut off at 600."""
    draw = np.random.default_rng(3)
    ages, delays = draw.uniform(0, 700, 40_000), draw.exponential(100, 40_000)
    come = (delays <= ages) & (delays < 600)
    seen = delay_distribution(delays[come], ages[come])
    assert seen is not None
    naive = float(np.quantile(delays[come], 0.9))
    assert naive < 205
    assert seen.quantile(0.5) == pytest.approx(100 * np.log(2), abs=3)
    assert seen.quantile(0.9) == pytest.approx(100 * np.log(10), abs=7)


def test_too_few_labels_tell_nothing() -> None:
    assert delay_distribution(np.ones(29), np.full(29, 5.0)) is None
    assert delay_distribution(np.ones(0), np.ones(0)) is None
