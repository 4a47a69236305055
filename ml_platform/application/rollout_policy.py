"""By which policy the versions of a home are rolled out: direct, unless a person has said otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import ROLLOUT_POLICY_KEY
from ml_platform.errors import UsageError
from ml_platform.registry.rollout.policy import DIRECT, POLICIES, Newer, RampPolicy, RampStep


def rollout_policy(platform: Connections) -> RampPolicy:
    """The policy of the home."""
    stored = platform.ledger.state(ROLLOUT_POLICY_KEY)
    if stored is None:
        return DIRECT
    return _policy(stored)


def set_rollout_policy(
    platform: Connections,
    name: str,
    *,
    needs_approval: bool,
    newer: Newer,
    steps: Sequence[RampStep] = (),
) -> RampPolicy:
    """Let the next rollout follow another policy, with its own steps or these; one that has begun keeps its own.

    Raises:
        UsageError: the steps are no ramp, or the policy has none.
    """
    stored: dict[str, Any] = {
        "name": name,
        "needs_approval": needs_approval,
        "newer": newer.value,
        **({"steps": [astuple(step) for step in steps]} if steps else {}),
    }
    policy = _policy(stored)
    if steps and POLICIES[name].is_direct:
        raise UsageError(f"The rollout policy {name} has no steps.", remedy="name the policy ramp")
    platform.ledger.set_state(ROLLOUT_POLICY_KEY, stored)
    return policy


def _policy(stored: Mapping[str, Any]) -> RampPolicy:
    policy = POLICIES[stored["name"]]
    return replace(
        policy,
        steps=tuple(RampStep(*step) for step in stored.get("steps", ())) or policy.steps,
        needs_approval=bool(stored["needs_approval"]),
        newer=Newer(stored["newer"]),
    )


def people(platform: Connections) -> int:
    """How many users a rollout takes its shares of: those of the table of users, else those of the events."""
    described = platform.lake.counts()["users"]
    if described:
        return described
    return platform.lake.known_rows("events", "user_id", platform.home.as_of).values
