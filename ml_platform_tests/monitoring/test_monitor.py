from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.cells import CountedWindow
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.monitor import light, monitor
from ml_platform.monitoring.report import (
    FeatureDrift,
    Light,
    MonitoringReport,
    Performance,
    Severity,
)
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.spec.training_set import CLUSTER
from ml_platform.values import fingerprint, from_json, to_json
from ml_platform_tests.monitoring.conftest import END, WEEK, Watch, build_baseline
from ml_platform_tests.monitoring.telemetry import CATEGORIES, NUMBERS


def of(report: MonitoringReport, name: str) -> FeatureDrift:
    return next(entry for entry in (*report.features, *report.predictions) if entry.name == name)


def report_of(
    baseline: Baseline,
    rows: pd.DataFrame,
    predictions: pd.DataFrame | None = None,
    end: datetime = END + WEEK,
    complete_after: timedelta = timedelta(0),
) -> MonitoringReport:
    """The report on the week before ``end``."""
    return monitor(
        baseline,
        rows,
        rows if predictions is None else predictions,
        model="model",
        version="1",
        source="test",
        simulated=True,
        window_start=end - WEEK,
        window_end=end,
        complete_after=complete_after,
    )


def test_a_quiet_week_is_green(watch: Watch, window: pd.DataFrame) -> None:
    report = watch(window)
    assert (report.drift, report.light, report.causes) == (Severity.NONE, Light.GREEN, ())
    assert report.rows == len(window)
    assert report.clusters == window["cluster_id"].nunique()
    assert len(report.top) == 5
    assert (report.action, report.decision_row, report.confidence) == ("", "", "")
    assert report.policy_version == POLICY.version


@pytest.mark.parametrize("name", NUMBERS)
def test_half_a_standard_deviation_is_found(watch: Watch, window: pd.DataFrame, name: str) -> None:
    window[name] += 0.5 * window[name].std()
    report = watch(window)
    drift = of(report, name)
    assert drift.severity in (Severity.MODERATE, Severity.SIGNIFICANT)
    assert report.top[0] == name
    assert report.light in (Light.YELLOW, Light.RED)
    assert report.causes[0].startswith(f"{name}: values are higher")


@pytest.mark.parametrize("name", CATEGORIES)
def test_mass_moved_to_the_rarest_level_is_found(
    watch: Watch, quiet: pd.DataFrame, window: pd.DataFrame, name: str
) -> None:
    rarest = quiet[name].value_counts().index[-1]
    moved = np.random.default_rng(1).random(len(window)) < 0.15
    window.loc[moved, name] = rarest
    drift = of(watch(window), name)
    assert drift.test == "chi2"
    assert drift.severity in (Severity.MODERATE, Severity.SIGNIFICANT)
    assert drift.size == pytest.approx(0.15, abs=0.05)


def test_an_unseen_level_is_named(watch: Watch, window: pd.DataFrame) -> None:
    window.loc[window.index[::4], "category_1"] = "never seen before"
    report = watch(window)
    assert of(report, "category_1").severity is Severity.SIGNIFICANT
    assert "category_1: the share of unseen levels went from 0.0% to 25." in report.causes[0]


def test_half_missing_is_drift(watch: Watch, window: pd.DataFrame) -> None:
    window.loc[window.index[::2], ["number_4", "category_2"]] = None
    report = watch(window)
    for name in ("number_4", "category_2"):
        drift = of(report, name)
        assert drift.severity is Severity.SIGNIFICANT
        assert drift.missing_current == pytest.approx(0.5, abs=0.001)
    assert any("missing went from 0.0% to 50.0%" in cause for cause in report.causes)


def test_the_distributions_of_what_has_moved_are_kept(watch: Watch, window: pd.DataFrame) -> None:
    """Shares of all rows, so that both sides make 1; nothing is kept of what has not moved."""
    window.loc[window.index[::2], "number_4"] = None
    window.loc[window.index[::4], "category_1"] = "never seen before"
    kept = {shape.name: shape for shape in watch(window).shapes}
    assert set(kept) == {"number_4", "category_1"}
    number, category = kept["number_4"], kept["category_1"]
    assert (number.ordered, number.bins[-1], number.before[-1]) == (True, "missing", 0.0)
    assert number.now[-1] == pytest.approx(0.5, abs=0.001)
    assert (category.ordered, category.bins[-1]) == (False, "unseen levels")
    assert category.now[-1] == pytest.approx(0.25, abs=0.001)
    for shape in kept.values():
        assert sum(shape.before) == pytest.approx(1.0, abs=0.001)
        assert sum(shape.now) == pytest.approx(1.0, abs=0.001)


