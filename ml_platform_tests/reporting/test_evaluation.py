"""The page of a report: complete, self-contained, escaped, the same each time, and fit for a phone."""

import dataclasses
import html.parser
import re

import pytest

from ml_platform.evaluation.dimensions.dimension import (
    Chart,
    ChartKind,
    Dimension,
    ScorePart,
    Series,
)
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.gates.decide import decide
from ml_platform.gates.policy import gate_names, policy_version
from ml_platform.reporting.components import Tone
from ml_platform.reporting.evaluation import plots, report_html
from ml_platform.reporting.evaluation.metrics import metrics
from ml_platform.reporting.evaluation.narrative import narrative
from ml_platform.reporting.evaluation.reproduction import command
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform_tests.evaluation.test_evaluate import ORIGIN, evaluator
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report
from ml_platform_tests.reporting.browser import browser, find_browser
from ml_platform_tests.reporting.dimension_examples import DIMENSIONS

RICH_POLICY = GatePolicy(
    quality=(
        *POLICY.quality,
        QualityGate("errors", "fairness.error_gap", Bound.AT_MOST, 0.1, "nobody pays for others"),
        QualityGate("tenure", "fairness.tenure_gap", Bound.AT_MOST, 0.1, "newcomers count too"),
        QualityGate("noise", "robustness.loss_at_tenth_missing", Bound.AT_MOST, 0.01, "it happens"),
        QualityGate("shap", "explanations.shap_stability", Bound.LIMIT, 0.8, "people read them"),
    )
)


@pytest.fixture(scope="module")
def report():
    return evaluator(origin=dataclasses.replace(ORIGIN, policy_version=policy_version(POLICY)))


@pytest.fixture(scope="module")
def page(report):
    return report_html(report, decide(report, POLICY, good_evidence()))


@pytest.fixture(scope="module")
def rich():
    """Report and decision with every kind of dimension, chart and outcome."""
    report = evaluator(
        origin=dataclasses.replace(ORIGIN, policy_version=policy_version(RICH_POLICY))
    )
    report = dataclasses.replace(report, dimensions=DIMENSIONS)
    return report, decide(report, RICH_POLICY, good_evidence())


