"""The decision table over every combination of outcomes."""

from dataclasses import replace
from itertools import product

import pytest

from ml_platform.errors import IntegrityError
from ml_platform.gates.decide import (
    PROMOTION_TABLE,
    Signals,
    decide,
    signals,
    what_would_change,
)
from ml_platform.gates.outcome import Decision, GateKind, GateResult, Outcome, Verdict
from ml_platform.gates.policy import gate_kinds, policy_version
from ml_platform.values import from_json, to_json
from ml_platform_tests.gates.spoilt_reports import POLICY, SPOILT, good_evidence, good_report


def expected(outcomes):
    """The verdict, said a second time, as the policy words it."""
    quality = {name: outcome for name, outcome in outcomes.items() if name != "integrity"}
    if outcomes["integrity"] is not Outcome.PASS:
        return Verdict.REJECT
    if Outcome.INSUFFICIENT in quality.values():
        return Verdict.HOLD
    rejecting = ("over_rules", "over_champion", "over_challenged")
    if Outcome.FAIL in [outcomes[name] for name in rejecting]:
        return Verdict.REJECT
    if Outcome.FAIL in (outcomes["accuracy"], outcomes["sample_size"]):
        return Verdict.HOLD
    return Verdict.PROMOTE


def result(name, outcome):
    kind = GateKind.INTEGRITY if name == "integrity" else GateKind.QUALITY
    return GateResult(name, kind, outcome, None, None, None, None, "", "")


def test_every_combination_of_outcomes():
    names = (
        "integrity",
        "sample_size",
        "accuracy",
        "over_rules",
        "over_champion",
        "over_challenged",
    )
    rows = set()
    for combination in product(Outcome, repeat=len(names)):
        outcomes = dict(zip(names, combination, strict=True))
        row = PROMOTION_TABLE.first_match(
            signals([result(*item) for item in outcomes.items()], POLICY)
        )
        assert row.outcome is expected(outcomes), outcomes
        rows.add(row.name)
    assert rows == {row.name for row in PROMOTION_TABLE}


def test_the_table_is_total():
    for flags in product((False, True), repeat=6):
        assert PROMOTION_TABLE.first_match(Signals(*flags)) in PROMOTION_TABLE


def test_a_decision_can_be_replayed_from_what_was_stored():
    decision = decide(good_report(), POLICY, good_evidence())
    report = from_json(type(good_report()), to_json(good_report()))
    evidence = from_json(type(good_evidence()), to_json(good_evidence()))
    assert decide(report, POLICY, evidence) == decision
    assert from_json(Decision, to_json(decision)) == decision
    assert decision.row == "every gate passes"


def test_another_policy_is_another_version_and_refuses_the_report():
    stricter = replace(POLICY, minimum_test_clusters=200)
    assert policy_version(stricter) != policy_version(POLICY)
    assert len(policy_version(POLICY)) == 12
    with pytest.raises(IntegrityError, match="evaluate the candidate again"):
        decide(good_report(), stricter, good_evidence())


def test_integrity_comes_before_everything():
    case = (good_report(), good_evidence())
    for spoil in SPOILT.values():
        case = spoil(case)
    decision = decide(case[0], POLICY, case[1])
    assert (decision.verdict, decision.row) == (Verdict.REJECT, "integrity does not hold")
    assert all(gate.outcome is not Outcome.PASS for gate in decision.gates)
    assert set(gate_kinds(POLICY)) == {gate.name for gate in decision.gates}
    assert "passed: none" in what_would_change(decision)


def test_why_names_value_distance_and_remedy():
    report, evidence = SPOILT["accuracy"]((good_report(), good_evidence()))
    lines = what_would_change(decide(report, POLICY, evidence)).splitlines()
    assert lines[0].startswith("HOLD: a limit is missed")
    assert (
        "accuracy is 0.8600 [0.8400, 0.8800]; the lower bound 0.8400 must be above 0.85" in lines[1]
    )
    assert "more test clusters" in lines[2]
    assert lines[3].startswith("  passed: artifact_hash")
