"""The rate of false incidents with its bound, worked by hand, and the outcome that follows."""

from datetime import UTC, datetime

import pytest
from scipy.stats import poisson

from ml_platform import values
from ml_platform.monitoring.self_test.looks import WatchedMonth
from ml_platform.monitoring.self_test.planted import Power, found_from
from ml_platform.monitoring.self_test.result import ModelSelfTest, Outcome, SelfTest, rate


def month(incidents: int, days: float = 30.0, insufficient: int = 0) -> WatchedMonth:
    return WatchedMonth(True, days, 31, incidents, 0, insufficient, incidents, ())


def home(*models: list[WatchedMonth]) -> SelfTest:
    tested = tuple(ModelSelfTest(f"m{i}", tuple(each), ()) for i, each in enumerate(models))
    return SelfTest(datetime(2026, 1, 5, tzinfo=UTC), True, "policy", 0, tested)


def test_without_an_incident_the_bound_is_three_over_the_months() -> None:
    found = rate([(0, 30.0)] * 12)
    assert found is not None
    assert found.value == 0.0
    assert found.upper_95 == pytest.approx(2.9957 / 12, abs=1e-4)


def test_the_bound_is_the_rate_at_which_so_few_incidents_have_a_chance_of_5_percent() -> None:
    found = rate([(1, 30.0), (1, 30.0), (1, 15.0)])
    assert found is not None
    assert found.value == pytest.approx(3 / 2.5)
    assert poisson.cdf(3, found.upper_95 * 2.5) == pytest.approx(0.05)


def test_incidents_in_a_heap_have_the_bound_of_their_months() -> None:
    spread, heap = rate([(2, 30.0)] * 12), rate([(24, 30.0), *[(0, 30.0)] * 11])
    assert spread is not None
    assert heap is not None
    assert spread.value == heap.value == 2.0
    assert heap.upper_95 > 1.5 * spread.upper_95


def test_models_of_a_home_are_summed_by_month() -> None:
    found = home([month(1), month(0)], [month(1), month(0)], []).rate
    assert found is not None
    assert found.value == 1.0


def test_a_month_counts_for_the_home_where_all_its_models_were_looked_at() -> None:
    found = home([month(0)] * 12, [month(0)])
    assert found.rate == rate([(0, 30.0)])
    assert found.outcome is Outcome.INSUFFICIENT


@pytest.mark.parametrize(
    ("months", "outcome"),
    [
        ([month(0)] * 12, Outcome.HOLDS),
        ([month(0)], Outcome.INSUFFICIENT),
        ([month(2)] * 12, Outcome.FAILS),
        ([month(0, insufficient=31)] * 12, Outcome.INSUFFICIENT),
        ([], Outcome.INSUFFICIENT),
    ],
)
def test_the_objective_holds_by_its_bound(months: list[WatchedMonth], outcome: Outcome) -> None:
    found = home(months)
    assert found.outcome is outcome
    assert values.from_json(SelfTest, values.to_json(found)) == found


@pytest.mark.parametrize(
    ("found", "size"),
    [
        ((50, 95, 96, 100), 1.0),
        ((50, 94, 96, 100), 1.5),
        ((96, 90, 96, 100), 1.5),
        ((50, 60, 70, 94), None),
        ((), None),
    ],
)
def test_95_percent_are_found_from_the_size_on_at_which_no_larger_one_is_missed_more_often(
    found: tuple[int, ...], size: float | None
) -> None:
    curve = [Power(times, 100, n) for times, n in zip((0.5, 1.0, 1.5, 2.0), found, strict=False)]
    assert found_from(curve) == size