class Balance(html.parser.HTMLParser):
    """Every tag that was opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def balanced(page):
    parser = Balance()
    parser.feed(page)
    return parser.open == []


def test_it_is_well_formed(page, rich):
    assert balanced(page)
    assert balanced(report_html(*rich))


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
        "Calibration: confidence against share correct",
        "Which classes are mistaken for which",
        "examined no dimension",
    ):
        assert expected in page.replace("<wbr>", "")


def test_every_dimension_has_a_tile_and_a_section(rich):
    page = report_html(*rich)
    for name, tone in (
        ("fairness", "unsure"),
        ("robustness", "bad"),
        ("cost", "neutral"),
        ("explanations", "neutral"),
    ):
        assert f'<a class="tile {tone}" href="#dimension-{name}">' in page
        assert f'<section id="dimension-{name}">' in page
    assert page.count("<figure>") >= sum(len(dimension.charts) for dimension in DIMENSIONS)
    assert "The owner of the sources of events: the gate “Noise” did not pass" in page
    assert "Tenure, INSUFFICIENT" in page
    assert "Shap, NOT APPLICABLE" in page
    assert "Robustness: the share of rows out of distribution." in page


def test_a_gate_on_a_dimension_that_is_missing_has_its_tile():
    report = good_report(RICH_POLICY)
    page = report_html(report, decide(report, RICH_POLICY, good_evidence()))
    assert '<a class="tile unsure" href="#gates"><span>Fairness</span>' in page


def test_go_is_promote_alone():
    report = good_report()
    decision = decide(report, POLICY, good_evidence())
    assert ">GO<" in report_html(report, decision)
    for verdict in ("hold", "reject"):
        page = report_html(report, dataclasses.replace(decision, verdict=verdict))
        assert ">NO-GO<" in page


def test_three_sentences_from_the_figures():
    report = good_report()
    first, second, third = narrative(report, decide(report, POLICY, good_evidence()))
    assert "5,000 test rows in 900 clusters" in first
    assert "accuracy is 0.900 [0.890, 0.910]; the rules reach 0.700" in first
    assert "+0.200 [0.180, 0.220] against the rules" in second
    assert "+0.005 [−0.002, 0.012] against the champion (not distinguishable)" in second  # noqa: RUF001
    # over champion: (-0.002 + 0.01) / 0.014 = 0.57; the other gates keep half a width or more
    assert third.startswith(
        "Under the policy “mission”, 13 of 13 gates pass; the one with the least to spare is “Over challenged”"
    )


def test_without_a_metric_it_says_why():
    empty = dataclasses.replace(good_report().candidate, metrics={})
    report = dataclasses.replace(
        good_report(), candidate=empty, undefined={"accuracy": "no row has a label"}
    )
    page = report_html(report, decide(report, POLICY, good_evidence()))
    assert "it has no figure: no row has a label" in page


def test_it_needs_nothing_from_outside(page):
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "<script" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page


HOSTILE = '"><script>hacked = 1</script><img src=x onerror="hacked = 1"><b>'


def hostile_page(report):
    """The page of a report in which every name that comes from data tries to run a script."""
    chart = Chart(
        HOSTILE,
        ChartKind.BARS,
        HOSTILE,
        HOSTILE,
        tuple(Series(HOSTILE, (HOSTILE,), (1.0,)) for _ in "ab"),
    )
    dimension = Dimension(
        HOSTILE, HOSTILE, HOSTILE, HOSTILE,
        measures={HOSTILE: Estimate(0.5, 0.4, 0.6)},
        findings=(HOSTILE,),
        advice=(HOSTILE,),
        undefined={HOSTILE: HOSTILE},
        parts=(ScorePart(HOSTILE, 5.0, HOSTILE),),
        tables=(ReportTable(HOSTILE, (HOSTILE,), ((HOSTILE,),)),),
        charts=(chart,),
    )  # fmt: skip
    decision = decide(report, POLICY, good_evidence())
    gates = tuple(
        dataclasses.replace(gate, name=HOSTILE, explanation=HOSTILE, remedy=HOSTILE)
        for gate in decision.gates
    )
    count = len(report.classes)
    changed = dataclasses.replace(
        report,
        model=HOSTILE,
        source=HOSTILE,
        source_options=(HOSTILE,),
        classes=(HOSTILE,) * count,
        absent_classes=(HOSTILE,),
        per_class=tuple(dataclasses.replace(row, name=HOSTILE) for row in report.per_class),
        candidate=dataclasses.replace(
            report.candidate, metrics=report.candidate.metrics | {HOSTILE: Estimate(1.0, 1.0, 1.0)}
        ),
        folds=({HOSTILE: 1.0},),
        undefined={HOSTILE: HOSTILE},
        champion_note=HOSTILE,
        dimensions=(dimension,),
    )
    decision = dataclasses.replace(decision, gates=gates, row=HOSTILE)
    return report_html(changed, decision, {HOSTILE: HOSTILE})


def test_names_are_escaped(report):
    page = hostile_page(report)
    assert page.count("hacked") > 30
    for tag in ("<script", "<img", "<b>hacked"):
        assert tag not in page
    assert balanced(page)


def test_differences_are_coloured_by_the_direction_of_their_metric():
    report = dataclasses.replace(
        good_report(),
        candidate=dataclasses.replace(
            good_report().candidate,
            metrics=dict.fromkeys(("accuracy", "log_loss", "macro_f1"), Estimate(0.5, 0.4, 0.6)),
        ),
        difference_to_baseline={
            "accuracy": Estimate(-0.2, -0.3, -0.1),
            "log_loss": Estimate(-0.2, -0.3, -0.1),
            "macro_f1": Estimate(0.1, -0.1, 0.3),
        },
        difference_to_dummy={},
        difference_to_champion=None,
        difference_to_challenged=None,
    )
    rows = {row[0].note: row for row in metrics(report).table.rows}
    assert {name: row[2].tone for name, row in rows.items()} == {
        "accuracy": Tone.BAD,
        "log_loss": Tone.GOOD,
        "macro_f1": None,
    }
    assert rows["log_loss"][0].text == "Log loss ↓"
    assert rows["macro_f1"][0].text == "Macro F1 ↑"


def test_the_same_report_gives_the_same_bytes(page, report):
    assert report_html(report, decide(report, POLICY, good_evidence())) == page


def test_it_stays_small(rich):
    assert len(report_html(*rich)) < 3_000_000


def test_the_command_is_the_one_to_type():
    report = dataclasses.replace(good_report(), model="m")
    assert command(report) == "ml-platform run --models m --source made --as-of 2024-03-31T00:00Z"
    options = ("--source", "git:my code", "--map", "m.toml")
    report = dataclasses.replace(report, source_options=options)
    assert "--source 'git:my code' --map m.toml --as-of" in command(report)


def test_plots_of_what_the_report_has(report):
    drawn = plots(report)
    assert {plot.name: plot.title for plot in drawn} == {
        "confusion": "Confusion: true class by predicted class",
        "f1_by_class": "F1 of each class, the most frequent first",
        "calibration": "Calibration: confidence against share correct",
    }
    assert all(plot.png.startswith(b"\x89PNG") for plot in drawn)
    assert plots(dataclasses.replace(report, confusion=(), per_class=(), reliability=())) == ()


def test_in_a_browser_it_fits_loads_nothing_and_runs_nothing(rich, report, tmp_path):
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    ordinary, hostile = tmp_path / "report.html", tmp_path / "hostile.html"
    ordinary.write_text(report_html(*rich), encoding="utf-8")
    hostile.write_text(hostile_page(report), encoding="utf-8")
    requests, messages = [], []
    with browser(executable) as opened:
        for path, width in ((ordinary, 1280), (ordinary, 390), (hostile, 390)):
            page = opened.new_page(viewport={"width": width, "height": 900})
            page.on("request", lambda request: requests.append(request.url))
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
            overflowing = page.evaluate(
                "[...document.querySelectorAll('main *')].filter(e => !e.closest('svg, .wide')"
                f" && e.getBoundingClientRect().right > {width} + 0.5).map(e => e.outerHTML)"
            )
            assert overflowing == []
            assert page.evaluate("typeof hacked") == "undefined"
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert messages == []
