"""The texts of a registry's pages: verdict first, figures beside the rules, no name from the data."""

from dataclasses import replace
from datetime import UTC, datetime

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.decide import decide
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.answering import answering
from ml_platform.registry.chain import extend
from ml_platform.registry.changes import Request, roll_back_production
from ml_platform.registry.history import History
from ml_platform.reporting.registry_text import (
    model_text,
    rules_name,
    rules_text,
    run_text,
    standing,
    version_text,
)
from ml_platform.reporting.words import moment
from ml_platform_tests.gates.spoilt_reports import POLICY, good_evidence, good_report
from ml_platform_tests.registry.examples import RECORD, REPORT
from ml_platform_tests.registry.test_states import STORY

LINKS = {"report": "#/report", "Dagster run": ""}
SINCE = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOME = " --home /data/home"
DECIDED = {"decision_row": "every gate passes"}


def history(events):
    """The first events of a model's story."""
    drafts = (replace(draft, evidence=draft.evidence | DECIDED) for draft in STORY[:events])
    return History("m", extend(None, drafts))


def rolled_back(reason="answers are wrong"):
    """A model whose first champion was rolled back."""
    promoted = history(2)
    request = Request("ada", reason, SINCE)
    drafts = roll_back_production(promoted, promoted.state.revision, None, request)
    return History("m", (*promoted.events, *extend(promoted.events[-1], drafts)))


NEVER = answering(history(1))
"""The rules answer, as they always have."""


def lines(text):
    return text.splitlines()


def test_a_version_says_verdict_figures_and_where_to_look():
    text = version_text(replace(RECORD, version=1), REPORT, LINKS, history(1))
    assert lines(text)[:3] == [
        "**Not in production.**",
        "",
        "example version 1. **PROMOTE: every gate passes**",
    ]
    assert "| SIMULATED, 5,000 test rows | Accuracy |" in text
    assert "| This version | 0.900 [0.890, 0.910] |" in text
    assert "| Rule baseline | 0.700 [0.680, 0.720] |" in text
    assert "`ml-platform why example 1` · [report](#/report)\n" in text
    assert "Stopped by" not in text


def test_the_gates_that_stop_are_listed_with_value_and_limit():
    poor = replace(REPORT.candidate, metrics={"accuracy": Estimate(0.5, 0.49, 0.51)})
    report = replace(REPORT, candidate=poor)
    decision = decide(report, POLICY, good_evidence())
    assert decision.verdict is not Verdict.PROMOTE
    text = version_text(replace(RECORD, version=1, decision=decision), report, {}, history(1))
    assert "Stopped by:\n\n- " in text
    assert "limit" in text


def test_hostile_names_of_the_data_do_not_appear():
    hostile = "[x](javascript:alert(1))<img src=x>"
    report = replace(
        good_report(), source=hostile, classes=(hostile, "b"), policy_name=hostile, simulated=False
    )
    text = version_text(
        replace(RECORD, version=1, classes=(hostile, "b")), report, LINKS, rolled_back(hostile)
    ).replace(f"`{hostile}`", "")
    assert "javascript" not in text
    assert "<" not in text
    assert "SIMULATED" not in text


def test_a_report_that_is_gone_is_said_so():
    assert "`ml-platform verify` says which" in version_text(
        replace(RECORD, version=1), None, LINKS, history(1)
    )
    assert "`ml-platform verify` says which" in rules_text(NEVER, "example", "a" * 64, None, LINKS)


def test_a_model_says_what_is_in_production_since_when_and_why():
    text = model_text(history(2), "next step")
    assert lines(text)[0] == (
        f"Next step. **In production: version 1** since {moment(history(2).events[-1].wall)}, by test: "
        "every gate passes."
    )
    assert 'load_model("models:/m@champion")' in text
    assert "Go back: `ml-platform models rollback m --reason WHY` (the rules answer again)." in text
    later = model_text(history(10), "next step")
    assert (
        "Go back: `ml-platform models rollback m --reason WHY` (version 1 answers again)." in later
    )
    again = history(12)
    assert answering(again).promoted == again.events[1].wall
    assert (
        "**In production: version 1** since 2026-05-01 12:00 UTC, by test: brought back by a rollback; "
        "promoted 2026-05-01 12:00 UTC: every gate passes."
    ) in model_text(again, "next step")


