"""The page of a window shows its likely causes, the suggestion and how well window and baseline are told apart."""

from dataclasses import replace
from datetime import timedelta

from ml_platform.application.summarise_monitoring import summarise_monitoring
from ml_platform.cli.run_text import show_monitoring
from ml_platform.monitoring.causes.likely import Importance, with_likely_causes
from ml_platform.monitoring.causes.parts import CauseKind, PlatformChange
from ml_platform.monitoring.findings import JointShift
from ml_platform.monitoring.report import MonitoringReport, Performance, Severity
from ml_platform.reporting.monitoring import monitoring_html
from ml_platform_tests.retraining.reports import report


def with_causes() -> MonitoringReport:
    """Dwell has moved by .2 and half of the predictions rests on it; the source is another one."""
    moved = report(Severity.SIGNIFICANT, Performance.WARN)
    source = PlatformChange(CauseKind.SOURCE, ("<files>",), "rows come from <files>")
    period = (moved.window_start - timedelta(days=70), moved.window_start)
    return with_likely_causes(moved, (Importance("dwell", ("dwell",), 0.5),), (source,), period)


def test_the_page_lists_likely_causes_in_their_order_and_escapes_them() -> None:
    html = monitoring_html(with_causes())
    assert "<h2>Likely causes</h2>" in html
    assert "&lt;files&gt;" in html
    assert "<files>" not in html
    first, second = html.index("Rows come from"), html.index("Dwell has moved (size 0.20); 50% of")
    assert first < second
    assert (
        "A retraining would use 2024-03-16 to 2024-05-25, which holds no row that has moved" in html
    )
    assert "Likely causes" not in monitoring_html(report())


def test_the_command_prints_them_numbered(capsys) -> None:
    show_monitoring("model", summarise_monitoring(with_causes()))
    printed = capsys.readouterr().out.splitlines()
    assert "  1. rows come from <files>" in printed
    assert printed[-1].startswith("  Suggested: a retraining would use 2024-03-16 to 2024-05-25")


def test_the_page_says_how_well_window_and_baseline_are_told_apart() -> None:
    told = JointShift(False, 0.52, 0.49, 0.55, 0.501, 0.3, (), 9_000)
    html = monitoring_html(replace(report(), joint_shift=told))
    assert "with an AUC of 0.520 [0.490, 0.550], quiet weeks with 0.501 (.5 is nothing)." in html
    unknown = JointShift(False, None, None, None, None, None, (), 10, "too few weeks")
    html = monitoring_html(replace(report(), joint_shift=unknown))
    assert "How features go together was not compared: too few weeks." in html
