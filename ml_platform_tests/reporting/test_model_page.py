"""The page of a model says what the values say, escapes it, and its form has a field for each feature."""

import re
from dataclasses import replace

from ml_platform.gates.outcome import GateKind, Outcome
from ml_platform.registry.answering import Answering
from ml_platform.registry.records import Action, Status
from ml_platform.reporting.model_page import MOST_CLASSES, ModelPage, VersionNow, model_html
from ml_platform.reporting.overview import Addresses
from ml_platform_tests.registry.examples import RECORD
from ml_platform_tests.reporting.service_examples import (
    HOSTILE,
    LONG,
    NOW,
    event,
    model_now,
    rollout,
    traffic,
)

KINDS = {"dwell": "number", "tool": "category", "recent": "tokens"}
VERSION = VersionNow(replace(RECORD, version=3), Status.PRODUCTION, NOW)


def page(**fields: object) -> ModelPage:
    name = "pattern_classifier"
    given = {
        "source": "simulate",
        "simulated": True,
        "at": NOW,
        "now": model_now(name),
        "events": (event(decision_row="every gate passes"),),
        "versions": (VERSION,),
        "week": traffic(name, hours=168),
        "classes": (("review", 3), ("report", 1)),
        "fields": KINDS,
        "example": '{"dwell": 1.5, "recent": ["a", "b"], "gone": 1}',
        "explains": True,
        "addresses": Addresses("", "http://127.0.0.1:5000"),
        **fields,
    }
    return ModelPage(**given)


def test_it_says_what_answers_and_lists_versions_gates_and_history():
    html = model_html(page())
    for words in (
        "<strong>Version 3</strong> since 2026-04-30 12:40 UTC, by champion asset",
        '<span class="toned good">production</span>',
        "SIMULATED events",
        "3 (75.0 %)",
        "Version 3, evaluation 1;",
        'href="http://127.0.0.1:5000/#/models/pattern_classifier"',
        'href="/models/pattern_classifier/report"',
        "Answers by hour, 7 days",
        "every gate passes",
    ):
        assert words in html
    for gate in RECORD.decision.gates:
        assert not gate.metric or gate.words in html


def test_the_form_has_a_field_for_each_feature_with_the_last_value():
    html = model_html(page())
    assert re.search(r'data-field="dwell" data-kind="number" value="1\.5"', html)
    assert re.search(r'data-field="tool" data-kind="category" value=""', html)
    assert re.search(r'data-field="recent" data-kind="tokens">\s*a\nb</textarea>', html)
    assert "gone" not in html
    assert html.index('data-field="recent"') < html.index('data-field="tool"'), "empty ones last"
    assert 'data-explain="yes"' in html
    assert 'data-explain="no"' in model_html(page(explains=False))


def test_an_example_of_another_kind_is_shown_as_it_is():
    html = model_html(page(example='{"dwell": "fast", "recent": "one", "tool": 3}'))
    assert 'data-field="dwell" data-kind="number" value="fast"' in html


def test_a_gate_that_stops_says_why():
    decision = VERSION.record.decision
    first = next(gate for gate in decision.gates if gate.kind is GateKind.QUALITY and gate.metric)
    failed = replace(first, outcome=Outcome.FAIL, explanation="it is too low")
    stopped = replace(decision, gates=(failed,))
    html = model_html(
        page(versions=(replace(VERSION, record=replace(VERSION.record, decision=stopped)),))
    )
    assert "it is too low" in html
    assert '<span class="toned bad">FAIL</span>' in html
    assert first.explanation not in model_html(page()), "where it passes the figures say it"


def test_the_classes_beyond_the_most_frequent_are_summed():
    counts = tuple((f"c{place}", 20 - place) for place in range(MOST_CLASSES + 3))
    html = model_html(page(classes=counts))
    assert "3 others" in html
    assert "c8" not in html
    assert "others" not in model_html(page(classes=counts[: MOST_CLASSES + 1]))


def test_without_anything_it_is_a_page():
    empty = page(
        now=model_now(answering=Answering(None, None), rules_answer=False, health=None),
        events=(),
        versions=(),
        week=None,
        classes=(),
        fields={},
        example="",
        explains=False,
    )
    html = model_html(empty)
    for words in (
        "Nothing answers",
        "None is registered.",
        "Nothing has happened yet.",
        "could not be counted in time",
        "Nothing answers for this model yet.",
        "NOT WATCHED",
    ):
        assert words in html


def test_nothing_that_somebody_has_written_is_more_than_text():
    html = model_html(
        page(
            source=HOSTILE,
            now=model_now(HOSTILE, rollout=rollout("m"), share=0.1),
            classes=((HOSTILE, 1),),
            fields={HOSTILE: "category", "list": "tokens"},
            example='{"list": ["</textarea><script>hacked=1</script>"]}',
            events=(event(Action.ROLLED_BACK, reason=HOSTILE + LONG),),
        )
    )
    (script,) = re.findall(r"<script[^>]*>", html)
    assert re.fullmatch(r'<script src="/static/ask\.js\?v=[0-9a-f]{12}" defer>', script)
    assert "</textarea><" not in html.replace("</textarea>\n", "")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)
    assert LONG.strip() in html, "the page of the model has the whole reason"
