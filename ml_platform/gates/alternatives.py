"""Which preset, or which limits, would have let a candidate pass; and at what risk.

A stored report is decided again under each of them. Nothing here changes a decision.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.decide import decide
from ml_platform.gates.integrity import IntegrityEvidence
from ml_platform.gates.outcome import Decision, GateKind, GateResult, Verdict
from ml_platform.gates.policy import SAMPLE_SIZE
from ml_platform.spec.gates import Bound, GatePolicy

AFTERWARDS = "a limit that is chosen after a result no longer tests it, so the ledger keeps what a change followed"


@dataclass(frozen=True)
class Alternative:
    """Another policy, the verdict on the same report under it, and the risk of taking it."""

    change: str
    verdict: Verdict
    row: str
    risk: str


def alternatives(
    report: EvaluationReport,
    policy: GatePolicy,
    integrity: IntegrityEvidence,
    presets: Mapping[str, GatePolicy],
) -> tuple[Alternative, ...]:
    """The other presets, then the limits at which every gate would pass; empty of a candidate that passes."""
    decision = _under(report, policy, integrity)
    if decision.verdict is Verdict.PROMOTE:
        return ()
    others = [
        _of_preset(name, _under(report, preset, integrity))
        for name, preset in presets.items()
        if replace(preset, name=policy.name) != policy
    ]
    return (*others, *_of_limits(report, policy, integrity, decision))


def _under(report: EvaluationReport, policy: GatePolicy, integrity: IntegrityEvidence) -> Decision:
    """The decision under a policy that need not be the report's own."""
    return decide(report, policy, integrity, version=report.policy_version)


def _of_preset(name: str, decision: Decision) -> Alternative:
    silent = [gate for gate in decision.gates if gate.outcome.stops and not gate.decides]
    risk = "; ".join(f"{_figures(gate)} would only be reported" for gate in silent)
    return Alternative(f"preset {name}", decision.verdict, decision.row, risk or "none")


def _of_limits(
    report: EvaluationReport,
    policy: GatePolicy,
    integrity: IntegrityEvidence,
    decision: Decision,
) -> tuple[Alternative, ...]:
    """The nearest limits that let each stopping gate pass, taken together; nothing where no limit can."""
    stopping = {gate.name: gate for gate in decision.gates if gate.stops}
    moved = {name: _passing_limit(gate) for name, gate in stopping.items() if name != SAMPLE_SIZE}
    if not moved or any(limit is None for limit in moved.values()):
        return ()
    quality = tuple(
        replace(gate, limit=limit) if (limit := moved.get(gate.name)) is not None else gate
        for gate in policy.quality
    )
    after = _under(report, replace(policy, quality=quality), integrity)
    changes = ", ".join(f"{name}.limit = {limit:g}" for name, limit in moved.items())
    risk = "; ".join(
        f"{gate.metric} may then be {'up to' if gate.bound is Bound.AT_MOST else 'down to'} "
        f"{moved[name]:g}, where {gate.limit:g} is asked for"
        for name, gate in stopping.items()
        if name in moved
    )
    return (Alternative(changes, after.verdict, after.row, f"{risk}; {AFTERWARDS}"),)


def _passing_limit(gate: GateResult) -> float | None:
    """The limit nearest to the present one at which the gate passes, with as few digits as its interval allows."""
    if gate.kind is GateKind.INTEGRITY or gate.low is None or gate.high is None:
        return None
    width = gate.high - gate.low or abs(gate.low) or 1.0
    step = 10.0 ** (math.floor(math.log10(width)) - 1)
    digits = max(0, -round(math.log10(step)))
    if gate.bound is Bound.AT_MOST:
        return round(math.ceil(gate.high / step) * step, digits)
    limit = round(math.floor(gate.low / step) * step, digits)
    return limit if limit < gate.low else round(limit - step, digits)


def _figures(gate: GateResult) -> str:
    if gate.value is None or gate.limit is None:
        return gate.name
    interval = "" if gate.low is None else f" [{gate.low:.3g}, {gate.high:.3g}]"
    return f"{gate.name} ({gate.value:.3g}{interval}, limit {gate.limit:g})"