def test_wholly_missing_is_significant_though_nothing_is_left_to_compare(
    watch: Watch, window: pd.DataFrame
) -> None:
    window["number_4"] = np.nan
    drift = of(watch(window), "number_4")
    assert (drift.severity, drift.p_value) == (Severity.SIGNIFICANT, 1.0)


def test_a_large_change_that_chance_explains_is_no_drift(
    watch: Watch, window: pd.DataFrame
) -> None:
    # one session in nine: sizes above .1 arise, small p-values do not
    few = window[window["cluster_id"].isin(window["cluster_id"].unique()[::9])]
    report = watch(few)
    assert max(entry.size for entry in report.features) > POLICY.size_moderate
    assert report.drift in (Severity.NONE, Severity.INSUFFICIENT)


def test_a_significant_but_small_change_is_no_drift(watch: Watch, window: pd.DataFrame) -> None:
    window["number_5"] = window["number_5"] + 0.05 * window["number_5"].std()
    copies = [window.assign(cluster_id=window["cluster_id"] + f"-{copy}") for copy in range(40)]
    drift = of(watch(pd.concat(copies)), "number_5")
    assert drift.size < POLICY.size_moderate
    assert drift.severity is Severity.NONE


@pytest.mark.parametrize("rows", [0, 1, 199])
def test_too_few_rows_are_insufficient(watch: Watch, window: pd.DataFrame, rows: int) -> None:
    report = watch(window.iloc[:rows])
    assert {entry.severity for entry in report.features} == {Severity.INSUFFICIENT}
    assert (report.drift, report.light) == (Severity.INSUFFICIENT, Light.INSUFFICIENT)
    assert report.performance.level is Performance.UNKNOWN
    assert any(cause.startswith("fewer than 200 rows or 30 clusters") for cause in report.causes)


def test_too_few_sessions_are_insufficient(watch: Watch, window: pd.DataFrame) -> None:
    window["cluster_id"] = [f"s{number % 29}" for number in range(len(window))]
    window["number_0"] += 100.0
    assert watch(window).drift is Severity.INSUFFICIENT


def test_calendar_features_are_not_compared(watch: Watch, window: pd.DataFrame) -> None:
    late = window[window["occurred_at"].dt.hour >= 14]
    assert "hour" in late.columns
    assert "hour" not in [entry.name for entry in watch(late).features]


def test_a_window_is_never_compared_with_rows_of_its_own_baseline(
    quiet: pd.DataFrame, window: pd.DataFrame
) -> None:
    overlapping = build_baseline(quiet, END + WEEK / 2)
    report = report_of(overlapping, window)
    assert report.drift is Severity.INSUFFICIENT
    assert {entry.severity for entry in report.features} == {Severity.INSUFFICIENT}
    assert report.causes[-1] == (
        "no window after the baseline (2024-02-29T12:00Z) yet: the rows of this one begin at 2024-02-26T00:00Z, "
        "and nothing is compared with rows that its baseline was made of"
    )


def test_predictions_of_the_window_are_no_baseline_of_it(
    quiet: pd.DataFrame, window: pd.DataFrame
) -> None:
    tested = quiet[quiet["occurred_at"] >= END]
    unsure = window.assign(confidence=window["confidence"] * 0.55)
    first = report_of(build_baseline(quiet, END, predictions=tested), window, unsure)
    assert {entry.severity for entry in first.predictions} == {Severity.INSUFFICIENT}
    assert {entry.severity for entry in first.features} == {Severity.NONE}
    assert first.causes[-1].startswith("no window after the baseline of the predictions (2024-03-1")
    unknown = replace(build_baseline(quiet, END, predictions=tested), predictions_until=None)
    assert {entry.severity for entry in report_of(unknown, window, unsure).predictions} == {
        Severity.INSUFFICIENT
    }


def test_predictions_that_are_not_compared_do_not_hide_what_two_features_say(
    quiet: pd.DataFrame, window: pd.DataFrame
) -> None:
    tested = quiet[quiet["occurred_at"] >= END]
    known = build_baseline(quiet, END, predictions=tested)
    number = next(entry for entry in known.features if entry.name == "number_0")
    category = next(entry for entry in known.features if entry.name == "category_0")
    few = replace(known, features=(number, category))
    report = report_of(few, window)
    assert len(report.predictions) > len(report.features) == 2
    assert (report.drift, report.light) == (Severity.NONE, Light.GREEN)
    moved = report_of(few, window.assign(number_0=window["number_0"] + 5.0))
    assert moved.drift is Severity.SIGNIFICANT


