"""Which fault each gate has: what must make it stop a candidate, and nothing else.

A gate that was never seen stopping anything counts as absent, so a policy with a gate that is not in this table
does not load (`require_faults`). Names only: what they do is imported when they are sent.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ml_platform.errors import IntegrityError
from ml_platform.gates.policy import INTEGRITY_GATES, SAMPLE_SIZE, gate_names
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.gates.faults.fixture import Fault
    from ml_platform.gates.outcome import Decision

FAULTS_IN = ("ml_platform.gates.faults.model_faults", "ml_platform.gates.faults.dimension_faults")
"""Where the functions are."""
INTEGRITY = {
    "artifact_hash": "corrupted_artifact",
    "data_hash": "changed_rows",
    "schema": "redefined_feature",
    "leakage": "leaky",
    "parity": "apart",
    "stale_data": "stale",
    SAMPLE_SIZE: "underpowered",
}
FAULTS = {
    (Bound.LIMIT, "accuracy"): "weak",
    (Bound.LIMIT, "soon_f1"): "weak",
    (Bound.LIMIT, "r2"): "weak",
    (Bound.LIMIT, "roc_auc"): "weak_outcomes",
    (Bound.LIMIT, "relative_success"): "idle",
    (Bound.LIMIT, "recall"): "missing_alarms",
    (Bound.LIMIT, "precision"): "idle_alarms",
    (Bound.AT_MOST, "false_alarm_rate"): "many_alarms",
    (Bound.AT_MOST, "expected_calibration_error"): "overconfident",
    (Bound.BASELINE, "one_minus_mae"): "rules_as_good",
    (Bound.BASELINE, "roc_auc"): "rules_as_good",
    (Bound.BASELINE, "ndcg_at_5"): "rules_in_better_order",
    (Bound.BASELINE, "recall_at_5"): "rules_as_complete",
    (Bound.BASELINE, "macro_f1"): "rules_fair_to_rare_steps",
    (Bound.LIMIT, "quality.score"): "worn_data",
    (Bound.LIMIT, "quality.weakest"): "broken_feature",
    (Bound.AT_MOST, "fairness.error_gap"): "biased",
    (Bound.AT_MOST, "fairness.equal_opportunity_difference"): "biased_about_needs",
    (Bound.AT_MOST, "fairness.false_alarm_difference"): "biased_alarms",
    (Bound.LIMIT, "robustness.score"): "brittle",
    (Bound.AT_MOST, "robustness.unanswered"): "crashing",
    (Bound.LIMIT, "robustness.newest_half_retained"): "outdated",
    (Bound.AT_MOST, "robustness.overconfidence_perturbed"): "reckless",
    (Bound.AT_MOST, "stability.fold_spread"): "uneven",
    (Bound.AT_MOST, "cost.one_row_p95_ms"): "slow",
    (Bound.LIMIT, "explanations.stability"): "unstable",
    (Bound.AT_MOST, "explanations.additivity_gap"): "of_the_batch",
}
"""By the bound of a gate and its metric; `fault_of` knows what holds for every metric."""


def fault_of(gate: QualityGate, policy: GatePolicy) -> str | None:
    """Name of the function in `ml_platform.gates.faults.model_faults`; ``None``: nobody has made one."""
    if gate.bound is Bound.CHAMPION:
        return "better_champion"
    if gate.bound is Bound.CHALLENGED:
        return "challenged_as_good"
    if (gate.bound, gate.metric) == (Bound.BASELINE, "accuracy"):
        others = [g.metric for g in policy.quality if g.bound is Bound.BASELINE]
        return "rules_right_more_often" if "macro_f1" in others else "rules_as_good"
    return FAULTS.get((gate.bound, gate.metric))


def faults_of(policy: GatePolicy) -> dict[str, str]:
    """By gate, in the order of `gate_names`, the name of its fault.

    Raises:
        IntegrityError: a gate has none.
    """
    named = dict(INTEGRITY)
    for gate in policy.quality:
        fault = fault_of(gate, policy)
        if fault is None:
            raise IntegrityError(
                f"Gate {gate.name} ({gate.bound.value} {gate.metric}) has no fault: nobody has seen it stop "
                "anything.",
                remedy="make one in ml_platform/gates/faults/model_faults.py and name it in table.py",
            )
        named[gate.name] = fault
    return {name: named[name] for name in gate_names(policy)}


def require_faults(specs: tuple[ModelSpec, ...]) -> None:
    """Refuses to load policies with a gate that has no fault.

    Raises:
        IntegrityError: names the first such gate.
    """
    for spec in specs:
        faults_of(spec.policy)


def send(spec: ModelSpec, gate: str) -> "Decision":
    """The verdict on a good bench of ``spec`` after the fault of ``gate`` has been at it."""
    from ml_platform.gates.faults.fixture import decided
    from ml_platform.gates.faults.task_fixtures import bench_of

    name = faults_of(spec.policy)[gate]
    for module in FAULTS_IN:
        faults = import_module(module)
        if hasattr(faults, name):
            fault: Fault = getattr(faults, name)
            return decided(fault(bench_of(spec)))
    raise IntegrityError(f"There is no fault {name}.", remedy=f"define it in {FAULTS_IN[0]}")


assert set(INTEGRITY) == {*INTEGRITY_GATES, SAMPLE_SIZE}
