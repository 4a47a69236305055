"""A stored decision is made again from the report, policy and evidence stored with it, and compared."""

from typing import Any

from pydantic import ValidationError

from ml_platform.errors import PlatformError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.decide import decide
from ml_platform.gates.integrity import IntegrityEvidence
from ml_platform.gates.outcome import Decision
from ml_platform.gates.policy import stored_policy_version
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.gates import GatePolicy
from ml_platform.values import from_json


def replayed(record: VersionRecord, report: EvaluationReport) -> Decision | str:
    """The decision that the stored report, policy and evidence lead to; or the reason why none can be made."""
    try:
        policy = from_json(GatePolicy, record.policy)
        integrity = from_json(IntegrityEvidence, record.integrity)
    except ValidationError as error:
        return f"policy or integrity evidence cannot be read ({error.error_count()} faults)"
    try:
        return decide(report, policy, integrity, version=stored_policy_version(record.policy))
    except PlatformError as error:
        return error.message


def same_decision(one: Decision, other: Decision) -> bool:
    """Whether verdict, row, policy and every gate's outcome and figures agree.

    Explanations and remedies are for people: a sentence put better in a later release changes no decision.
    """
    return _compared(one) == _compared(other)


def _compared(decision: Decision) -> tuple[Any, ...]:
    """The parts in which two decisions must agree to be the same."""
    gates = tuple(
        (
            *(gate.name, gate.kind, gate.outcome, gate.insufficiency, gate.decides),
            *(gate.value, gate.low, gate.high, gate.limit),
        )
        for gate in decision.gates
    )
    return decision.verdict, decision.row, decision.policy_version, gates
