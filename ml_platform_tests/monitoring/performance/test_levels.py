"""A level of performance: its limit is passed, and chance passes the level below once in 1,000 looks at most."""

import numpy as np
import pytest
from scipy.stats import norm

from ml_platform.evaluation.report_parts import Estimate
from ml_platform.monitoring.performance.levels import RelativeLoss, level_of
from ml_platform.monitoring.report import Performance
from ml_platform.spec.monitoring_policy import POLICY

OK, WARN, ALERT = Performance.OK, Performance.WARN, Performance.ALERT
Z = float(norm.isf(0.001))


@pytest.mark.parametrize(
    ("loss", "error", "level"),
    [
        (0.05, 0.001, OK),
        (0.0501, 0.0501 / (Z + 0.01), WARN),
        (0.0501, 0.0501 / (Z - 0.01), OK),
        (0.10, 0.001, WARN),
        (0.1001, 0.0501 / (Z + 0.01), ALERT),
        (0.1001, 0.0501 / (Z - 0.01), WARN),
        (0.30, 0.25 / (Z - 0.01), WARN),
        (0.30, 0.30 / (Z - 0.01), OK),
        (-0.30, 0.001, OK),
    ],
)
def test_a_level_needs_its_limit_and_the_level_below_excluded(loss, error, level) -> None:
    assert level_of(RelativeLoss(loss, error), POLICY) is level


def test_a_metric_that_has_not_moved_is_flagged_in_one_look_of_a_thousand() -> None:
    """Both figures drawn with their errors: a baseline of .125 +- .0025 and windows of +- .0035, as of a n-gram."""
    rng = np.random.default_rng(4)
    before, now = rng.normal(0.125, 0.0025, 100_000), rng.normal(0.125, 0.0035, 100_000)
    losses = (
        RelativeLoss.between(Estimate(b, b - 1.96 * 0.0025, b + 1.96 * 0.0025), c, 0.0035)
        for b, c in zip(before, now, strict=True)
    )
    flagged = sum(level_of(loss, POLICY) is not OK for loss in losses)
    assert 50 < flagged < 200
