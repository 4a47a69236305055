"""The page of a report: complete, self-contained, escaped, the same each time."""

import dataclasses
import html.parser
import re

import pytest

from ml_platform.evaluation.page import report_html
from ml_platform.evaluation.plots import class_table_png, confusion_png, reliability_png
from ml_platform.gates.decide import decide
from ml_platform.gates.policy import gate_names, policy_version
from ml_platform_tests.evaluation.test_evaluate import judge
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence


@pytest.fixture(scope="module")
def report():
    return judge(policy_version=policy_version(POLICY))


@pytest.fixture(scope="module")
def page(report):
    return report_html(report, decide(report, POLICY, good_evidence()))


class Balance(html.parser.HTMLParser):
    """Every tag that was opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_well_formed(page):
    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_it_says_everything(page, report):
    for expected in (
        *gate_names(POLICY),
        *report.candidate.metrics,
        *report.classes,
        report.artifact_sha256,
        report.training_set_fingerprint,
        "SIMULATED",
        "ceiling",
        "width=device-width",
    ):
        assert expected in page
    assert page.count("data:image/png;base64,") == 3


def test_it_needs_nothing_from_outside(page):
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "<script" not in page


def test_names_are_escaped(report):
    odd = dataclasses.replace(report, source="<script>alert(1)</script>", absent_classes=("<b>",))
    page = report_html(odd, decide(odd, POLICY, good_evidence()))
    assert "<script>" not in page
    assert "<b>" not in page


def test_the_same_report_gives_the_same_bytes(page, report):
    assert report_html(report, decide(report, POLICY, good_evidence())) == page


@pytest.mark.parametrize("plot", [confusion_png, reliability_png, class_table_png])
def test_plots_are_png(plot, report):
    assert plot(report).startswith(b"\x89PNG")
