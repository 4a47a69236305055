"""Each piece of evidence, missing, stale or saying no, refuses by its own reason; together by all."""

from dataclasses import replace

import pytest

from ml_platform.errors import PermitRefused
from ml_platform.gates.outcome import Outcome, Verdict
from ml_platform.registry.permit import grant, reasons_against
from ml_platform.registry.records import ProductionState
from ml_platform.registry.transitions import promotion
from ml_platform_tests.registry.examples import AT, DECISION, RECORD, REPORT, TRAINING_SET
from ml_platform_tests.registry.examples import evidence_for as _evidence_for

GOOD = _evidence_for(RECORD)
FAILED = replace(
    DECISION,
    verdict=Verdict.REJECT,
    row="a limit is missed",
    gates=(*DECISION.gates[:-1], replace(DECISION.gates[-1], outcome=Outcome.FAIL)),
)
LAST = DECISION.gates[-1].name

SABOTAGE = {
    "report missing": (
        replace(GOOD, report=None),
        f"evaluation report {RECORD.report_id[:12]} is not in the ledger",
    ),
    "report changed": (
        replace(GOOD, report=replace(REPORT, rows=1), report_sha256="9" * 64),
        f"evaluation report {RECORD.report_id[:12]} has been changed",
    ),
    "artifact missing": (
        replace(GOOD, artifact_sha256=None),
        f"artifact {RECORD.artifact_path} is missing",
    ),
    "one byte of the artifact": (
        replace(GOOD, artifact_sha256="b" * 64),
        f"artifact {RECORD.artifact_path} has changed: its SHA-256 is bbbbbbbbbbbb, "
        "registered was aaaaaaaaaaaa",
    ),
    "training set missing": (
        replace(GOOD, training_set=None),
        "training set ffffffffffff is not in the ledger",
    ),
    "data file missing": (
        replace(GOOD, rows_sha256=None),
        "the data file of training set ffffffffffff is missing",
    ),
    "data file changed": (
        replace(GOOD, rows_sha256="e" * 64),
        "the data file of training set ffffffffffff has changed: its SHA-256 is eeeeeeeeeeee, "
        "recorded was dddddddddddd",
    ),
    "other policy": (
        replace(GOOD, policy_version="9" * 12),
        f"the gate policy is now 999999999999, decided was by {DECISION.policy_version[:12]}",
    ),
    "not decided again": (
        replace(GOOD, recomputed=None),
        "the decision could not be made again",
    ),
    "decided otherwise": (
        replace(GOOD, recomputed=FAILED),
        "decided again, the verdict is reject (a limit is missed), stored is promote (every gate passes)",
    ),
    "another champion since": (
        replace(
            GOOD,
            judged_against=ProductionState("example", 3, 1),
            production=ProductionState("example", 4, 2),
        ),
        "evaluated against champion 3 (revision 1), now 4 (revision 2)",
    ),
    "a first champion since": (
        replace(
            GOOD,
            judged_against=ProductionState("example", None, 0),
            production=ProductionState("example", 4, 1),
        ),
        "evaluated against champion none (revision 0), now 4 (revision 1)",
    ),
    "check missing": (
        replace(GOOD, checks=GOOD.checks[:-1]),
        f"checks have not been run: {LAST}",
    ),
    "check stale": (
        replace(
            GOOD, checks=(*GOOD.checks[:-1], replace(GOOD.checks[-1], this_materialization="m2"))
        ),
        f"check {LAST} is stale: it was about another materialisation",
    ),
    "check failed": (
        replace(GOOD, checks=(*GOOD.checks[:-1], replace(GOOD.checks[-1], passed=False))),
        f"check {LAST} did not pass",
    ),
}


def test_whole_and_fresh_evidence_gives_a_permit_of_this_very_version():
    permit = grant(GOOD)
    assert (permit.model, permit.version, permit.artifact_sha256) == ("example", 0, "a" * 64)
    assert permit.checks == tuple(gate.name for gate in DECISION.gates)
    assert permit.as_evidence()["decision_row"] == "every gate passes"


@pytest.mark.parametrize("name", SABOTAGE)
def test_each_fault_refuses_by_its_own_reason_alone(name):
    evidence, reason = SABOTAGE[name]
    assert reasons_against(evidence) == (reason,)
    with pytest.raises(PermitRefused) as refused:
        grant(evidence)
    assert refused.value.reasons == (reason,)


def test_what_is_in_production_already_may_be_judged_against_what_it_replaced():
    record = replace(RECORD, version=4)
    again = replace(
        _evidence_for(record),
        judged_against=ProductionState("example", 3, 1),
        production=ProductionState("example", 4, 2),
    )
    assert reasons_against(again) == ()


def test_a_decision_in_other_words_is_the_same_decision():
    gates = tuple(replace(gate, explanation="then", remedy="then") for gate in DECISION.gates)
    older = replace(GOOD, record=replace(GOOD.record, decision=replace(DECISION, gates=gates)))
    assert reasons_against(older) == ()


def test_without_any_check_all_are_missing():
    (reason,) = reasons_against(replace(GOOD, checks=()))
    assert reason == "checks have not been run: " + ", ".join(g.name for g in DECISION.gates)


