"""The relative loss of a metric against its baseline, and the level that follows from it."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.performance.parts import Z
from ml_platform.monitoring.report import Performance
from ml_platform.spec.monitoring_policy import MonitoringPolicy


@dataclass(frozen=True)
class RelativeLoss:
    """1 - current / baseline, and its standard error."""

    value: float
    error: float

    @classmethod
    def between(cls, baseline: Estimate, current: float, error: float) -> "RelativeLoss":
        """The loss of ``current``, of standard error ``error``, by the delta method; the two are independent.

        The baseline's value must be above 0.
        """
        before = (baseline.high - baseline.low) / (2 * Z)
        spread = float(np.hypot(error / baseline.value, current * before / baseline.value**2))
        return cls((baseline.value - current) / baseline.value, spread)


def level_of(loss: RelativeLoss, policy: MonitoringPolicy) -> Performance:
    """OK, WARN or ALERT: the limit is passed, and the loss lies above the next lower one by more than chance."""
    least = loss.value - NormalDist().inv_cdf(1.0 - policy.loss_alpha) * loss.error
    if loss.value > policy.loss_alert and least > policy.loss_warn:
        return Performance.ALERT
    if loss.value > policy.loss_warn and least > 0.0:
        return Performance.WARN
    return Performance.OK
