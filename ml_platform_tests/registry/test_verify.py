"""Verification is clean on what is whole, and names exactly what was tampered with."""

from dataclasses import replace

import pytest

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.gates.outcome import Outcome, Verdict
from ml_platform.registry.verify import VersionEvidence, verify
from ml_platform.values import fingerprint, to_json
from ml_platform_tests.registry.examples import AT, RECORD, REPORT, TRAINING_SET, permit_for


@pytest.fixture
def whole():
    ledger = InMemoryLedger()
    record = ledger.register(RECORD)
    ledger.promote("example", 1, expected_revision=0, permit=permit_for(record), at=AT, actor="t")
    evidence = VersionEvidence(
        record=record,
        report=REPORT,
        report_sha256=fingerprint(REPORT),
        training_set=TRAINING_SET,
        artifact_sha256=record.artifact_sha256,
        rows_sha256=TRAINING_SET.rows_sha256,
    )
    return ledger.events(), {"example": ledger.production("example")}, evidence


def stored(events):
    return [to_json(event) for event in events]


def faults(events, production, *evidence):
    findings = verify(stored(events), events, production, evidence)
    return {finding.subject: finding.detail for finding in findings if not finding.ok}


def test_what_is_whole_is_clean(whole):
    assert faults(*whole) == {}
    events, production, evidence = whole
    findings = {
        finding.subject: finding.detail
        for finding in verify(stored(events), events, production, [evidence])
    }
    assert findings["chain"] == "2 events, unbroken"
    assert findings["example 1 decision"] == "promote: every gate passes"


def test_bytes_that_changed_or_went_are_named(whole):
    events, production, evidence = whole
    changed = replace(evidence, artifact_sha256="b" * 64, rows_sha256=None)
    assert faults(events, production, changed) == {
        "example 1 artifact": "SHA-256 is bbbbbbbbbbbb, recorded is aaaaaaaaaaaa",
        "example 1 data": "the file is missing",
    }


def test_a_verdict_changed_in_its_place_is_found_by_replay_and_by_the_chain(whole):
    events, production, evidence = whole
    decision = replace(evidence.record.decision, verdict=Verdict.HOLD)
    forged = replace(evidence, record=replace(evidence.record, decision=decision))
    assert faults(events, production, forged) == {
        "example 1 registration": "registered was promote, stored is hold",
        "example 1 decision": "stored is hold, replayed it is promote",
    }


@pytest.fixture
def evaluated_twice():
    """Held first, promoted on its second evaluation; the evidence of both, oldest first."""
    ledger = InMemoryLedger()
    gates = tuple(replace(g, outcome=Outcome.FAIL) for g in RECORD.decision.gates[-1:])
    decision = replace(RECORD.decision, verdict=Verdict.HOLD, row="a limit is missed", gates=gates)
    ledger.register(replace(RECORD, decision=decision, report_id="e" * 64))
    second = ledger.register(RECORD)
    ledger.promote("example", 1, expected_revision=0, permit=permit_for(second), at=AT, actor="t")
    evidence = [
        VersionEvidence(record, REPORT, fingerprint(REPORT), TRAINING_SET, "a" * 64, "d" * 64)
        for record in ledger.evaluations("example", 1)
    ]
    return ledger.events(), {"example": ledger.production("example")}, *evidence


def test_every_evaluation_of_a_version_is_checked_against_its_own_event(evaluated_twice):
    events, production, first, second = evaluated_twice
    assert faults(events, production, first, second) == {
        "example 1 decision": f"evaluation report {'e' * 12} was changed",
    }, "the first one's report is made up, the second one's is whole"
    forged = replace(second, record=replace(second.record, report_id="f" * 64))
    findings = faults(events, production, first, forged)
    assert findings["example 1 evaluation 2 registration"] == (
        "registered was another evaluation report than is stored now"
    )
    assert (
        findings["example 1 event 3"] == "promoted on a report that is of none of its evaluations"
    )
    assert (
        findings["example 1 evaluation 2 decision"] == f"evaluation report {'f' * 12} was changed"
    )


