import numpy as np
import pandas as pd
import pytest

from ml_platform.errors import IntegrityError, UsageError
from ml_platform.monitoring.baseline import Baseline
from ml_platform.monitoring.monitor import light, monitor
from ml_platform.monitoring.report import (
    FeatureDrift,
    Light,
    MonitoringReport,
    Performance,
    Severity,
)
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform.values import fingerprint, from_json, to_json
from ml_platform_tests.monitoring.conftest import END, WEEK, Watch
from ml_platform_tests.monitoring.telemetry import CATEGORIES, NUMBERS


def of(report: MonitoringReport, name: str) -> FeatureDrift:
    return next(entry for entry in (*report.features, *report.predictions) if entry.name == name)


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


def test_calendar_features_need_whole_weeks(watch: Watch, window: pd.DataFrame) -> None:
    assert "hour" in [entry.name for entry in watch(window).features]
    assert "hour" not in [entry.name for entry in watch(window, days=6).features]
    late = window[window["occurred_at"].dt.hour >= 14]
    assert of(watch(late), "hour").severity is Severity.SIGNIFICANT


def test_rows_outside_the_window_are_left_out(
    watch: Watch, quiet: pd.DataFrame, window: pd.DataFrame
) -> None:
    assert watch(quiet) == watch(window)


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
