"""How many users a rollout takes its shares of, and the steps that somebody has named."""

from dataclasses import replace

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.application.rollout_policy import people, rollout_policy, set_rollout_policy
from ml_platform.errors import UsageError
from ml_platform.events.schema import TABLES
from ml_platform.registry.rollout.policy import RAMP, Newer, RampStep
from ml_platform_tests.application.homes import home
from ml_platform_tests.conformance.test_lake import good, raw


@pytest.mark.parametrize("users", [0, 1])
def test_users_are_counted_in_their_table_or_in_the_events(tmp_path, users):
    platform = home(tmp_path)
    lake = InMemoryLake()
    rows = [raw(number, user_id=f"u{number % 3}", is_bot=False) for number in range(8)]
    lake.merge("events", good(*rows))
    platform.lake = lake
    if users:
        lake.counts = lambda: dict.fromkeys(TABLES, 120)
    assert people(platform) == (120 if users else 3)


def test_a_ramp_has_the_steps_that_somebody_has_named(tmp_path):
    platform = home(tmp_path)

    def ramp(*steps: RampStep, name: str = "ramp"):
        return set_rollout_policy(
            platform, name, needs_approval=False, newer=Newer.WAITS, steps=steps
        )

    short = (RampStep(0.0, 10, 0.0), RampStep(1.0, 20, 0.5))
    assert ramp(*short) == rollout_policy(platform) == replace(RAMP, steps=short)
    assert ramp() == rollout_policy(platform) == RAMP
    with pytest.raises(UsageError, match="are no ramp"):
        ramp(RampStep(0.5, 10, 0.0), RampStep(1.0, 20, 0.5))
    with pytest.raises(UsageError, match="The rollout policy direct has no steps"):
        ramp(*short, name="direct")
    assert rollout_policy(platform) == RAMP, "what is refused changes nothing"