def test_an_evaluation_that_the_chain_does_not_tell_of_is_found(evaluated_twice):
    events, production, first, second = evaluated_twice
    third = replace(second, record=replace(second.record, evaluation=3))
    assert faults(events, production, first, second, third)[
        "example 1 evaluation 3 registration"
    ] == ("no event tells of its registration: the chain was cut")


def test_a_gate_changed_in_its_place_is_found_by_replay(whole):
    events, production, evidence = whole
    gates = evidence.record.decision.gates
    for change in ({"value": 0.5}, {"limit": 0.0}, {"low": 0.0}, {"name": "other"}):
        decision = replace(
            evidence.record.decision, gates=(*gates[:-1], replace(gates[-1], **change))
        )
        forged = replace(evidence, record=replace(evidence.record, decision=decision))
        assert faults(events, production, forged) == {
            "example 1 decision": "stored is promote, its gates differ"
        }


def test_a_sentence_put_otherwise_in_a_later_release_is_no_fault(whole):
    events, production, evidence = whole
    gates = tuple(
        replace(gate, explanation="as it was put then", remedy="nothing")
        for gate in evidence.record.decision.gates
    )
    decision = replace(evidence.record.decision, gates=gates)
    older = replace(evidence, record=replace(evidence.record, decision=decision))
    assert faults(events, production, older) == {}


def test_a_version_that_cannot_be_read_is_registered_all_the_same(whole):
    events, production, _ = whole
    findings = verify(stored(events), events, production, [], unreadable=[("example", 1)])
    assert all(finding.ok for finding in findings)


def test_evidence_taken_out_of_an_event_is_found(whole):
    events, production, evidence = whole
    forged = (replace(events[0], evidence={}), events[1])
    assert set(faults(forged, production, evidence)) == {"chain", "example 1 registration"}


def test_a_report_changed_in_its_place_is_found(whole):
    events, production, evidence = whole
    changed = replace(REPORT, rows=6_000)
    forged = replace(evidence, report=changed, report_sha256=fingerprint(changed))
    assert list(faults(events, production, forged)) == ["example 1 decision"]


def test_a_report_that_is_read_with_a_field_more_than_was_stored_is_the_same_report(whole):
    """Its id is the SHA-256 of what was stored: what a later release reads into it changes nothing."""
    events, production, evidence = whole
    later = replace(REPORT, champion_note="a field that was not stored")
    assert faults(events, production, replace(evidence, report=later)) == {}


def test_another_policy_cannot_replay_the_decision(whole):
    events, production, evidence = whole
    policy = evidence.record.policy.replace("0.85", "0.5")
    forged = replace(evidence, record=replace(evidence.record, policy=policy))
    assert "cannot be replayed" in faults(events, production, forged)["example 1 decision"]
    broken = replace(evidence, record=replace(evidence.record, policy="{}"))
    assert "cannot be read" in faults(events, production, broken)["example 1 decision"]


def test_a_tail_cut_off_is_found_though_the_chain_holds(whole):
    events, production, evidence = whole
    assert faults(events[:1], production, evidence) == {
        "example production": "state says 1, the chain says None"
    }
    assert faults((), production, evidence) == {
        "example 1 registration": "no event tells of its registration: the chain was cut",
        "example production": "state says 1, the chain says None",
    }


def test_a_state_changed_behind_the_chain_is_found(whole):
    events, production, evidence = whole
    state = replace(production["example"], revision=7)
    assert faults(events, {"example": state}, evidence) == {
        "example production": "state is at revision 7, the chain tells of 1 changes"
    }


def test_an_event_changed_in_its_place_is_found(whole):
    events, production, evidence = whole
    forged = (events[0], replace(events[1], actor="somebody"))
    assert faults(forged, production, evidence) == {
        "chain": "event 2 has been changed: its hash does not match"
    }


def test_events_of_versions_that_are_not_registered_are_found(whole):
    events, production, _ = whole
    assert "example 1 event 1" in faults(events, production)