def test_the_compared_rows_end_where_they_are_complete(
    baseline: Baseline, quiet: pd.DataFrame
) -> None:
    # Of the newest day, a Friday, only rows whose number_5 is high have come.
    end = END + 2 * WEEK - timedelta(days=2)
    newest = quiet["occurred_at"] >= end - timedelta(days=1)
    known = quiet[~newest | (quiet["number_5"] > quiet["number_5"].quantile(0.8))]
    at_once = report_of(baseline, known, end=end)
    later = report_of(baseline, known, end=end, complete_after=timedelta(days=1))
    assert of(at_once, "number_5").size > of(later, "number_5").size + 0.01
    assert later.rows_until == end - timedelta(days=1)
    assert later.window_end == end
    complete = report_of(baseline, quiet, end=end, complete_after=timedelta(days=1))
    assert (later.features, later.rows) == (complete.features, complete.rows)


def test_rows_outside_the_window_are_left_out(
    watch: Watch, quiet: pd.DataFrame, window: pd.DataFrame
) -> None:
    all_rows, week = watch(quiet), watch(window)
    assert all_rows.maturity != week.maturity
    assert replace(all_rows, maturity=None) == replace(week, maturity=None)


def test_prediction_drift_is_found(watch: Watch, window: pd.DataFrame) -> None:
    unsure = window.assign(confidence=window["confidence"] * 0.55)
    report = watch(window, unsure)
    assert of(report, "confidence").severity is Severity.SIGNIFICANT
    assert of(report, "low_confidence").severity is Severity.SIGNIFICANT
    assert report.drift is Severity.SIGNIFICANT
    one = watch(window, window.assign(predicted="level_0"))
    assert of(one, "predicted").severity is Severity.SIGNIFICANT


def test_a_report_is_deterministic_and_comes_back(watch: Watch, window: pd.DataFrame) -> None:
    window["number_2"] *= 3
    report = watch(window)
    assert fingerprint(report) == fingerprint(watch(window.sample(frac=1.0, random_state=2)))
    assert from_json(MonitoringReport, to_json(report)) == report


def test_bad_input_is_named(baseline: Baseline, watch: Watch, window: pd.DataFrame) -> None:
    with pytest.raises(IntegrityError, match="The feature rows lack the columns number_1"):
        watch(window.drop(columns="number_1"), window)
    with pytest.raises(IntegrityError, match="The predictions lack the columns outcome"):
        watch(window, window.drop(columns="outcome"))
    with pytest.raises(UsageError, match="not after its start"):
        watch(window, days=-1)
    with pytest.raises(UsageError, match="The baseline is of model, the window of other"):
        monitor(
            baseline,
            window,
            window,
            model="other",
            version="1",
            source="test",
            simulated=True,
            window_start=END,
            window_end=END + WEEK,
        )


@pytest.mark.parametrize("drift", Severity)
@pytest.mark.parametrize("performance", Performance)
def test_the_light(drift: Severity, performance: Performance) -> None:
    shown = light(drift, performance)
    if Severity.SIGNIFICANT is drift or performance is Performance.ALERT:
        assert shown is Light.RED
    elif drift is Severity.MODERATE or performance is Performance.WARN:
        assert shown is Light.YELLOW
    elif drift is Severity.INSUFFICIENT:
        assert shown is Light.INSUFFICIENT
    else:
        assert shown is Light.GREEN


def test_of_a_window_too_large_to_be_loaded_the_drift_is_that_of_all_rows(
    baseline: Baseline, watch: Watch, window: pd.DataFrame
) -> None:
    window.loc[window.index[::2], "number_4"] = None
    clusters = cluster_codes(window)
    shares = {entry.name: entry.measure(window, clusters) for entry in baseline.watched}
    counted = CountedWindow(len(window), {CLUSTER: int(clusters.max()) + 1}, shares)
    whole, part = watch(window), window[clusters % 3 == 0]
    report = monitor(
        baseline,
        part,
        window,
        model="model",
        version="1",
        source="test",
        simulated=True,
        window_start=END,
        window_end=END + WEEK,
        counted=counted,
    )
    assert (whole.rows_loaded, report.rows_loaded) == (None, len(part))
    assert replace(report, rows_loaded=None) == whole