def test_a_model_whose_rules_answer_says_since_when_and_what_could_answer_again():
    never = model_text(history(1), "next step")
    since = moment(history(1).events[0].wall)
    assert f"**In production: the rules** since {since}: no version has passed every gate." in never
    assert "Go back: nothing to go back to. More:" in never
    assert f'load_model("models:/{rules_name("m")}@current")' in never
    left = model_text(rolled_back(), "next step")
    assert "o version has passed" not in left
    since = moment(rolled_back().events[-1].wall)
    assert (
        f"**In production: the rules** since {since}, by ada: version 1 was rolled back (`answers are wrong`)."
    ) in left
    assert (
        "Go back: `ml-platform models resume m 1 --reason WHY`, then "
        "`ml-platform models rollback m --to 1 --reason WHY` "
        "(version 1 is held; once that is lifted it can answer again). More:"
    ) in left


def test_the_first_line_of_a_version_says_where_it_stands():
    promoted, back = history(2), rolled_back()
    since = moment(promoted.events[-1].wall)
    assert standing(promoted, 1) == f"**In production since {since}, by test**: every gate passes."
    since = moment(back.events[-1].wall)
    assert standing(back, 1) == (
        f"**Held since {since}**, by ada, who rolled it back (`answers are wrong`). "
        "Now the rules answer; the way back stands on the page of m."
    )
    halted = history(7)
    assert standing(halted, 2).startswith(f"**Held since {moment(halted.events[-1].wall)}**, by ")
    assert "rolled it back" not in standing(halted, 2)
    assert standing(history(6), 2) == "**It is being rolled out**, and is not in production yet."
    assert standing(history(10), 1) == "**Not in production any more.**"


def test_the_page_of_the_rules_shows_the_figure_of_the_rules_alone():
    text = rules_text(NEVER, "example", "a" * 64, REPORT, LINKS)
    assert "| These rules | 0.700 [0.680, 0.720] |" in text
    assert "This version" not in text
    assert "0.900" not in text, "the candidate's figure"


def test_the_page_of_the_rules_says_whether_they_answer():
    def first_words(events):
        return rules_text(answering(events), "m", "a" * 64, REPORT, LINKS).partition(
            " The rules of m"
        )[0]

    since = moment(history(2).events[-1].wall)
    assert first_words(history(2)) == (
        f"**Not answering: version 1 is in production since {since}, by test.**"
    )
    assert first_words(rolled_back()).endswith(
        "by ada**: version 1 was rolled back (`answers are wrong`)."
    )
    assert first_words(history(1)).startswith("**Answering now since ")


def test_registration_is_told_by_the_clock_on_the_wall():
    told = history(1)
    record = replace(RECORD, version=1, registered_at=datetime(2020, 1, 1, tzinfo=UTC))
    text = version_text(record, REPORT, LINKS, told)
    assert f"Registered {moment(told.events[0].wall)}." in text
    assert "2020-01-01" not in text


def test_commands_name_the_home_where_they_have_to():
    record = replace(RECORD, version=1)
    assert f"`ml-platform why example 1{HOME}`" in version_text(
        record, REPORT, LINKS, history(1), HOME
    )
    assert f"`ml-platform status{HOME}`" in rules_text(NEVER, "m", "a" * 64, REPORT, LINKS, HOME)
    text = model_text(history(2), "next step", HOME)
    assert f"`ml-platform models rollback m --reason WHY{HOME}`" in text
    assert f"`ml-platform models history m{HOME}`, `ml-platform why m{HOME}`" in text
    told = run_text("m", RECORD.decision, REPORT, {}, HOME)
    assert told.endswith(f"`ml-platform why m{HOME}`")
