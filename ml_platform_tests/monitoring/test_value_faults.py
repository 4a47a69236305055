"""Each fault of a column is named; a quiet week has none, and under 200 rows nothing is said."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.drift.new_categories import new_categories
from ml_platform.monitoring.drift.value_range import expected_outside, outside_range
from ml_platform.monitoring.findings import FaultKind, ValueFault
from ml_platform.monitoring.value_faults import value_faults
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform_tests.monitoring.conftest import END, WEEK


def faults(baseline: Baseline, rows: pd.DataFrame) -> tuple[ValueFault, ...]:
    return value_faults(baseline.features, rows, POLICY)


def gone(rows: pd.DataFrame) -> None:
    rows["number_4"] = np.nan


def half(rows: pd.DataFrame) -> None:
    rows.loc[rows.index[::2], "category_2"] = None


def constant(rows: pd.DataFrame) -> None:
    rows["number_4"] = 1.5


def one_level(rows: pd.DataFrame) -> None:
    rows["category_2"] = "level_1"


def new_level(rows: pd.DataFrame) -> None:
    rows.loc[rows.index[::20], "category_1"] = "never seen"


def far(rows: pd.DataFrame) -> None:
    rows.loc[rows.index[::20], "number_5"] = 99.0


def unit(rows: pd.DataFrame) -> None:
    rows["number_0"] *= 60.0


PLANTED: tuple[tuple[Callable[[pd.DataFrame], None], FaultKind, str], ...] = (
    (gone, FaultKind.GONE, "number_4 is gone: it is missing in every row"),
    (half, FaultKind.MISSING, "category_2 is missing in 50% of the rows, in the baseline in 0%"),
    (constant, FaultKind.CONSTANT, "number_4 is constant: every row has 1.5"),
    (one_level, FaultKind.CONSTANT, "category_2 is constant: every row has 'level_1'"),
    (
        new_level,
        FaultKind.NEW_CATEGORIES,
        "category_1 has categories that the baseline lacks, in 5.0% of the rows: 'never seen'",
    ),
    (far, FaultKind.OUT_OF_RANGE, "number_5 lies outside the baseline's range ["),
    (
        unit,
        FaultKind.UNIT,
        "number_0 is in another unit, it seems: its quartiles are about 60 times",
    ),
)


@pytest.mark.parametrize(("plant", "kind", "words"), PLANTED)
def test_a_planted_fault_is_named(
    baseline: Baseline,
    window: pd.DataFrame,
    plant: Callable[[pd.DataFrame], None],
    kind: FaultKind,
    words: str,
) -> None:
    plant(window)
    found = faults(baseline, window)
    assert found[0].kind is kind
    assert found[0].words.startswith(words)
    assert {fault.feature for fault in found} == {words.split(" ", maxsplit=1)[0]}


def test_quiet_weeks_have_no_fault(baseline: Baseline, quiet: pd.DataFrame) -> None:
    for start in (END, END + WEEK):
        times = quiet["occurred_at"]
        assert faults(baseline, quiet[(times >= start) & (times < start + WEEK)]) == ()


def test_too_few_rows_say_nothing(baseline: Baseline, window: pd.DataFrame) -> None:
    few = window.iloc[:100].copy()
    gone(few)
    assert faults(baseline, few) == ()


def test_one_long_session_with_a_new_level_is_no_evidence(
    baseline: Baseline, window: pd.DataFrame
) -> None:
    window.loc[window.index[:300], "category_1"] = "never seen"
    window.loc[window.index[:300], "cluster_id"] = "one"
    assert faults(baseline, window) == ()


def test_a_feature_that_is_counted_by_few_things_is_not_judged(
    baseline: Baseline, window: pd.DataFrame
) -> None:
    gone(window)
    window["workflow"] = np.arange(len(window)) % 29
    counted = replace(
        baseline,
        features=tuple(
            replace(each, cluster="workflow") if each.name == "number_4" else each
            for each in baseline.features
        ),
    )
    assert faults(counted, window) == ()
    window["workflow"] = np.arange(len(window)) % 30
    assert [fault.feature for fault in faults(counted, window)] == ["number_4"]


def test_the_tests_are_one_sided() -> None:
    """Four standard errors of a normal variable: 3.2e-5."""
    assert new_categories(0.0, 0.04, 0.0001, freedom=1e6)[1] == pytest.approx(3.17e-5, rel=0.01)
    assert outside_range(0.01, 0.05, 0.0001, freedom=1e6) == pytest.approx(
        (0.04, 3.17e-5), rel=0.01
    )
    assert new_categories(0.0, 0.0, 0.0, freedom=10.0) == (0.0, 1.0)
    assert outside_range(0.02, 0.01, 0.1, freedom=10.0)[1] == 1.0
    assert new_categories(0.0, 0.5, 0.0, freedom=10.0)[1] == 0.0


def test_the_least_and_greatest_of_99_are_left_by_two_in_a_hundred() -> None:
    assert expected_outside(99) == pytest.approx(0.02)
