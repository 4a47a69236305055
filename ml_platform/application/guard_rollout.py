"""The guard of a rollout: at each look it decides, and only what it has seen keeps its share of the users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import lease_key
from ml_platform.application.stored_evidence import artifact_sha256_now
from ml_platform.errors import UsageError
from ml_platform.registry.changes import Request, roll_back_rollout
from ml_platform.registry.records import Status
from ml_platform.registry.rollout.decide import (
    GuardDecision,
    Look,
    Reading,
    Step,
    decide_rollout,
)
from ml_platform.registry.rollout.last_look import Observed
from ml_platform.registry.rollout.policy import Guardrail
from ml_platform.registry.rollout.progress import (
    Lease,
    Rollout,
    current_rollout,
    lead_on,
    renewed,
    share_now,
)

ACTOR = "rollout guard"


@dataclass(frozen=True)
class Seen:
    """What the service tells of the step that a rollout is in."""

    answers: int
    """Of the new version since the step began."""
    readings: tuple[Reading, ...]
    """Of every guardrail, over the whole rollout."""
    deaths: int = 0
    """Processes of the service that have ended while they asked the new version, since the service started."""
    observed: Mapping[Guardrail, Observed] = field(default_factory=dict)
    """Figures of both sides, for people: nothing is decided by them."""


def guard_rollout(
    platform: Connections, model: str, seen: Seen, now: datetime
) -> GuardDecision | None:
    """Look at the rollout of a model once, and do what the table says; ``None`` where none is on, or it is halted.

    Raises:
        ConflictError: somebody else has changed it meanwhile; nothing was changed.
    """
    rollout = rollout_under_guard(platform, model)
    return None if rollout is None else guard_seen(platform, rollout, seen, now)


def rollout_under_guard(platform: Connections, model: str) -> Rollout | None:
    """The rollout of a model that is on; ``None`` if there is none, or a person has halted it."""
    rollout = current_rollout(platform.ledger.history(model))
    return None if rollout is None or rollout.life.status is Status.HELD else rollout


def guard_seen(platform: Connections, rollout: Rollout, seen: Seen, now: datetime) -> GuardDecision:
    """Do what the table says of this very rollout, in the step in which it was seen.

    Raises:
        ConflictError: it has moved on meanwhile; nothing was changed.
    """
    model = rollout.model
    decision = decide_rollout(_look(platform, rollout, seen, now), rollout.policy)
    request = Request(ACTOR, decision.text, platform.home.as_of)
    if decision.step is Step.ROLL_BACK:
        platform.ledger.change(
            model,
            lambda history: roll_back_rollout(history, rollout.version, rollout.life, request),
        )
    elif decision.step is Step.LEAD_ON:
        platform.ledger.change(
            model, lambda history: lead_on(history, rollout, request, decided_by=decision.row)
        )
    if decision.step in (Step.WAIT, Step.LEAD_ON):
        _renew(platform, model, now)
    return decision


def skip_step(platform: Connections, model: str, request: Request) -> Rollout | None:
    """A person leads a rollout on before its step has seen enough; the rollout after it, ``None`` if that was all.

    The share of the new step begins with the guard's next look.
    """
    rollout = require_rollout(platform, model)
    platform.ledger.change(
        model, lambda history: lead_on(history, rollout, request, decided_by="a person")
    )
    return current_rollout(platform.ledger.history(model))


def require_rollout(platform: Connections, model: str) -> Rollout:
    """The rollout of a model that is on or halted.

    Raises:
        UsageError: there is none.
    """
    rollout = current_rollout(platform.ledger.history(model))
    if rollout is None:
        raise UsageError(
            f"No version of {model} is being rolled out.",
            remedy=f"`ml-platform models show {model}` says where its versions stand",
        )
    return rollout


def share_of_rollout(platform: Connections, model: str, now: datetime) -> float:
    """The share of the users that get the version that is being rolled out, at this moment."""
    stored = platform.ledger.state(lease_key(model))
    lease = None
    if stored is not None:
        until = datetime.fromisoformat(stored["until"])
        lease = Lease(int(stored["version"]), int(stored["step"]), until)
    return share_now(current_rollout(platform.ledger.history(model)), lease, now)


def _look(platform: Connections, rollout: Rollout, seen: Seen, now: datetime) -> Look:
    folder = platform.settings.artifacts / rollout.artifact_sha256
    found = artifact_sha256_now(folder, rollout.artifact_sha256)
    return Look(
        bytes_hold=found == rollout.artifact_sha256,
        production_holds=platform.ledger.production(rollout.model).revision == rollout.against,
        readings=seen.readings,
        answers=seen.answers,
        hours=(now - rollout.step_since).total_seconds() / 3600,
        least_answers=rollout.step.least_answers,
        least_hours=rollout.step.least_hours,
        deaths=seen.deaths,
    )


def _renew(platform: Connections, model: str, now: datetime) -> None:
    rollout = current_rollout(platform.ledger.history(model))
    if rollout is not None:
        lease = renewed(rollout, now)
        platform.ledger.set_state(
            lease_key(model),
            {"version": lease.version, "step": lease.step, "until": lease.until.isoformat()},
        )
