"""What a version in shadow would have said, on the page of its model and at a shell."""

import re
from dataclasses import replace
from datetime import timedelta

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.reporting.model_page import model_html
from ml_platform.reporting.shadow import shadow_lines
from ml_platform.serving.shadow_differences import (
    Agreement,
    ConfidenceDifference,
    Confusion,
    Latency,
    OfArm,
    OfUser,
    ShadowDifferences,
)
from ml_platform_tests.reporting.service_examples import HOSTILE, LONG, NOW
from ml_platform_tests.reporting.test_model_page import page

REPORT = ShadowDifferences(
    model="pattern_classifier",
    version="4",
    since=NOW - timedelta(hours=20),
    until=NOW,
    pairs=1_250,
    compared=1_243,
    failed_served=0,
    failed_shadow=7,
    dropped=12,
    users=84,
    agreement=Estimate(0.942, 0.921, 0.958),
    confusions=(Confusion("review", "report", 31),),
    other_differences=41,
    confidence=ConfidenceDifference(-0.012, 0.021, 0.118),
    served_latency=Latency(0.41, 1.9),
    shadow_latency=Latency(0.62, 31.0),
    arms=(OfArm("3", "champion", Agreement(1_243, 1_171)),),
    most_differing=(OfUser("user_007", Agreement(40, 31)),),
)
NOTHING = replace(
    REPORT,
    compared=0,
    users=0,
    agreement=None,
    confusions=(),
    other_differences=0,
    confidence=None,
    served_latency=None,
    shadow_latency=None,
    arms=(),
    most_differing=(),
)


def section(html: str) -> str:
    found = re.search(r'<section id="shadow">(.*?)</section>', html, re.DOTALL)
    return found.group(1) if found else ""


def test_the_page_says_how_much_agrees_and_what_differs() -> None:
    html = section(model_html(page(in_shadow="4", shadow=REPORT)))
    for words in (
        "Version 4 in shadow",
        "from 2026-05-01 16:40 UTC to 2026-05-02 12:40 UTC",
        "<dd>94.2 %<small>[92.1 %, 95.8 %]</small></dd>",
        "<dd>1,243<small>of 84 users</small></dd>",
        "<dd>\N{MINUS SIGN}0.012<small>half differ by 0.021 at most, 95 % by 0.118</small></dd>",
        "<dd>31 ms<small>served: 1.9 ms</small></dd>",
        '<div class="bad"><dt>Failed</dt><dd>7',
        '<td>review</td>\n<td>report</td>\n<td class="number">31</td>',
        "<td>others</td>",
        "<td>user_007</td>",
        "77.5 %",
    ):
        assert words in html


def test_a_model_without_a_shadow_has_no_section_and_one_that_was_not_counted_says_so() -> None:
    assert section(model_html(page())) == ""
    late = section(model_html(page(in_shadow="4")))
    assert "Its answers could not be compared in time." in late
    assert "<table>" not in late


def test_pairs_that_all_failed_have_no_agreement() -> None:
    html = section(model_html(page(in_shadow="4", shadow=NOTHING)))
    assert "unknown<small>no pair in which nobody failed</small>" in html
    assert "<table>" not in html
    assert "  agree: unknown no pair in which nobody failed" in next(
        line for line in shadow_lines(NOTHING) if "agree" in line
    )


def test_names_of_people_and_classes_are_text_and_short() -> None:
    hostile = replace(
        REPORT,
        confusions=(Confusion(HOSTILE, LONG, 1),),
        arms=(OfArm(HOSTILE, HOSTILE, Agreement(1, 0)),),
        most_differing=(OfUser(HOSTILE + LONG, Agreement(1, 0)),),
    )
    html = model_html(page(in_shadow=HOSTILE, shadow=hostile))
    assert html.count("<script") == 1, "the page's own"
    assert "&lt;script&gt;hacked=1" in section(html)
    assert LONG.strip() not in html


def test_a_shell_gets_the_same_in_lines() -> None:
    assert list(shadow_lines(REPORT)) == [
        "pattern_classifier: version 4 in shadow, 2026-05-01 16:40 UTC to 2026-05-02 12:40 UTC",
        "  1,250 answers beside which it answered; failed: 7 in shadow, 0 served; 12 answers without one in shadow",
        "  agree: 94.2 % [92.1 %, 95.8 %] of 1,243 pairs, 84 users",
        "  confidence: \N{MINUS SIGN}0.012 on average; half differ by at most 0.021, 95 % by at most 0.118",
        "  served: p50 0.41 ms, p99 1.9 ms",
        "  shadow: p50 0.62 ms, p99 31 ms",
        "       31  review -> report",
        "       41  other differences",
        "  as champion, version 3: 94.2 % of 1,243 agree",
        "  user user_007: 77.5 % of 40 agree",
    ]
