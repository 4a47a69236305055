"""The ramp as data: shares that grow to all, and no more false rollbacks than are promised."""

from dataclasses import replace

import pytest

from ml_platform.errors import UsageError
from ml_platform.registry.rollout.policy import DIRECT, RAMP, RampStep


def test_the_ramp_is_shadow_then_one_ten_fifty_and_all() -> None:
    assert [step.share for step in RAMP.steps] == [0.0, 0.01, 0.1, 0.5, 1.0]
    assert min(step.least_hours for step in RAMP.steps) >= 24, "a whole day of the daily cycle"
    assert RAMP.lease.total_seconds() == 300
    assert DIRECT.is_direct
    assert not RAMP.is_direct


def test_all_guardrails_together_roll_four_of_a_thousand_harmless_versions_back_at_most() -> None:
    assert sum(rule.false_rollbacks for rule in RAMP.guardrails) <= 0.004


@pytest.mark.parametrize(
    ("users", "shares"),
    [
        (10_000, [0.0, 0.01, 0.1, 0.5, 1.0]),
        (120, [0.0, 0.1, 0.5, 1.0]),
        (99, [0.0, 0.5, 1.0]),
        (5, [0.0, 1.0]),
    ],
)
def test_a_step_with_fewer_than_ten_users_is_left_out(users: int, shares: list[float]) -> None:
    assert [step.share for step in RAMP.applicable(users)] == shares


@pytest.mark.parametrize(
    "shares",
    [
        (0.0, 0.5, 0.1, 1.0),
        (0.0, 0.1, 0.1, 1.0),
        (0.0, 0.5),
        (0.1, 1.0),
        (-0.1, 1.0),
        (0.0,),
        (1.0,),
    ],
)
def test_what_is_no_ramp_is_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="are no ramp"):
        replace(RAMP, steps=tuple(RampStep(share, 1, 1) for share in shares))
