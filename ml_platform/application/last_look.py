"""The last look of the guard at the rollout of a model, kept in the ledger for whoever asks how it stands."""

import json
from dataclasses import dataclass
from datetime import datetime

from ml_platform.application.connections import Connections
from ml_platform.application.guard_rollout import Seen, share_of_rollout
from ml_platform.application.state_keys import look_key
from ml_platform.registry.records import Status
from ml_platform.registry.rollout.decide import GuardDecision
from ml_platform.registry.rollout.last_look import (
    LastLook,
    Observed,
    StepSeen,
    look_at,
    step_seen,
)
from ml_platform.registry.rollout.progress import Rollout, current_rollout
from ml_platform.values import from_json, to_json


@dataclass(frozen=True)
class GuardrailReading:
    """One guardrail as the guard last saw it."""

    guardrail: str
    """errors, latency, metric or calibration."""
    state: str
    """quiet, suspected, harm, or blind: nothing can be compared."""
    since: datetime
    observed: Observed | None
    """Shares of errors or slow answers, means of the metric, or of confidence less outcome; null without any."""
    evidence: float | None
    """How many times as well harm explains what was seen as no harm does; null of one that is blind."""
    suspected_from: float
    """Evidence above which the rollout waits."""
    limit: float
    """Evidence from which the version is rolled back."""
    chance: float | None
    """The most that the probability can be with which a harmless version ever has such evidence."""


@dataclass(frozen=True)
class GuardedRollout:
    """The rollout of a model as its guard last saw it."""

    version: int
    step: int
    """From 0, the shadow."""
    steps: int
    """The number of the last one."""
    planned_share: float
    share: float
    """Of the users, at this moment: 0 while nobody renews it."""
    halted: bool
    """By a person."""
    seen: StepSeen
    """What the step has seen, and must have seen before the next one."""
    looked_at: datetime | None
    """Null before the first look: no service runs, or it has just begun."""
    decision: str | None
    """roll back, pause, wait, or lead on."""
    why: str
    guardrails: tuple[GuardrailReading, ...]


def keep_look(
    platform: Connections, rollout: Rollout, seen: Seen, decision: GuardDecision, now: datetime
) -> None:
    """Keep what the guard has seen of a rollout, in the place of its look before."""
    before = last_look(platform, rollout)
    look = look_at(rollout, seen.readings, seen.observed, seen.answers, decision, before, now)
    platform.ledger.set_state(look_key(rollout.model), json.loads(to_json(look)))


def last_look(platform: Connections, rollout: Rollout) -> LastLook | None:
    """The last look at this rollout; ``None`` before the first one, and of what another release has kept.

    The guard goes on by what it sees now, so what it cannot read is no reason to stop.
    """
    stored = platform.ledger.state(look_key(rollout.model))
    if stored is None:
        return None
    try:
        look = from_json(LastLook, json.dumps(stored))
    except ValueError:
        return None
    return look if look.is_of(rollout) else None


def guarded_rollout(platform: Connections, model: str, now: datetime) -> GuardedRollout | None:
    """How the rollout of a model stands; ``None`` where no version is being rolled out."""
    rollout = current_rollout(platform.ledger.history(model))
    if rollout is None:
        return None
    look = last_look(platform, rollout)
    return GuardedRollout(
        version=rollout.version,
        step=rollout.life.step,
        steps=len(rollout.steps) - 1,
        planned_share=rollout.step.share,
        share=share_of_rollout(platform, model, now),
        halted=rollout.life.status is Status.HELD,
        seen=step_seen(rollout, look, now),
        looked_at=look.at if look else None,
        decision=look.decision.value if look else None,
        why=look.why if look else "",
        guardrails=_readings(rollout, look) if look else (),
    )


def _readings(rollout: Rollout, look: LastLook) -> tuple[GuardrailReading, ...]:
    rules = {rule.guardrail: rule for rule in rollout.policy.guardrails}
    return tuple(
        GuardrailReading(
            guardrail=each.guardrail.value,
            state=each.state.value,
            since=each.since,
            observed=each.observed,
            evidence=each.evidence,
            suspected_from=rollout.policy.suspicion,
            limit=1 / rules[each.guardrail].false_rollbacks,
            chance=each.chance,
        )
        for each in look.guardrails
    )
