"""Whether errors or slow answers are more frequent in one arm than in the other, looked at as often as one likes.

Both arms are compared within stretches of time (a minute), at the same moment, so that an outage or a busy hour
that hits both tells nothing: given how many events there were in both together, the treatment's are binomial.
Where it has s events more for each answer, an event is one of the treatment's m answers, and not of the
control's n, with the probability m (w b + s) / (m (w b + s) + n b): w says how prone to events its units are
beside those of the control, and b is the base, the control's usual rate, or in a burst the rate of the burst. Both
are known before it is told whose the events are; without harm a wrong one costs time and raises no alarm. Where
events are frequent the test is cautious: it takes their number for more random than it is.

Source: the conditional test of two Poisson rates (Przyborowski and Wilenski 1940), made sequential by mixtures.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace

import numpy as np
from scipy.signal import lfilter

from ml_platform.arrays import Array
from ml_platform.sequential.evidence import Shifts, shifts

_LEAST = 1e-4
"""A rate that no shift goes below."""
_BEFORE = 1_000.0
"""Answers that the rate before the comparison is worth."""
_USUAL, _RECENT = 0.9993, 0.93
"""What a minute counts one minute later, in the usual rate and in the recent one."""


@dataclass(frozen=True)
class Counted:
    """Answers of both arms in one stretch of time, and the events (errors, slow answers) among them."""

    treated: float
    treated_events: float
    control: float
    control_events: float
    proneness: float = 1.0
    """Events that are expected of the treatment's units, for each answer, over those of the control's."""


@dataclass(frozen=True)
class Remembered:
    """Answers and events of the control, those further back counting less."""

    events: float
    answers: float


@dataclass(frozen=True)
class RateShift:
    """What has been seen so far: the log-likelihood of every shift, up to a constant, and the control's rates."""

    shifts: Shifts
    log_likelihood: Array
    usual: Remembered
    """Of about a day, without bursts; begins with the rate before the comparison."""
    recent: Remembered
    """Of about a quarter of an hour."""
    minutes: float
    """The length of a stretch."""

    def seen(self, stretches: Iterable[Counted]) -> "RateShift":
        """The same with more stretches of time; one without events, or with one arm alone, says nothing."""
        counts = np.array([astuple(each) for each in stretches], dtype=float).reshape(-1, 1, 5)
        _, then = self.followed(*np.moveaxis(counts, -1, 0))
        return then

    def followed(
        self,
        treated: Array,
        treated_events: Array,
        control: Array,
        control_events: Array,
        proneness: Array,
    ) -> tuple[Array, "RateShift"]:
        """The evidence at each look, shape (stretches, looks), and the state after the last stretch.

        The arguments are the fields of `Counted`, each of shape (stretches, looks): what has been counted of
        the stretch at each look at it, the last of which is at its end.
        """
        if len(treated) == 0:
            return np.zeros(treated.shape), self
        recent_events = _remembered(self.recent.events, control_events[:, -1], self.kept(_RECENT))
        recent_answers = _remembered(self.recent.answers, control[:, -1], self.kept(_RECENT))
        events = recent_events[:-1, None] + treated_events + control_events
        answers = recent_answers[:-1, None] + treated + control
        expected = self.usual.events / self.usual.answers * answers
        burst = events > expected + 3 * np.sqrt(expected) + 3
        calm = ~burst[:, -1]
        usual_events = _remembered(
            self.usual.events, control_events[:, -1] * calm, self.kept(_USUAL)
        )
        usual_answers = _remembered(self.usual.answers, control[:, -1] * calm, self.kept(_USUAL))
        usual_rate = (usual_events[:-1] / usual_answers[:-1])[:, None]
        base = np.maximum(np.where(burst, events / np.maximum(answers, 1), usual_rate), _LEAST)
        each = _log_likelihood(
            (treated, treated_events, control, control_events, proneness, base), self.shifts.values
        )
        ends = self.log_likelihood + np.cumsum(each[:, -1], axis=0)
        begins = np.concatenate([self.log_likelihood[None], ends[:-1]])
        then = replace(
            self,
            log_likelihood=ends[-1],
            usual=Remembered(float(usual_events[-1]), float(usual_answers[-1])),
            recent=Remembered(float(recent_events[-1]), float(recent_answers[-1])),
        )
        return self.shifts.log_evidence(begins[:, None] + each), then

    def kept(self, of_a_minute: float) -> float:
        """What a stretch counts one stretch later, given what a minute counts one minute later."""
        return float(of_a_minute**self.minutes)

    @property
    def log_evidence(self) -> float:
        """Logarithm of the evidence for harm, more events than luck explains: at log(1 / alpha) it is shown."""
        return float(self.shifts.log_evidence(self.log_likelihood))


def rate_shift(
    *,
    tolerated: float,
    rate: float,
    unlikeness: float,
    units: tuple[float, float],
    farthest: float = 0.5,
    minutes: float = 1.0,
) -> RateShift:
    """Nothing seen yet.

    Args:
        tolerated: So many more events for each answer nobody would roll back for, in (0, 1).
        rate: Events for each answer before the comparison, in [0, 1].
        unlikeness: Squared coefficient of variation of the units' rates, about what is expected of them.
        units: Units of the treatment and of the control, counted as if all answered equally often
            (the square of the sum of their answers over the sum of the squares).
        farthest: The largest harm that is looked at; what is worse shows as fast.
        minutes: The length of a stretch: as short as an outage begins, and so long that both arms have answers
            in most of them.
    """
    luck = rate * float(np.sqrt(unlikeness * (1 / units[0] + 1 / units[1])))
    looked_at = shifts(tolerated=tolerated, farthest=farthest, luck=luck)
    before = Remembered(rate * _BEFORE, _BEFORE)
    nothing = np.zeros(len(looked_at.values))
    return RateShift(looked_at, nothing, before, Remembered(0.0, 0.0), minutes)


def _remembered(before: float, counts: Array, kept: float) -> Array:
    """The sum before each stretch and after the last one, in which older counts weigh less."""
    sums, _ = lfilter([1.0], [1.0, -kept], counts, zi=[before * kept])
    return np.concatenate([[before], sums])


def _log_likelihood(counts: tuple[Array, ...], values: Array) -> Array:
    """Log-likelihood of each shift at each look, up to a constant, shape (stretches, looks, shifts).

    Args:
        counts: The fields of `Counted` and the base, each of shape (stretches, looks).
        values: The shifts.
    """
    treated, treated_events, control, control_events, *_ = counts
    told = (treated > 0) & (control > 0) & (treated_events + control_events > 0)
    result = np.zeros((*told.shape, len(values)))
    m, k, n, j, w, b = (each[told][:, None] for each in counts)
    harmed = m * np.maximum(w * b + values, _LEAST)
    share = harmed / (harmed + n * b)
    result[told] = k * np.log(share) + j * np.log1p(-share)
    return result
