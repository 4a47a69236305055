"""By which policy the versions of a home are rolled out: direct, unless a person has said otherwise."""

from dataclasses import replace

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import ROLLOUT_POLICY_KEY
from ml_platform.registry.rollout.policy import DIRECT, POLICIES, Newer, RampPolicy


def rollout_policy(platform: Connections) -> RampPolicy:
    """The policy of the home."""
    stored = platform.ledger.state(ROLLOUT_POLICY_KEY)
    if stored is None:
        return DIRECT
    return replace(
        POLICIES[stored["name"]],
        needs_approval=bool(stored["needs_approval"]),
        newer=Newer(stored["newer"]),
    )


def set_rollout_policy(
    platform: Connections, name: str, *, needs_approval: bool, newer: Newer
) -> RampPolicy:
    """Let the next rollout follow another policy; one that has begun keeps its own."""
    stored = {"name": name, "needs_approval": needs_approval, "newer": newer.value}
    platform.ledger.set_state(ROLLOUT_POLICY_KEY, stored)
    return rollout_policy(platform)
