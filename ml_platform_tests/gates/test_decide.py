"""The decision table over every combination of outcomes."""

from dataclasses import replace
from itertools import product

import pytest

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.gates.decide import (
    PROMOTION_TABLE,
    Signals,
    decide,
    deciding_gate,
    signals,
    what_would_change,
)
from ml_platform.gates.outcome import (
    Decision,
    GateKind,
    GateResult,
    Insufficiency,
    Outcome,
    Verdict,
)
from ml_platform.gates.policy import gate_kinds, policy_version
from ml_platform.values import from_json, to_json
from ml_platform_tests.gates.spoilt_reports import POLICY, SPOILT, good_evidence, good_report

BOUNDS = {gate.name: gate.bound for gate in POLICY.quality}


def expected(outcomes):
    """The verdict, said a second time, as the policy words it."""
    quality = {name: outcome for name, outcome in outcomes.items() if name != "integrity"}
    if outcomes["integrity"] is not Outcome.PASS:
        return Verdict.REJECT
    if Outcome.FAIL in quality.values():
        return Verdict.REJECT
    if Outcome.INSUFFICIENT in quality.values():
        return Verdict.HOLD
    return Verdict.PROMOTE


def result(name, outcome):
    kind = GateKind.INTEGRITY if name == "integrity" else GateKind.QUALITY
    insufficiency = None
    if outcome is Outcome.INSUFFICIENT:
        few = name == "sample_size"
        insufficiency = Insufficiency.TOO_FEW_ROWS if few else Insufficiency.NOT_SHOWN
    none = (None,) * 4
    return GateResult(name, kind, outcome, *none, "", "", "", BOUNDS.get(name), insufficiency)


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
        row = PROMOTION_TABLE.first_match(signals([result(*item) for item in outcomes.items()]))
        assert row.outcome is expected(outcomes), outcomes
        rows.add(row.name)
    assert rows == {row.name for row in PROMOTION_TABLE}


def test_the_table_is_total():
    for flags in product((False, True), repeat=7):
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
    assert lines[0].startswith("REJECT: a limit is missed")
    assert (
        "accuracy is 0.8200 [0.8000, 0.8400]; the lower bound 0.8000 must be above 0.85" in lines[1]
    )
    assert "rise by at least 0.0500" in lines[2]
    assert lines[3].startswith("  passed: artifact_hash")


def test_what_is_shown_worse_is_rejected_however_few_the_rows_are():
    report = replace(
        good_report(),
        clusters=40,
        difference_to_baseline={"accuracy": Estimate(-0.05, -0.08, -0.02)},
    )
    decision = decide(report, POLICY, good_evidence())
    assert (decision.verdict, decision.row) == (Verdict.REJECT, "not above the rules")


@pytest.mark.parametrize(
    ("changes", "row", "words"),
    [
        ({"clusters": 40}, "too little evidence", "INSUFFICIENT (too few rows)"),
        (
            {"difference_to_baseline": {"accuracy": Estimate(0.01, -0.001, 0.02)}},
            "not shown either way",
            "INSUFFICIENT (not shown)",
        ),
        (
            {"difference_to_challenged": None},
            "too little evidence",
            "INSUFFICIENT (not comparable)",
        ),
    ],
)
def test_a_hold_says_what_the_evidence_lacks(changes, row, words):
    decision = decide(replace(good_report(), **changes), POLICY, good_evidence())
    assert (decision.verdict, decision.row) == (Verdict.HOLD, row)
    assert words in what_would_change(decision)
    gate = deciding_gate(decision)
    assert gate is not None
    assert gate.words == words


def test_a_gate_that_only_reports_stops_nobody_and_still_says_what_it_saw():
    quality = (replace(POLICY.quality[0], decides=False), *POLICY.quality[1:])
    policy = replace(POLICY, quality=quality)
    report, evidence = SPOILT["accuracy"]((good_report(policy), good_evidence()))
    decision = decide(report, policy, evidence)
    gate = next(gate for gate in decision.gates if gate.name == "accuracy")
    assert (decision.verdict, gate.outcome, gate.stops) == (Verdict.PROMOTE, Outcome.FAIL, False)
    assert gate.words == "FAIL (reported only)"
    assert deciding_gate(decision) is None
    assert policy_version(policy) != policy_version(POLICY)


@pytest.mark.parametrize("name", SPOILT)
def test_the_gate_that_decided_is_named(name):
    report, evidence = SPOILT[name]((good_report(), good_evidence()))
    gate = deciding_gate(decide(report, POLICY, evidence))
    assert gate is not None
    assert gate.name == name


def test_on_too_few_rows_no_calibration_error_is_shown_too_large():
    """It errs upwards there: on 925 rows in 38 clusters the Bayes rule itself had .098 [.083, .215]."""
    report, evidence = SPOILT["calibration"]((replace(good_report(), clusters=40), good_evidence()))
    decision = decide(report, POLICY, evidence)
    gate = next(gate for gate in decision.gates if gate.name == "calibration")
    assert gate.words == "INSUFFICIENT (too few rows)"
    assert (decision.verdict, decision.row) == (Verdict.HOLD, "too little evidence")
