"""A rollout as its events tell it, and the changes that lead it on: begun, a step further, finished, given up."""

from dataclasses import dataclass, replace
from datetime import datetime

from ml_platform.errors import PermitRefused, UsageError
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.changes import Request, drafted
from ml_platform.registry.history import History
from ml_platform.registry.permit import Permit
from ml_platform.registry.records import Action, Status, VersionRecord
from ml_platform.registry.rollout.policy import Newer, RampPolicy, RampStep
from ml_platform.registry.states import Life
from ml_platform.registry.transitions import mismatches
from ml_platform.values import from_json, to_json

_POLICY, _AGAINST, _USERS = "rollout_policy", "against", "users"
_OF_THE_ROLLOUT = (_POLICY, _AGAINST, _USERS, "reason")
"""What the event that begins a rollout has beside its permit."""


@dataclass(frozen=True)
class Rollout:
    """The one rollout of a model: which version, by which policy, and where it stands."""

    model: str
    version: int
    policy: RampPolicy
    """As it was when the rollout began."""
    steps: tuple[RampStep, ...]
    """Those of its steps that make sense with the users there were."""
    life: Life
    artifact_sha256: str
    """Of the permit."""
    against: int
    """The revision of production that it is compared with."""
    steps_since: tuple[datetime, ...]
    """When each step until the present one began, by the clock on the wall."""

    @property
    def step_since(self) -> datetime:
        """When the present step began."""
        return self.steps_since[-1]

    @property
    def step(self) -> RampStep:
        """The present step."""
        return self.steps[self.life.step]

    @property
    def is_last(self) -> bool:
        """Whether after this step it is in production."""
        return self.life.step == len(self.steps) - 1


def current_rollout(history: History) -> Rollout | None:
    """The rollout that is on, or is halted by a person; ``None`` if there is none."""
    version = history.state.rollout
    if version is None:
        return None
    begun = history.last(version, Action.SHADOWED)
    steps = (
        event.wall
        for event in history.events
        if event.version == version
        and event.sequence >= begun.sequence
        and event.action in (Action.SHADOWED, Action.RAMPED)
    )
    policy = from_json(RampPolicy, begun.evidence[_POLICY])
    return Rollout(
        model=history.model,
        version=version,
        policy=policy,
        steps=policy.applicable(int(begun.evidence[_USERS])),
        life=history.life(version),
        artifact_sha256=begun.evidence["artifact_sha256"],
        against=int(begun.evidence[_AGAINST]),
        steps_since=tuple(steps),
    )


def begin(
    history: History,
    record: VersionRecord,
    permit: Permit,
    policy: RampPolicy,
    users: int,
    request: Request,
) -> tuple[EventDraft, ...]:
    """A rollout begins in shadow: its permit and its policy are stored with it, and are not asked for again.

    Raises:
        PermitRefused: the permit is of another version, a person has to approve it first, or another rollout is
            on and the policy lets newer candidates wait.
        UsageError: the policy has no steps.
    """
    if policy.is_direct:
        raise UsageError(
            f"The policy {policy.name} has no steps to roll {record.model} out by.",
            remedy="promote it directly, or choose a policy with steps",
        )
    life, other = history.life(record.version), history.state.rollout
    reasons = [*mismatches(record, permit)]
    if policy.needs_approval and not life.approved:
        reasons.append("the policy asks for a person's approval")
    waits = other not in (None, record.version) and policy.newer is Newer.WAITS
    if waits:
        reasons.append(f"version {other} is being rolled out, and newer ones wait")
    if reasons:
        raise PermitRefused(tuple(reasons), remedy=f"see `ml-platform models show {record.model}`")
    begun = EventDraft(
        record.model,
        record.version,
        Action.SHADOWED,
        record.decision.verdict,
        request.at,
        request.actor,
        {
            **permit.as_evidence(),
            _POLICY: to_json(policy),
            _USERS: str(users),
            _AGAINST: str(history.state.revision),
            "reason": request.reason,
        },
    )
    if other is None or other == record.version:
        return (begun,)
    return (
        drafted(history, other, Action.WITHDRAWN, request, {"superseded_by": str(record.version)}),
        begun,
    )


def lead_on(
    history: History, rollout: Rollout, request: Request, *, decided_by: str
) -> tuple[EventDraft, ...]:
    """One step further; after the last one the version is in production, on the permit with which it began.

    Raises:
        ConflictError: the rollout has moved on since it was looked at.
    """
    history.require_life(rollout.version, rollout.life)
    if not rollout.is_last:
        number = rollout.life.step + 1
        share = f"{rollout.steps[number].share:g}"
        evidence = {"step": str(number), "share": share, "decided_by": decided_by}
        return (drafted(history, rollout.version, Action.RAMPED, request, evidence),)
    history.require_revision(rollout.against)
    begun = history.last(rollout.version, Action.SHADOWED)
    permit = {key: text for key, text in begun.evidence.items() if key not in _OF_THE_ROLLOUT}
    old = history.state.production
    evidence = {
        **permit,
        "replaced": str(old or ""),
        "rollout": rollout.policy.name,
        "begun_by_event": str(begun.sequence),
        "decided_by": decided_by,
    }
    promoted = drafted(history, rollout.version, Action.PROMOTED, request, evidence)
    promoted = replace(promoted, verdict=begun.verdict)
    if old is None:
        return (promoted,)
    return (
        drafted(history, old, Action.ARCHIVED, request, {"replaced_by": str(rollout.version)}),
        promoted,
    )


@dataclass(frozen=True)
class Lease:
    """The share that a version has until a moment; the guard renews it as long as it sees what happens."""

    version: int
    step: int
    until: datetime


def renewed(rollout: Rollout, now: datetime) -> Lease:
    """The lease of the present step from now on."""
    return Lease(rollout.version, rollout.life.step, now + rollout.policy.lease)


def share_now(rollout: Rollout | None, lease: Lease | None, now: datetime) -> float:
    """The share of users that get the new version at this moment; 0 without a lease that holds."""
    if rollout is None or lease is None or rollout.life.status is not Status.CANARY:
        return 0.0
    holds = (lease.version, lease.step) == (
        rollout.version,
        rollout.life.step,
    ) and now < lease.until
    return min(rollout.step.share, 1 - rollout.policy.left_behind) if holds else 0.0
