"""The chart beside the verdict: of what decided, or of a GO the metric that the model is known by."""

from dataclasses import replace

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.decide import decide
from ml_platform.reporting.evaluation.headline import CANDIDATE, Headline, headline
from ml_platform_tests.gates.spoilt_reports import POLICY, SPOILT, good_evidence, good_report


def chart(name: str = "") -> Headline:
    case = (good_report(), good_evidence())
    report, evidence = SPOILT[name](case) if name else case
    shown = headline(report, decide(report, POLICY, evidence))
    assert shown is not None
    return shown


def test_a_go_shows_the_metric_that_the_model_is_known_by():
    shown = chart()
    assert shown.title == "Accuracy on the same 5,000 test rows"
    assert shown.limit.startswith("The upright line is the limit 0.85")


def test_a_reject_shows_the_metric_of_the_gate_that_decided():
    shown = chart("calibration")
    assert shown.title == "Expected calibration error on the same 5,000 test rows"
    assert shown.limit == (
        "The upright line is the limit 0.05: the whole interval must stay at or below it."
    )
    assert [lane.name for lane in shown.lanes] == [CANDIDATE], "nobody else has a figure of it here"


def test_of_a_comparison_the_paired_difference_is_told():
    shown = chart("over_challenged")
    assert shown.title.startswith("Accuracy")
    assert shown.limit == (
        "“Over challenged” decides on the paired difference on the same rows, which is "
        "−0.020 [−0.030, −0.010]: the whole interval must lie above 0."  # noqa: RUF001
    )


def test_where_nothing_with_a_figure_decided_the_first_metric_is_shown():
    assert chart("leakage").title.startswith("Accuracy")
    assert chart("sample_size").title.startswith("Accuracy")


def test_of_two_misses_the_one_that_fired_is_shown():
    """Below the rules comes before a missed limit, whatever the order in the policy."""
    report, evidence = SPOILT["calibration"]((good_report(), good_evidence()))
    report = replace(report, difference_to_baseline={"accuracy": Estimate(-0.02, -0.03, -0.01)})
    shown = headline(report, decide(report, POLICY, evidence))
    assert shown is not None
    assert "“Over rules” decides" in shown.limit
