"""The events that each change of the registry adds say what happened to which version, on what evidence."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.errors import PermitRefused
from ml_platform.gates.outcome import Outcome, Verdict
from ml_platform.registry.chain import EventDraft, link
from ml_platform.registry.records import Action
from ml_platform.registry.transitions import (
    evaluated_again,
    promotion,
    refusal,
    registration,
    same_refusal,
)
from ml_platform_tests.registry.examples import AT, DECISION, RECORD, evidence_for, permit_for

LATER = AT + timedelta(hours=3)
CHAMPION = replace(RECORD, version=3)
CANDIDATE = replace(evidence_for(replace(RECORD, version=4)).record, artifact_sha256="a" * 64)
PERMIT = permit_for(CANDIDATE)
HELD = replace(RECORD, version=2, decision=replace(DECISION, verdict=Verdict.HOLD, row="a limit"))


@pytest.mark.parametrize("record", [RECORD, HELD], ids=["promote", "hold"])
def test_a_registration_is_recorded_whatever_the_verdict(record):
    assert registration(record) == EventDraft(
        model="example",
        version=record.version,
        action=Action.REGISTERED,
        verdict=record.decision.verdict,
        at=AT,
        actor="registry",
        evidence={
            "artifact_sha256": "a" * 64,
            "training_set_fingerprint": "f" * 64,
            "report_id": record.report_id,
            "policy_version": DECISION.policy_version,
            "decision_row": record.decision.row,
        },
    )


KNOWN = replace(CHAMPION, evaluation=2, mlflow_version="7")
LAST_GATE = DECISION.gates[-1]


@pytest.mark.parametrize(
    "decision",
    [
        replace(DECISION, verdict=Verdict.HOLD),
        replace(DECISION, row="another row"),
        replace(DECISION, policy_version="9" * 12),
        replace(DECISION, gates=DECISION.gates[:-1]),
        replace(
            DECISION,
            gates=(*DECISION.gates[:-1], replace(LAST_GATE, outcome=Outcome.NOT_APPLICABLE)),
        ),
    ],
    ids=["verdict", "row", "policy", "gates", "outcome of a gate"],
)
def test_another_outcome_is_another_evaluation_of_the_same_version(decision):
    now = replace(RECORD, decision=decision, report_id="c" * 64)
    again = evaluated_again(KNOWN, now)
    assert again == replace(now, version=3, evaluation=3, mlflow_version="7")
    draft = registration(again)
    assert (draft.version, draft.action) == (3, Action.EVALUATED)
    assert draft.verdict is decision.verdict
    assert draft.evidence["evaluation"] == "3"
    assert draft.evidence["report_id"] == "c" * 64


def test_other_figures_and_the_same_outcomes_are_no_new_evaluation():
    gates = (*DECISION.gates[:-1], replace(LAST_GATE, value=0.123, explanation="else"))
    now = replace(RECORD, decision=replace(DECISION, gates=gates), report_id="c" * 64)
    assert evaluated_again(KNOWN, now) is KNOWN
    first = registration(replace(KNOWN, evaluation=1))
    assert first.action is Action.REGISTERED
    assert "evaluation" not in first.evidence


def test_a_first_promotion_replaces_nothing():
    assert promotion(CANDIDATE, None, PERMIT, LATER, "somebody") == (
        EventDraft(
            "example",
            4,
            Action.PROMOTED,
            Verdict.PROMOTE,
            LATER,
            "somebody",
            {**PERMIT.as_evidence(), "replaced": "", "rollout": "direct"},
        ),
    )


def test_a_promotion_archives_the_champion_and_names_both():
    old = replace(
        CHAMPION, decision=HELD.decision
    )  # registered under another policy, and held by it
    archived, promoted = promotion(CANDIDATE, old, PERMIT, LATER, "somebody")
    assert archived == EventDraft(
        "example", 3, Action.ARCHIVED, Verdict.HOLD, LATER, "somebody", {"replaced_by": "4"}
    )
    assert (promoted.version, promoted.action, promoted.verdict) == (
        4,
        Action.PROMOTED,
        Verdict.PROMOTE,
    )
    assert promoted.evidence == {**PERMIT.as_evidence(), "replaced": "3", "rollout": "direct"}


def test_every_mismatch_of_a_permit_is_told():
    foreign = replace(PERMIT, training_set_fingerprint="0" * 64, policy_version="1" * 64)
    held = replace(CANDIDATE, decision=replace(DECISION, verdict=Verdict.HOLD))
    with pytest.raises(PermitRefused) as refused:
        promotion(held, None, foreign, LATER, "somebody")
    assert refused.value.reasons == (
        "the permit is of training set 000000000000, the version has ffffffffffff",
        f"the permit is of policy 111111111111, the version has {DECISION.policy_version[:12]}",
        "the verdict is hold, not promote",
    )


REASONS = ("the verdict is hold", "a file is missing")


def test_a_refusal_keeps_every_reason_in_its_order():
    assert refusal(HELD, REASONS, LATER, "somebody") == EventDraft(
        "example",
        2,
        Action.REFUSED,
        Verdict.HOLD,
        LATER,
        "somebody",
        {"reason_01": "the verdict is hold", "reason_02": "a file is missing"},
    )


def test_the_same_refusal_is_known_again_whoever_asks():
    event = link(None, refusal(HELD, REASONS, LATER, "a run"))
    assert same_refusal(event, refusal(HELD, REASONS, LATER, "another run"))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"version": 9},
        {"at": LATER + timedelta(seconds=1)},
        {"evidence": {"reason_01": "the verdict is hold"}},
        {"action": Action.PROMOTED},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_refusal_is_another(changes):
    event = replace(link(None, refusal(HELD, REASONS, LATER, "a run")), **changes)
    assert not same_refusal(event, refusal(HELD, REASONS, LATER, "a run"))