def test_a_decision_without_gates_proves_nothing():
    empty = replace(DECISION, gates=())
    evidence = replace(
        GOOD, record=replace(GOOD.record, decision=empty), recomputed=empty, checks=()
    )
    assert reasons_against(evidence) == ("no check is required: the decision has no gates",)


def test_a_failed_gate_refuses_even_where_everything_else_agrees():
    evidence = replace(GOOD, record=replace(GOOD.record, decision=FAILED), recomputed=FAILED)
    assert reasons_against(evidence) == (
        f"gates did not pass: {LAST}",
        "the verdict is reject (a limit is missed), not promote",
    )


def test_every_reason_is_told_not_only_the_first():
    evidence = replace(GOOD, artifact_sha256=None, rows_sha256=None, policy_version="9" * 12)
    assert len(reasons_against(evidence)) == 3


def test_a_report_of_another_artifact_is_no_evidence():
    other = replace(REPORT, artifact_sha256="c" * 64, training_set_fingerprint="c" * 64)
    reasons = reasons_against(replace(GOOD, report=other))
    assert "the evaluation report is of artifact cccccccccccc, not aaaaaaaaaaaa" in reasons
    assert "the evaluation report is of training set cccccccccccc, not ffffffffffff" in reasons


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 9),
        ("model", "other"),
        ("artifact_sha256", "b" * 64),
        ("artifact_sha256", "a" * 12 + "b" * 52),
        ("report_id", "b" * 64),
        ("training_set_fingerprint", "b" * 64),
        ("training_set_fingerprint", "f" * 12 + "b" * 52),
        ("policy_version", "9" * 64),
    ],
)
def test_the_permit_of_another_version_promotes_nothing(field, value):
    with pytest.raises(PermitRefused, match="the permit is of") as refused:
        promotion(RECORD, None, replace(grant(GOOD), **{field: value}), AT, "test")
    assert len(refused.value.reasons) == 1


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (replace(GOOD, artifact_sha256="a" * 12 + "b" * 52), "artifact .* has changed"),
        (replace(GOOD, rows_sha256="d" * 12 + "b" * 52), "the data file .* has changed"),
        (replace(GOOD, report_sha256=RECORD.report_id[:12] + "b" * 52), "has been changed"),
        (
            replace(GOOD, report=replace(REPORT, artifact_sha256="a" * 12 + "b" * 52)),
            "the evaluation report is of artifact",
        ),
        (
            replace(GOOD, report=replace(REPORT, training_set_fingerprint="f" * 12 + "b" * 52)),
            "the evaluation report is of training set",
        ),
        (
            replace(GOOD, policy_version=DECISION.policy_version[:12] + "b" * 52),
            "the gate policy is now",
        ),
    ],
)
def test_hashes_that_begin_alike_are_not_the_same(evidence, reason):
    with pytest.raises(PermitRefused, match=reason):
        grant(evidence)


def test_a_gate_without_evidence_refuses_whatever_the_verdict_claims():
    gates = (*DECISION.gates[:-1], replace(DECISION.gates[-1], outcome=Outcome.INSUFFICIENT))
    claimed = replace(DECISION, gates=gates)
    evidence = replace(GOOD, record=replace(RECORD, decision=claimed), recomputed=claimed)
    assert reasons_against(evidence) == (f"gates did not pass: {LAST}",)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (ProductionState("example", 3, 1), ProductionState("example", 3, 3)),
        (ProductionState("example", 3, 2), ProductionState("example", 4, 2)),
    ],
    ids=["away and back", "another at the same revision"],
)
def test_the_champion_must_be_the_same_at_the_same_revision(then, now):
    (reason,) = reasons_against(replace(GOOD, judged_against=then, production=now))
    assert reason.startswith("evaluated against champion 3 ")
    assert reasons_against(replace(GOOD, judged_against=then, production=then)) == ()
    assert reasons_against(replace(GOOD, judged_against=then, production=None)) == ()
    assert reasons_against(replace(GOOD, judged_against=None, production=now)) == ()


def test_checks_beyond_the_gates_can_be_required():
    required = (*(gate.name for gate in DECISION.gates), "signed")
    assert reasons_against(replace(GOOD, required_checks=required)) == (
        "checks have not been run: signed",
    )
    one = replace(GOOD, required_checks=(LAST,), checks=GOOD.checks[-1:])
    assert reasons_against(one) == ()


def test_the_permit_says_what_it_rests_on():
    permit = grant(GOOD)
    assert permit.as_evidence() == {
        "report_id": GOOD.record.report_id,
        "artifact_sha256": "a" * 64,
        "training_set_fingerprint": "f" * 64,
        "policy_version": DECISION.policy_version,
        "policy_name": "mission",
        "decision_row": "every gate passes",
        "checks": ", ".join(gate.name for gate in DECISION.gates),
    }


def test_no_permit_helps_a_version_that_was_held():
    held = replace(RECORD, decision=FAILED)
    with pytest.raises(PermitRefused, match="the verdict is reject, not promote"):
        promotion(held, None, grant(GOOD), AT, "test")


def test_the_training_set_belongs_to_the_example():
    assert TRAINING_SET.fingerprint == RECORD.training_set_fingerprint
