"""Who answers a request: the champion, for some users the version being rolled out, and without either the rules.

Pure: the same table, user and moment give the same route, on every worker.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.assignment.split import Arm, grown_to
from ml_platform.serving.table import ServedModel, ServedVersion


class ServedArm(StrEnum):
    """As what a version answers."""

    CHAMPION = "champion"
    CANARY = "canary"
    """It is being rolled out, and this user is among those who get it."""
    CONTROL = "control"
    """Whatever answers a user with whom those of the canary are compared: the champion, or else the rules."""
    SHADOW = "shadow"
    """It is being rolled out, and nobody sees its answer."""
    RULES = "rules"


class Fallback(StrEnum):
    """Why the rules answer, or a version other than the one in production."""

    NONE = ""
    NO_CHAMPION = "no version is in production"
    CHAMPION_UNUSABLE = "the version in production cannot be loaded"
    CHAMPION_FAILED = "the version in production failed on this request"
    CANARY_FAILED = "the version being rolled out failed on this request"
    STATE_UNKNOWN = "what is in production could not be read"


@dataclass(frozen=True)
class Route:
    """Who answers one request, in the order in which they are asked until one can."""

    chosen: tuple[tuple[ServedVersion, ServedArm], ...]
    shadow: ServedVersion | None
    """The version that answers beside them, unseen."""


def rollout_salt(model: str, version: str) -> str:
    """The salt by which users are drawn into the rollout of a version."""
    return f"{model}/{version}"


def route(model: ServedModel, user: str, now: datetime) -> Route:
    """The versions that may answer this user now, the first choice first; the rules are the last.

    Args:
        model: What may answer for the model.
        user: Stays in the arm of a rollout as long as it lasts.
        now: The clock on the wall, against which the lease of the rollout is held.
    """
    chosen: list[tuple[ServedVersion, ServedArm]] = []
    control, shadow, rollout = False, None, model.rollout
    if rollout is not None:
        share = rollout.share_at(now)
        if share == 0.0:
            shadow = rollout.version if rollout.share == 0.0 else None
        else:
            split = grown_to(
                rollout_salt(model.name, rollout.version.version), share, rollout.left_behind
            )
            assigned = split.arm_of(user)
            if assigned is Arm.TREATMENT:
                chosen.append((rollout.version, ServedArm.CANARY))
            control = assigned is Arm.CONTROL
    standing = ((model.champion, ServedArm.CHAMPION), (model.rules, ServedArm.RULES))
    for version, arm in standing:
        if version is not None:
            chosen.append((version, ServedArm.CONTROL if control else arm))
    return Route(tuple(chosen), shadow)
