"""Presets of the gate policy: which gates decide.

Every preset has the same gates with the same names, and the integrity gates always decide. Presets differ in
which quality gates decide and which are only reported.
"""

from collections.abc import Callable
from dataclasses import replace

from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.metric import IntervalKind
from ml_platform.spec.metrics import find_metric

MISSION, RELATIVE = "mission", "relative"


def mission(policy: GatePolicy) -> GatePolicy:
    """The policy as the model declares it, with the limits that were asked for in the first place."""
    return replace(policy, name=MISSION)


def relative(policy: GatePolicy) -> GatePolicy:
    """What beats rules and dummy baseline by its interval, is calibrated, stable and fair, may be promoted.

    How good the model is in absolute terms is reported, and decides nothing. A model without a gate over its
    baselines keeps its limits: nothing else would say that it is worth anything.
    """
    compared = any(gate.bound is Bound.BASELINE and gate.decides for gate in policy.quality)
    quality = tuple(
        replace(gate, decides=False) if compared and is_absolute(gate) else gate
        for gate in policy.quality
    )
    return replace(policy, name=RELATIVE, quality=quality)


PRESETS: dict[str, Callable[[GatePolicy], GatePolicy]] = {MISSION: mission, RELATIVE: relative}


def is_absolute(gate: QualityGate) -> bool:
    """Whether the gate asks how good the model is by itself: a limit on a metric that is no calibration error."""
    if gate.bound not in (Bound.LIMIT, Bound.AT_MOST) or "." in gate.metric:
        return False
    metric = find_metric(gate.metric)
    return metric is None or metric.interval is not IntervalKind.CALIBRATION
