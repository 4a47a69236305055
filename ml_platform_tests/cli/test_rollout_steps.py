"""Steps of a ramp as they are typed: refused by name before a home is opened."""

import pytest
from click.testing import CliRunner

from ml_platform.cli.policy import policy
from ml_platform.errors import UsageError


@pytest.mark.parametrize(
    "step", ["1:2", "a:1:1", "1.5:1:1", "-0.1:1:1", "0:-1:1", "0:1:inf", "0:1:nan"]
)
def test_what_is_no_step_is_refused(step: str) -> None:
    result = CliRunner().invoke(policy, ["rollout", "ramp", "--step", step])
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(f"--step {step!r} is no SHARE:ANSWERS:HOURS.")


def test_steps_belong_to_a_policy_that_is_named() -> None:
    result = CliRunner().invoke(policy, ["rollout", "--step", "0:1:1"])
    assert isinstance(result.exception, UsageError)
