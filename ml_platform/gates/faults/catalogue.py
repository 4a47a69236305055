"""Which fault each kind of gate must stop: a gate that nobody has seen stopping anything counts as absent.

A policy with a gate of no known kind does not load (`require_faults`). Faults are named here and imported when
they are injected, since they need pandas.
"""

from dataclasses import dataclass

from ml_platform.errors import IntegrityError
from ml_platform.gates.outcome import Outcome
from ml_platform.gates.policy import INTEGRITY_GATES, SAMPLE_SIZE, gate_names
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.metrics import find_metric
from ml_platform.spec.model import ModelSpec

_INTEGRITY, _METRIC, _DIMENSION = "integrity_faults", "metric_faults", "dimension_faults"


@dataclass(frozen=True)
class Fault:
    """One kind of fault: what is done to a good fixture."""

    name: str
    """The function in ``module`` that does it."""
    module: str
    """A module of `ml_platform.gates.faults`."""
    does: str
    """A sentence for people."""
    has_strength: bool = False
    """Whether it can be done more or less, so that a strength is looked for that the gate must stop."""
    outcome: Outcome = Outcome.FAIL
    """What the gate must say."""


INTEGRITY: dict[str, Fault] = {
    "artifact_hash": Fault(
        "flipped_byte", _INTEGRITY, "one bit of a stored file of the artifact is flipped"
    ),
    "data_hash": Fault("changed_value", _INTEGRITY, "one value of the stored rows is changed"),
    "schema": Fault(
        "redefined_feature", _INTEGRITY, "the SQL of the features has changed since the training"
    ),
    "leakage": Fault("copied_label", _INTEGRITY, "a feature repeats the label under another name"),
    "ceiling": Fault(
        "above_the_possible",
        _INTEGRITY,
        "the candidate predicts better than the rule that the source calls the best possible",
    ),
    "parity": Fault(
        "other_estimator",
        _INTEGRITY,
        "the artifact predicts other numbers than the estimator that was fitted",
    ),
    "stale_data": Fault(
        "old_rows", _INTEGRITY, "all rows are older than the policy allows, by a day"
    ),
    SAMPLE_SIZE: Fault(
        "few_clusters",
        _INTEGRITY,
        "there are fewer clusters than the policy asks for, though as many rows",
        outcome=Outcome.INSUFFICIENT,
    ),
}
"""The faults of integrity gates, which every policy has, by name of the gate."""

COMPARISONS: dict[Bound, Fault] = {
    bound: Fault("better_comparison", _METRIC, f"{what} in the gate's metric", has_strength=True)
    for bound, what in (
        (Bound.BASELINE, "the rules are better than the candidate"),
        (Bound.CHAMPION, "the champion is better than the candidate"),
        (Bound.CHALLENGED, "the challenged model is better than the candidate"),
    )
}
"""The faults of gates that compare with another scorer, by bound of the gate."""

MEASURES: dict[str, Fault] = {
    "quality.score": Fault(
        "constant_features",
        _DIMENSION,
        "many features hold the same value in all rows",
        has_strength=True,
    ),
    "quality.weakest": Fault(
        "vanished_feature", _DIMENSION, "a feature is missing in the whole test period"
    ),
    "fairness.*": Fault(
        "unfair_to_a_team",
        _DIMENSION,
        "users of one team get worse predictions",
        has_strength=True,
    ),
    "robustness.score": Fault(
        "brittle",
        _DIMENSION,
        "damaged rows are scored as if nothing were known of them",
        has_strength=True,
    ),
    "robustness.unanswered": Fault(
        "crashing", _DIMENSION, "a row of infinite numbers gets an error instead of a prediction"
    ),
    "robustness.newest_half_retained": Fault(
        "outdated",
        _DIMENSION,
        "in the newer half of the test period nothing is known of some rows",
        has_strength=True,
    ),
    "robustness.overconfidence_perturbed": Fault(
        "reckless",
        _DIMENSION,
        "some damaged rows get a poor answer, with certainty",
        has_strength=True,
    ),
    "stability.fold_spread": Fault(
        "uneven",
        _DIMENSION,
        "in one of five blocks of time the least probable answer is preferred",
        has_strength=True,
    ),
    "cost.one_row_p95_processor_ms": Fault(
        "slow", _DIMENSION, "scoring a single row takes half as long again as the limit"
    ),
    "explanations.stability": Fault(
        "redundant_evidence",
        _DIMENSION,
        "many equal copies of the evidence: which of them a reason names is chance",
        outcome=Outcome.INSUFFICIENT,  # Agreement by chance spreads about 0: no interval lies below.
    ),
    "explanations.additivity_gap": Fault(
        "batch_dependent", _DIMENSION, "a prediction depends on the other rows of its batch"
    ),
}
"""The faults of gates on a dimension, by ``<dimension>.<measure>``, or by dimension for all its measures."""

POOR_METRIC = Fault(
    "poor_metric", _METRIC, "the candidate is poor in the gate's metric", has_strength=True
)
"""The fault of gates on a metric of the task."""


def fault_of(gate: QualityGate) -> Fault | None:
    """The fault that ``gate`` must stop; ``None`` for a measure without one and for an undeclared metric."""
    dimension, point, _ = gate.metric.partition(".")
    if point and gate.bound not in COMPARISONS:
        return MEASURES.get(gate.metric) or MEASURES.get(f"{dimension}.*")
    if find_metric(gate.metric) is None:
        return None
    return COMPARISONS.get(gate.bound, POOR_METRIC)


def faults_of(policy: GatePolicy) -> dict[str, Fault]:
    """Return the fault of each gate by its name, in the order of `gate_names`.

    Raises:
        IntegrityError: a gate has none.
    """
    faults = dict(INTEGRITY)
    for gate in policy.quality:
        fault = fault_of(gate)
        if fault is None:
            raise IntegrityError(
                f"Gate {gate.name} ({gate.bound.value} {gate.metric}) has no fault: nobody has seen it stop "
                "anything.",
                remedy="declare the metric (`declare_metric`), or write a fault of the measure in "
                "ml_platform/gates/faults/dimension_faults.py and name it in catalogue.py",
            )
        faults[gate.name] = fault
    return {name: faults[name] for name in gate_names(policy)}


def require_faults(specs: tuple[ModelSpec, ...]) -> None:
    """Refuse to load policies with a gate that has no fault.

    Raises:
        IntegrityError: names the first such gate.
    """
    for spec in specs:
        faults_of(spec.policy)


assert set(INTEGRITY) == {*INTEGRITY_GATES, SAMPLE_SIZE}
