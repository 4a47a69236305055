"""The page of two versions says what the comparison says, and escapes it."""

import re
from dataclasses import replace

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.comparison import (
    ComparedCost,
    ComparedMetric,
    ComparedVersion,
    ComparedVersions,
    ComparisonSignals,
    SchemaChange,
    decide_comparison,
)
from ml_platform.reporting.comparison import comparison_html

SIGNALS = ComparisonSignals(
    gates=Verdict.PROMOTE,
    comparable=True,
    shown_better=True,
    shown_worse=False,
    breaking=True,
    dearer=True,
    way_back=True,
)
WORSE = Estimate(0.02, 0.01, 0.03)
COMPARED = ComparedVersions(
    model="example",
    simulated=True,
    first=ComparedVersion(3, Verdict.PROMOTE, "every gate passes", "a" * 64),
    second=ComparedVersion(4, Verdict.PROMOTE, "every <gate> passes", "b" * 64),
    rows_of="are the test rows of version 4",
    rows=1_234,
    clusters=56,
    leading="accuracy",
    metrics=(
        ComparedMetric("accuracy", Estimate(0.8, 0, 1), Estimate(0.82, 0, 1), WORSE, 0.004),
        ComparedMetric("log_loss", Estimate(0.5, 0, 1), Estimate(0.52, 0, 1), WORSE, 0.004),
    ),
    headline=("accuracy",),
    schema=(SchemaChange("takes dwell (number) as well", True),),
    costs=(ComparedCost("size", "MB", 1.0, 2.0),),
    way_back="version 3, its artifact is whole",
    signals=SIGNALS,
    decision=decide_comparison(SIGNALS),
)


def test_it_says_what_the_comparison_says_and_escapes_it() -> None:
    html = comparison_html(COMPARED)
    for words in (
        "example, version 4 against 3",
        "SIMULATED",
        '<p class="word">HOLD</p>',
        "<strong>Its schema breaks who uses it",
        "Both on 1,234 rows in 56 clusters, which are the test rows of version 4.",
        "Takes dwell (number) as well",
        "has to change",
        "the metric that decides",
        "Version 3, its artifact is whole",
        "every &lt;gate&gt; passes",
    ):
        assert words in html, words
    assert "<gate>" not in html
    assert not re.search(r"(src|href)=\"(?!data:|#)", html)


def test_more_is_good_or_bad_as_the_metric_says() -> None:
    html = comparison_html(COMPARED)
    tones = re.findall(r'class="[^"]*(good|bad)[^"]*">\s*\+?0?\.02', html)
    assert tones == ["good", "bad"]


def test_what_was_not_compared_says_why() -> None:
    html = comparison_html(
        replace(COMPARED, rows=0, metrics=(), schema=(), rows_of="version 3 has learned from")
    )
    assert (
        "None: They were not evaluated on the same rows, which version 3 has learned from." in html
    )
    assert "<p>The same.</p>" in html
