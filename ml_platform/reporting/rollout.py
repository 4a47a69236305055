"""A rollout on a page: its step, its share, what its guard last saw, and what must come before the next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ml_platform.registry.records import Status
from ml_platform.registry.rollout.last_look import (
    GuardrailNow,
    GuardrailState,
    LastLook,
    step_seen,
)
from ml_platform.registry.rollout.policy import Guardrail, GuardrailRule
from ml_platform.registry.rollout.progress import Rollout
from ml_platform.reporting.components import Cell, Chip, Column, Table, Tone
from ml_platform.reporting.words import moment, number, percent

_TONES = {
    GuardrailState.QUIET: Tone.GOOD,
    GuardrailState.SUSPECTED: Tone.UNSURE,
    GuardrailState.HARM: Tone.BAD,
    GuardrailState.BLIND: Tone.UNSURE,
}
_MOST_EVIDENCE = 1e6


@dataclass(frozen=True)
class GuardrailLine:
    """One guardrail in a line."""

    name: str
    chip: Chip
    words: str


@dataclass(frozen=True)
class RolloutView:
    """A rollout in words; ``percent`` is the users' share of now, in [0, 100]."""

    title: str
    percent: float
    words: str
    guardrails: str
    chip: Chip
    next_step: str
    """What the step has seen of what it must have seen."""
    looked: str
    """When the guard last looked, and what it decided."""
    lines: tuple[GuardrailLine, ...]
    table: Table
    """The guardrails with their limits."""


def rollout_view(
    rollout: Rollout | None, share: float, look: LastLook | None, at: datetime
) -> RolloutView | None:
    """The view of a rollout; ``None`` if none is on.

    Args:
        rollout: Of a model.
        share: Of the users that get the version at this moment, in [0, 1].
        look: The guard's last one at this rollout; ``None`` before the first.
        at: This moment.
    """
    if rollout is None:
        return None
    halted = rollout.life.status is Status.HELD
    rules = {rule.guardrail: rule for rule in rollout.policy.guardrails}
    names = ", ".join(rules)
    step = f"step {rollout.life.step} of {len(rollout.steps) - 1}"
    shadow = "in shadow, nobody sees its answers"
    planned = f"{rollout.step.share:.0%} of the users" if rollout.step.share else shadow
    after = "production" if rollout.is_last else f"step {rollout.life.step + 1}"
    now = look.guardrails if look else ()
    return RolloutView(
        title=f"Version {rollout.version}, {step}",
        percent=round(100 * share, 2),
        words=f"{planned} since {moment(rollout.step_since)}; now {share:.1%} get it",
        guardrails=f"guarded by {names}" if names else "without guardrails",
        chip=Chip("HALTED", Tone.BAD) if halted else Chip("ROLLOUT", Tone.ACCENT),
        next_step=f"{step_seen(rollout, look, at).words} before {after}",
        looked=_looked(rollout, look, at, halted=halted),
        lines=tuple(_line(each, rules[each.guardrail]) for each in now),
        table=_table(rollout, now, rules),
    )


def _looked(rollout: Rollout, look: LastLook | None, at: datetime, *, halted: bool) -> str:
    if look is None:
        return "Its guard has not looked yet: that takes a running service."
    words = f"Last look of its guard {moment(look.at)}: {look.decision.value} ({look.why})."
    if halted:
        return f"{words} While a person halts it nobody looks."
    if at - look.at > rollout.policy.lease:
        return f"{words} Nobody has looked since, so its share is 0: is the service running?"
    return words


def _line(now: GuardrailNow, rule: GuardrailRule) -> GuardrailLine:
    evidence = "nothing to compare with"
    if now.evidence is not None:
        evidence = f"evidence {_evidence(now)} of {_limit(rule)}"
    return GuardrailLine(
        name=now.guardrail.value,
        chip=Chip(now.state.value, _TONES[now.state]),
        words=f"{evidence}, since {moment(now.since)}",
    )


def _table(
    rollout: Rollout,
    guardrails: tuple[GuardrailNow, ...],
    rules: Mapping[Guardrail, GuardrailRule],
) -> Table:
    columns = (
        Column("Guardrail", numeric=False),
        Column("State", numeric=False),
        Column("Since", numeric=False),
        *map(
            Column,
            (
                "Version",
                "Others",
                "Evidence of harm",
                "Suspected above",
                "Rolled back from",
                "By chance",
            ),
        ),
    )
    suspicion = rollout.policy.suspicion
    rows = tuple(_row(each, rules[each.guardrail], suspicion) for each in guardrails)
    note = (
        "Evidence: how many times as well harm explains what was seen as no harm does. "
        "It takes out what is known of each user from before, which the figures beside it do not. "
        "By chance: a harmless version ever has as much in at most this share of rollouts."
    )
    return Table(columns, rows, note=note)


def _row(now: GuardrailNow, rule: GuardrailRule, suspicion: float) -> tuple[Cell, ...]:
    chance = "" if now.chance is None else percent(now.chance)
    return (
        Cell(now.guardrail.value, f"{number(rule.tolerated)} worse is tolerated"),
        Cell(now.state.value, tone=_TONES[now.state]),
        Cell(moment(now.since)),
        *map(Cell, _figures(now) or ("", "")),
        Cell(_evidence(now)),
        Cell(number(suspicion)),
        Cell(_limit(rule)),
        Cell(chance),
    )


def _figures(now: GuardrailNow) -> tuple[str, str] | None:
    """What was seen of the version and of the others."""
    if now.observed is None:
        return None
    is_share = now.guardrail in (Guardrail.ERRORS, Guardrail.LATENCY)
    write = percent if is_share else number
    return write(now.observed.version), write(now.observed.others)


def _limit(rule: GuardrailRule) -> str:
    return number(round(1 / rule.false_rollbacks))


def _evidence(now: GuardrailNow) -> str:
    if now.evidence is None:
        return ""
    return number(now.evidence) if now.evidence < _MOST_EVIDENCE else "over a million"
