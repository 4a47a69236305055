import re

from ml_platform.monitoring.report import Performance, Severity
from ml_platform.reporting.monitoring import monitoring_html
from ml_platform_tests.monitoring.conftest import Watch
from ml_platform_tests.retraining.reports import report


def test_it_says_what_the_report_says_and_escapes_it() -> None:
    html = monitoring_html(report(Severity.SIGNIFICANT, Performance.WARN))
    for words in (
        "RED",
        "SIMULATED",
        "<strong>Retrain urgent</strong>",
        "Significant drift, performance warning; confidence HIGH.",
        "Dwell: &lt;values&gt; are higher",
        "<h2>Accuracy in the window and at the evaluation</h2>",
        "0.800 [0.780, 0.820]",
        "A relative loss of 11.0 %; 1,000 outcomes are known, 100.0 % of the predictions.",
        "Kolmogorov-Smirnov",
    ):
        assert words in html
    assert "<values>" not in html
    assert not re.search(r"(src|href)=\"(?!data:|#)", html)


def test_unknown_performance_is_not_shown_as_a_figure() -> None:
    html = monitoring_html(report(Severity.INSUFFICIENT, Performance.UNKNOWN))
    assert "No outcomes are known yet for Accuracy." in html
    assert "UNKNOWN" in html
    assert "INSUFFICIENT" in html


def test_every_feature_has_a_row(watch: Watch, window: object) -> None:
    shown = watch(window)
    html = monitoring_html(shown)
    assert all(f"<td>{entry.name}</td>" in html for entry in (*shown.features, *shown.predictions))
    assert "No decision was taken yet" in html
