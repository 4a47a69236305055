import dataclasses
import re

import pytest

from ml_platform.monitoring.report import Performance, Severity
from ml_platform.reporting.monitoring import monitoring_html
from ml_platform_tests.retraining.reports import UNCHANGED, report


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
        "<td>KS</td>",
    ):
        assert words in html
    assert "<values>" not in html
    assert not re.search(r"(src|href)=\"(?!data:|#)", html)


def test_it_says_how_many_rows_of_a_large_window_were_loaded() -> None:
    words = "all but the drift of features looks at 1,234 rows of whole sessions"
    assert words in monitoring_html(dataclasses.replace(report(), rows_loaded=1_234))
    assert words[:30] not in monitoring_html(report())


def test_unknown_performance_is_not_shown_as_a_figure() -> None:
    html = monitoring_html(report(Severity.INSUFFICIENT, Performance.UNKNOWN))
    assert "Accuracy has no figure: no outcomes are known yet." in html
    assert "UNKNOWN" in html
    assert "INSUFFICIENT" in html


def test_every_feature_and_prediction_has_a_row() -> None:
    decided = report()
    (feature,) = decided.features
    entries = tuple(dataclasses.replace(feature, name=name) for name in ("a_b", "c", "d"))
    html = monitoring_html(
        dataclasses.replace(decided, features=entries[:2], predictions=entries[2:], action="")
    )
    assert all(f"<td>{entry.name}</td>" in html for entry in entries)
    assert "No decision was taken yet" in html


def test_drift_of_explanations_is_shown_with_the_groups_whose_share_grew() -> None:
    """The example: 20 % went over at p .001, and dwell grew from 10 % to 30 %."""
    changed = monitoring_html(report(reasons_changed=True))
    assert '<span class="chip unsure">CHANGED</span>&nbsp;explanations' in changed
    assert "20.0 % of all movement of the predictions went over" in changed
    assert "(p-value 0.001, 900 rows in 80 sessions)" in changed
    assert re.search(r"<td>dwell</td>\s*<td[^>]*>10.0 %</td>\s*<td[^>]*>30.0 %</td>", changed)
    assert '<span class="chip good">UNCHANGED</span>&nbsp;explanations' in monitoring_html(report())


def test_explanations_that_were_not_compared_say_why() -> None:
    decided = report()
    check = dataclasses.replace(
        UNCHANGED, distance=None, p_value=None, shares=(), reason="12 clusters are too few"
    )
    html = monitoring_html(dataclasses.replace(decided, explanations=check))
    assert '<span class="chip neutral">UNKNOWN</span>&nbsp;explanations' in html
    assert "Not compared: 12 clusters are too few." in html
    without = monitoring_html(dataclasses.replace(decided, explanations=None))
    assert "stored no explanations to compare with." in without


def test_without_anything_to_compare_it_says_so() -> None:
    html = monitoring_html(dataclasses.replace(report(), features=(), predictions=(), causes=()))
    assert "Predictions: none is compared." in html
    assert "Nothing did." in html
    assert "<svg" not in html


def test_negative_indices_and_insufficient_under_green_are_explained() -> None:
    decided = report()
    (feature,) = decided.features
    restless = dataclasses.replace(feature, name="a", severity=Severity.INSUFFICIENT)
    unknown = dataclasses.replace(restless, name="b", size=0.0, p_value=1.0)
    below = dataclasses.replace(feature, name="c", psi=-0.01)
    html = monitoring_html(dataclasses.replace(decided, features=(restless, unknown, below)))
    assert "A negative PSI is no error" in html
    assert "2 of 3 are INSUFFICIENT: fewer than 200 rows or 30 sessions" in html
    assert "The light is GREEN all the same" in html
    assert re.search(r"<td>a</td>.*?<small>quiet weeks differ too much</small>", html, re.DOTALL)
    assert re.search(
        r"<td>b</td>.*?<small>too few rows after its baseline</small>", html, re.DOTALL
    )
    quiet = monitoring_html(decided)
    assert "negative PSI" not in quiet
    assert "all the same" not in quiet


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 0.3, "adjusted_p_value": 0.01}, True),
        ({"psi": 0.3, "adjusted_p_value": 0.01}, True),
        ({"size": 0.3, "adjusted_p_value": 0.03}, False),
        ({"size": 0.2, "adjusted_p_value": 0.01}, False),
        (
            {
                "missing_baseline": 0.0,
                "missing_current": 0.4,
                "missing_adjusted_p_value": 0.01,
                "size": 0.0,
            },
            True,
        ),
    ],
)
def test_a_large_change_that_is_moderate_is_explained(changes, said) -> None:
    decided = report(Severity.MODERATE)
    (feature,) = decided.features
    quiet = {"size": 0.15, "psi": 0.0, "missing_baseline": 0.0, "missing_current": 0.0}
    moved = dataclasses.replace(feature, **{**quiet, **changes}, severity=Severity.MODERATE)
    html = monitoring_html(dataclasses.replace(decided, features=(moved,)))
    assert ("a change of this size would be SIGNIFICANT" in html) is said


def test_it_says_what_to_do_with_the_window_and_the_features() -> None:
    html = monitoring_html(report(Severity.SIGNIFICANT))
    assert "<h3>What to do</h3>" in html
    assert "What moved: dwell." in html
    assert "The rows to look at: 2024-05-25 12:00 UTC to 2024-06-01 12:00 UTC." in html
    assert "Drift and performance are both known." in html
    assert "<h3>What to do</h3>" not in monitoring_html(report())
