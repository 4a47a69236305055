"""A rollout on the pages: what its guard last saw, and what must come before the next step; all of it is text."""

from dataclasses import replace
from datetime import timedelta
from math import log

import pytest

from ml_platform.registry.records import Status
from ml_platform.registry.rollout.decide import Step
from ml_platform.registry.rollout.last_look import GuardrailNow, GuardrailState, LastLook, Observed
from ml_platform.registry.rollout.policy import Guardrail
from ml_platform.reporting.model_page import model_html
from ml_platform.reporting.overview import overview_html
from ml_platform_tests.reporting.service_examples import (
    HOSTILE,
    NOW,
    model_now,
    overview,
    rollout,
)
from ml_platform_tests.reporting.test_model_page import page

BEGUN = NOW - timedelta(hours=30)
LOOK = LastLook(
    version=2,
    begun=BEGUN,
    step=2,
    at=NOW - timedelta(seconds=10),
    answers=212,
    decision=Step.WAIT,
    why="harm is suspected: errors",
    guardrails=(
        GuardrailNow(
            Guardrail.ERRORS,
            GuardrailState.SUSPECTED,
            NOW - timedelta(hours=1),
            log(50),
            Observed(0.031, 0.01),
        ),
        GuardrailNow(Guardrail.LATENCY, GuardrailState.BLIND, NOW - timedelta(minutes=5), None),
        GuardrailNow(
            Guardrail.METRIC, GuardrailState.QUIET, BEGUN, log(0.31), Observed(0.86, 0.87)
        ),
        GuardrailNow(Guardrail.CALIBRATION, GuardrailState.HARM, NOW, 5_000.0),
    ),
)
AFTER = "212 of 400 answers and 6.0 of 24 hours before step 3."


def on_pages(look: LastLook | None, status: Status = Status.CANARY) -> tuple[str, str]:
    """The overview and the page of a model with a rollout."""
    now = model_now(rollout=rollout("m", status), share=0.1, look=look)
    return overview_html(overview(now)), model_html(page(now=now))


def test_both_pages_say_what_the_guard_saw_and_what_must_come_before_the_next_step() -> None:
    for html in on_pages(LOOK):
        assert AFTER in html
        assert (
            "Last look of its guard 2026-05-02 12:39 UTC: wait (harm is suspected: errors)." in html
        )
        assert '<span class="toned unsure">suspected</span>' in html
        assert '<span class="toned unsure">blind</span>' in html
        assert '<span class="toned good">quiet</span>' in html
        assert "since 2026-05-02 11:40 UTC" in html or "<td>2026-05-02 11:40 UTC</td>" in html


def test_the_overview_lists_each_guardrail_with_its_evidence_in_a_line() -> None:
    html, _ = on_pages(LOOK)
    for words in (
        "<small>evidence 50.0 of 667, since 2026-05-02 11:40 UTC</small>",
        "<small>evidence 0.310 of 588, since 2026-05-01 06:40 UTC</small>",
        "<small>nothing to compare with, since 2026-05-02 12:35 UTC</small>",
        "<small>evidence over a million of 2,500, since 2026-05-02 12:40 UTC</small>",
    ):
        assert words in html


def test_the_page_of_a_model_has_the_limits_and_how_sure_the_evidence_is() -> None:
    _, html = on_pages(LOOK)
    assert "<h2>Guardrails of the rollout</h2>" in html
    rows = [row.split("</tr>")[0] for row in html.split("<td>errors<small>")[1:]]
    assert "0.030 worse is tolerated" in rows[0]
    for cell in ("3.1 %", "1.0 %", "50.0", "20", "667", "2.0 %"):
        assert f'<td class="number">{cell}</td>' in rows[0]
    assert '<td class="number">2,500</td>' in html
    assert '<td class="number">100.0 %</td>' in html


def test_before_the_first_look_the_pages_say_what_it_takes() -> None:
    for html in on_pages(None):
        assert "Its guard has not looked yet: that takes a running service." in html
        assert "0 of 400 answers and 6.0 of 24 hours before step 3." in html
        assert "Guardrails of the rollout" not in html


@pytest.mark.parametrize(
    ("look", "status", "words"),
    [
        (LOOK, Status.HELD, "While a person halts it nobody looks."),
        (
            replace(LOOK, at=NOW - timedelta(minutes=6)),
            Status.CANARY,
            "Nobody has looked since, so its share is 0: is the service running?",
        ),
    ],
)
def test_a_look_that_nobody_has_followed_is_said_to_be_old(
    look: LastLook, status: Status, words: str
) -> None:
    for html in on_pages(look, status):
        assert words in html


def test_the_last_step_leads_into_production() -> None:
    last = rollout("m")
    last = replace(last, life=replace(last.life, step=4), steps_since=(BEGUN, *[NOW] * 4))
    html = overview_html(overview(model_now(rollout=last, look=replace(LOOK, step=4))))
    assert "212 of 2,000 answers and 0.0 of 48 hours before production." in html


def test_what_stands_in_a_look_is_text() -> None:
    for html in on_pages(replace(LOOK, why=HOSTILE)):
        assert "<script>" not in html
        assert "&lt;script&gt;hacked=1&lt;/script&gt;" in html
