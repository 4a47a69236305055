"""The first page of the service says what the values say, escapes it, and does without what is not known."""

import re
from dataclasses import replace

import pytest

from ml_platform.registry.answering import Answering
from ml_platform.registry.records import Status
from ml_platform.reporting.components import Tone
from ml_platform.reporting.hour_bars import Stack, hour_bars
from ml_platform.reporting.overview import milliseconds, overview_html
from ml_platform.reporting.page import stylesheet
from ml_platform.serving.traffic import Traffic, last_hours
from ml_platform_tests.reporting.browser import browser, find_browser
from ml_platform_tests.reporting.service_examples import (
    HOSTILE,
    LONG,
    NOW,
    full_overview,
    model_now,
    overview,
    rollout,
)


def test_it_says_what_answers_since_when_by_whom_and_why():
    html = overview_html(overview(model_now()))
    assert "<strong>Version 3</strong>" in html
    assert "since 2026-04-30 12:40 UTC, by champion asset" in html
    assert "Every gate passes." in html
    assert "SIMULATED events" in html
    assert 'href="/models/pattern_classifier"' in html
    assert 'href="http://127.0.0.1:3000/assets/pattern_classifier/champion"' in html
    assert '<span class="chip good">GREEN</span>' in html


def test_real_events_are_not_called_simulated():
    assert "SIMULATED" not in overview_html(overview(simulated=False))


@pytest.mark.parametrize(
    ("status", "chip"), [(Status.CANARY, "ROLLOUT"), (Status.HELD, "HALTED")], ids=str
)
def test_a_rollout_has_its_step_its_share_and_its_guardrails(status, chip):
    html = overview_html(overview(model_now(rollout=rollout("m", status), share=0.099)))
    assert "Version 2, step 2 of 4" in html
    assert f">{chip}</span>" in html
    assert "10% of the users since 2026-05-02 06:40 UTC; now 9.9% get it" in html
    assert "guarded by errors, latency, metric, calibration" in html
    assert '<rect class="accent" width="9.9" height="4"/>' in html


def test_missed_windows_are_told():
    assert "ended without a report" not in overview_html(overview(model_now()))
    assert "One window has ended without" in overview_html(overview(model_now(missed=1)))
    assert "8 windows have ended without a report" in overview_html(overview(model_now(missed=8)))


def test_who_has_neither_version_nor_rules_is_said_to_have_nothing():
    html = overview_html(
        overview(
            model_now(answering=Answering(None, None), rules_answer=False, untrained="no rows")
        )
    )
    assert "<strong>Nothing answers</strong>" in html
    assert "INSUFFICIENT: no rows." in html


def test_without_anything_it_is_a_page():
    empty = overview(decisions=(), traffic=None)
    html = overview_html(empty)
    assert "There is no model in the catalogue." in html
    assert "Nothing was decided yet." in html
    assert "could not be counted in time" in html
    quiet = overview_html(overview(model_now(), traffic=Traffic(*last_hours(NOW, 24))))
    assert "No answers in the last 24 hours." in quiet
    assert "nan" not in quiet


def test_nothing_that_somebody_has_written_is_more_than_text():
    html = overview_html(full_overview())
    assert "<script" not in html
    assert "49" not in html[html.index("Last decisions") :]
    assert html.count("&lt;script&gt;hacked=1&lt;/script&gt;") >= 4
    assert HOSTILE not in html


def test_the_policy_of_the_page_has_nothing_to_refuse():
    """No style, script or handler stands in the page: the browser would refuse it."""
    html = overview_html(full_overview())
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)


def test_a_long_reason_is_cut_in_the_table():
    html = overview_html(full_overview())
    decisions = html[html.index("Last decisions") :]
    assert LONG[:100] in decisions
    assert LONG[:200] not in decisions


def test_the_same_values_give_the_same_page():
    assert overview_html(full_overview()) == overview_html(full_overview())


def test_bars_stand_on_the_ground_and_the_tallest_reaches_the_top():
    chart = hour_bars(
        "t",
        [Stack(((1.0, Tone.ACCENT), (1.0, Tone.BAD)), "two"), Stack(((1.0, Tone.ACCENT),), "one")],
        most="2",
        first="a",
        last="b",
    )
    (low, high), (half,) = (bar.marks for bar in chart.bars)
    assert (low.y, low.height, high.y, high.height) == (50, 50, 0, 50)
    assert (half.y, half.height) == (50, 50)
    assert chart.width == 20


def test_one_answer_beside_a_million_is_seen():
    chart = hour_bars(
        "t",
        [Stack(((1e6, Tone.ACCENT),), ""), Stack(((1.0, Tone.BAD),), ""), Stack((), "")],
        most="",
        first="",
        last="",
    )
    assert chart.bars[1].marks[0].height > 1
    assert chart.bars[2].marks == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "none"), (0.84, "0.84 ms"), (9.96, "10 ms"), (12.3, "12 ms"), (1234.0, "1.2 s")],
)
def test_latencies_are_read_by_people(value, words):
    assert milliseconds(value) == words


def test_the_page_of_hours_that_failed_says_so():
    counted = overview(model_now())
    html = overview_html(replace(counted, traffic=counted.traffic))
    assert "12 errors" not in html
    assert "1 errors, p50" in html


def test_in_a_browser_names_without_end_fit_and_nothing_runs(tmp_path):
    executable = find_browser()
    if executable is None:
        pytest.skip("there is no Chromium on this machine")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text(stylesheet(), encoding="utf-8")
    path = tmp_path / "overview.html"
    html = overview_html(full_overview())
    path.write_text(re.sub(r'href="/static', 'href="static', html), encoding="utf-8")
    messages: list[str] = []
    with browser(executable) as opened:
        for width in (1280, 400):
            page = opened.new_page(viewport={"width": width, "height": 900})
            page.on("console", lambda message: messages.append(message.text))
            page.on("pageerror", lambda error: messages.append(str(error)))
            page.goto(path.as_uri())
            assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "styled"
            assert page.evaluate("document.documentElement.scrollWidth") == width
            overflowing = page.evaluate(
                "[...document.querySelectorAll('main *')].filter(e => !e.closest('svg, .wide')"
                f" && e.getBoundingClientRect().right > {width} + 0.5).map(e => e.outerHTML)"
            )
            assert overflowing == []
            assert page.evaluate("typeof hacked") == "undefined"
            page.screenshot(path=tmp_path / f"overview-{width}.png", full_page=True)
    assert messages == []
