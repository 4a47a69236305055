"""The decision over all gates: a table turns their outcomes into one verdict; its first matching row fires."""

from collections.abc import Iterable
from dataclasses import dataclass

from ml_platform.decision_table import DecisionTable, Row, always
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.integrity import IntegrityEvidence, integrity_gates
from ml_platform.gates.outcome import (
    Decision,
    GateKind,
    GateResult,
    Insufficiency,
    Outcome,
    Verdict,
)
from ml_platform.gates.policy import policy_version
from ml_platform.gates.quality import quality_gates
from ml_platform.spec.gates import Bound, GatePolicy


@dataclass(frozen=True)
class Signals:
    """What the table looks at: which kinds of gate did not pass, of those that decide."""

    integrity_failed: bool
    below_baseline: bool
    below_challenged: bool
    worse_than_champion: bool
    limit_missed: bool
    too_little_evidence: bool
    not_shown: bool


PROMOTION_TABLE: DecisionTable[Signals, Verdict] = DecisionTable(
    (
        Row("integrity does not hold", lambda s: s.integrity_failed, Verdict.REJECT),
        Row("not above the rules", lambda s: s.below_baseline, Verdict.REJECT),
        Row("not above the model it challenges", lambda s: s.below_challenged, Verdict.REJECT),
        Row("worse than the champion", lambda s: s.worse_than_champion, Verdict.REJECT),
        Row("a limit is missed", lambda s: s.limit_missed, Verdict.REJECT),
        Row("too little evidence", lambda s: s.too_little_evidence, Verdict.HOLD),
        Row("not shown either way", lambda s: s.not_shown, Verdict.HOLD),
        Row("every gate passes", always, Verdict.PROMOTE),
    )
)


def decide(
    report: EvaluationReport,
    policy: GatePolicy,
    integrity: IntegrityEvidence,
    *,
    version: str | None = None,
) -> Decision:
    """Return the verdict by the first matching row of `PROMOTION_TABLE`, with every gate behind it.

    The function is total and pure: the same report, policy and evidence give the same decision, so a stored one
    can be replayed.

    Args:
        report: The evaluation report.
        policy: Its gates and their limits.
        integrity: The evidence of the integrity gates.
        version: The version of a stored policy, from its text; by default that of ``policy`` as it is now.

    Raises:
        IntegrityError: the report was made under another policy.
    """
    version = version or policy_version(policy)
    if report.policy_version != version:
        raise IntegrityError(
            f"The report was made under policy {report.policy_version}, the policy is {version}.",
            remedy="evaluate the candidate again under the present policy",
        )
    gates = (*integrity_gates(integrity, policy), *quality_gates(report, policy))
    row = PROMOTION_TABLE.first_match(signals(gates))
    return Decision(verdict=row.outcome, row=row.name, policy_version=version, gates=gates)


def signals(gates: Iterable[GateResult]) -> Signals:
    """Return what the table looks at, from the outcomes of all gates."""
    results = tuple(gate for gate in gates if gate.decides)
    insufficient = {gate.insufficiency for gate in results if gate.outcome is Outcome.INSUFFICIENT}
    failed = {
        gate.bound
        for gate in results
        if gate.kind is GateKind.QUALITY and gate.outcome is Outcome.FAIL
    }
    return Signals(
        integrity_failed=any(
            gate.kind is GateKind.INTEGRITY and gate.outcome is not Outcome.PASS for gate in results
        ),
        below_baseline=Bound.BASELINE in failed,
        below_challenged=Bound.CHALLENGED in failed,
        worse_than_champion=Bound.CHAMPION in failed,
        limit_missed=bool(failed - {Bound.BASELINE, Bound.CHALLENGED, Bound.CHAMPION}),
        too_little_evidence=bool(insufficient - {Insufficiency.NOT_SHOWN}),
        not_shown=Insufficiency.NOT_SHOWN in insufficient,
    )


def deciding_gate(decision: Decision) -> GateResult | None:
    """The first gate that alone leads to the row that fired; ``None`` of a candidate that every gate lets pass."""
    if decision.verdict is Verdict.PROMOTE:
        return None
    rows = ((gate, PROMOTION_TABLE.first_match(signals((gate,)))) for gate in decision.gates)
    return next((gate for gate, row in rows if row.name == decision.row), None)


def what_would_change(decision: Decision) -> str:
    """Return lines for a person: the row that fired, each gate that did not pass, and what would change it."""
    lines = [f"{decision.verdict.value.upper()}: {decision.row} (policy {decision.policy_version})"]
    for gate in decision.gates:
        if gate.outcome is Outcome.PASS:
            continue
        lines.append(f"  {gate.name} {gate.words}: {gate.explanation}")
        if gate.remedy:
            lines.append(f"    what would change it: {gate.remedy}")
    passed = [gate.name for gate in decision.gates if gate.outcome is Outcome.PASS]
    lines.append(f"  passed: {', '.join(passed) if passed else 'none'}")
    return "\n".join(lines)
