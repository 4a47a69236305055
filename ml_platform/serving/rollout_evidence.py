"""What a rollout has shown so far, from sums over its answers: the evidence of every guardrail.

A rollout is compared in two parts. In shadow the version answers what the champion answers, so both arms are the
same users, and there is no luck of the draw. From the first share on users are drawn into arms. What a version does
in shadow need not be what it does before users, so each part has evidence of its own, and their mean counts: of two
ratios that have the mean 1 without harm it has the mean 1 too (`sequential.evidence`), and a long quiet shadow
weighs nothing against harm that only users see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.assignment.split import Arm, Split
from ml_platform.registry.rollout.decide import Reading
from ml_platform.registry.rollout.last_look import Observed
from ml_platform.registry.rollout.policy import Guardrail, GuardrailRule, RampPolicy
from ml_platform.sequential.history import Expected, equal_units, expected_rates
from ml_platform.sequential.rate_shift import rate_shift

LEAST_SLOW = 50.0
"""Milliseconds below which no answer is slow, however fast the champion is: nobody notices the difference."""
STRETCHES = (1, 2, 5, 10, 20, 60)
"""Minutes in which arms may be compared."""
_ANSWERS_A_STRETCH = 4.0
BLIND_MINUTES, BLIND_ANSWERS = 30, 20
_CHUNK = 2_000
_RATES = {Guardrail.ERRORS: (1, 3), Guardrail.LATENCY: (2, 4)}
"""The columns of `Entries.sums` that hold events and expected events of a guardrail."""


@dataclass(frozen=True)
class UsersBefore:
    """What the users had before they could be in an arm; the arrays have shape (users,)."""

    users: tuple[str, ...]
    answers: Array
    errors: Array
    slow: Array
    slow_limit: float
    """Milliseconds above which an answer is slow: the 90th percentile of these answers, at least `LEAST_SLOW`."""
    minutes: float
    """The time in which these answers were given, from the first one on."""


@dataclass(frozen=True)
class Comparison:
    """How two arms are compared, settled before their first answer."""

    errors: Expected
    slow: Expected
    units: tuple[float, float]
    """Users of treatment and control, counted as if all asked equally often."""
    minutes: int
    """The length of a stretch, one of `STRETCHES`."""


def comparison(before: UsersBefore, split: Split | None) -> Comparison:
    """The comparison of the arms of ``split``, or without one that of a version in shadow with what was answered.

    A stretch is the shortest in which each arm may expect four answers, at most an hour.
    """
    errors = expected_rates(before.errors, before.answers)
    slow = expected_rates(before.slow, before.answers)
    if split is None:
        return Comparison(
            _alike(errors), _alike(slow), (1.0, 1.0), _minutes(before, float(before.answers.sum()))
        )
    arms = [before.answers[arm] for arm in arms_of(before.users, split)]
    units = tuple(max(equal_units(arm), 1.0) for arm in arms)
    smaller = min(float(arm.sum()) for arm in arms)
    return Comparison(errors, slow, (units[0], units[1]), _minutes(before, smaller))


def arms_of(users: Iterable[str], split: Split) -> tuple[Flags, Flags]:
    """Who of the users is in the treatment, and who in the control."""
    arms = np.array([split.arm_of(user) for user in users], dtype=object)
    return arms == Arm.TREATMENT, arms == Arm.CONTROL


def _alike(expected: Expected) -> Expected:
    return Expected(np.full(len(expected.values), expected.overall), expected.overall, 0.0)


def _minutes(before: UsersBefore, answers: float) -> int:
    needed = _ANSWERS_A_STRETCH * before.minutes / answers if answers else np.inf
    return next((minutes for minutes in STRETCHES if minutes >= needed), STRETCHES[-1])


@dataclass(frozen=True)
class Entries:
    """Sums over the answers of one arm in one stretch, an entry each; a stretch lies within one step."""

    step: Codes
    """Of the part, from 0, shape (entries,)."""
    place: Codes
    """The number of the stretch in its step, from 0, shape (entries,)."""
    treated: Flags
    sums: Array
    """Answers, errors, slow answers, expected errors and expected slow answers, shape (entries, 5)."""

    def updated(self, newer: "Entries", step: int, place: int) -> "Entries":
        """These up to a stretch, and the ``newer`` ones from it on."""
        old = (self.step < step) | ((self.step == step) & (self.place < place))
        return Entries(
            np.concatenate([self.step[old], newer.step]),
            np.concatenate([self.place[old], newer.place]),
            np.concatenate([self.treated[old], newer.treated]),
            np.concatenate([self.sums[old], newer.sums]),
        )

    def answers_in(self, step: int) -> int:
        """Answers of the treatment in a step."""
        return int(self.sums[self.treated & (self.step == step), 0].sum())

    def consecutive(self, starts: tuple[datetime, ...], until: datetime, minutes: int) -> Array:
        """The sums of control and treatment in every stretch until a moment, shape (2, stretches, 5).

        Args:
            starts: When each step of the part began.
            until: The end of the part, or now.
            minutes: The length of a stretch.
        """
        moments = np.array([moment.timestamp() for moment in (*starts, until)])
        stretches = np.ceil(np.diff(moments) / (60.0 * minutes)).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(np.maximum(stretches, 1))])
        number = offsets[self.step] + self.place
        sums = np.zeros((2, max(int(offsets[-1]), int(number.max(initial=-1)) + 1), 5))
        np.add.at(sums, (self.treated.astype(np.int64), number), self.sums)
        return sums


def rate_evidence(rule: GuardrailRule, compared: Comparison, sums: Array) -> float:
    """Logarithm of the evidence that errors, or slow answers, are more frequent in the treatment.

    Args:
        rule: Of `Guardrail.ERRORS` or `Guardrail.LATENCY`.
        compared: Of the part.
        sums: See `Entries.consecutive`.
    """
    expected = compared.errors if rule.guardrail is Guardrail.ERRORS else compared.slow
    events, prone = _RATES[rule.guardrail]
    state = rate_shift(
        tolerated=rule.tolerated,
        farthest=rule.farthest,
        rate=expected.overall,
        unlikeness=expected.unlikeness,
        units=compared.units,
        minutes=compared.minutes,
    )
    control, treated = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = treated[:, prone] / treated[:, 0] / (control[:, prone] / control[:, 0])
    proneness = np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)
    columns = (treated[:, 0], treated[:, events], control[:, 0], control[:, events], proneness)
    for start in range(0, sums.shape[1], _CHUNK):
        looks = [column[start : start + _CHUNK, None] for column in columns]
        _, state = state.followed(*looks)
    return state.log_evidence


def observed_rates(entries: Entries) -> dict[Guardrail, Observed]:
    """The shares of errors and of slow answers in both arms; empty where either arm has no answer."""
    treated, control = entries.sums[entries.treated], entries.sums[~entries.treated]
    sums = treated.sum(axis=0), control.sum(axis=0)
    if not (sums[0][0] and sums[1][0]):
        return {}
    return {
        guardrail: Observed(*(float(arm[events] / arm[0]) for arm in sums))
        for guardrail, (events, _) in _RATES.items()
    }


def is_blind(sums: Array, minutes: int) -> bool:
    """Whether the treatment has answered of late, and nobody of the control with whom it could be compared.

    Silence is no blindness: while nobody asks nobody is harmed, and a version that lost its share at night would
    have no answers by which to get it back.
    """
    control, treated = sums[:, -max(1, BLIND_MINUTES // minutes) :, 0].sum(axis=1)
    return bool(treated >= BLIND_ANSWERS and control == 0)


def readings(policy: RampPolicy, parts: Iterable[Mapping[Guardrail, float]]) -> tuple[Reading, ...]:
    """The reading of each guardrail from its evidence in shadow and in arms; one without either has none.

    Args:
        policy: Of the rollout.
        parts: Logarithms of the evidence, in shadow and in arms; 0 where a part has seen nothing yet, and absent
            where it is blind.
    """
    both = tuple(parts)
    found = []
    for rule in policy.guardrails:
        evidence = [part[rule.guardrail] for part in both if rule.guardrail in part]
        if len(evidence) == len(both):
            mean = np.logaddexp.reduce(evidence) - np.log(len(evidence))
            found.append(Reading(rule.guardrail, float(mean)))
    return tuple(found)
