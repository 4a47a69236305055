"""What is expected of each unit, from its answers before a comparison begins: empirical Bayes.

Units (users) are unlike: one makes errors of .1 %, another of 5 %. Arms drawn by lot differ by that. Who each
unit was before takes most of it out; what is left, about the expectation, is the luck of the draw (`evidence`).

Source: Robbins (1956), "An empirical Bayes approach to statistics"; moments as in Morris (1983), "Parametric
empirical Bayes inference", for Poisson counts with a gamma prior, and for means with a normal one.
"""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array


@dataclass(frozen=True)
class Expected:
    """The expectation of each unit, and how far the units are from theirs."""

    values: Array
    """A rate or a mean for each unit, shape (units,); the overall one where nothing is known of a unit."""
    overall: float
    """Of all answers together."""
    variance: float
    """Mean squared distance of a unit from its expectation, each unit weighted by its answers."""

    @property
    def unlikeness(self) -> float:
        """Squared coefficient of variation about the expectations, for rates."""
        return self.variance / self.overall**2 if self.overall > 0 else 0.0


def expected_rates(events: Array, answers: Array) -> Expected:
    """Rates of events by unit, shrunk towards the overall rate the more, the fewer answers a unit has.

    Args:
        events: Errors, or slow answers, of each unit, shape (units,).
        answers: All answers of each unit, shape (units,).
    """
    total = max(float(answers.sum()), 1.0)
    rate = float(events.sum()) / total
    spread = ((events - rate * answers) ** 2 - rate * answers).sum()
    between = max(float(spread / max((answers**2).sum(), 1.0)), 0.0)
    if rate == 0 or between == 0:
        return Expected(np.full(len(answers), rate), rate, 0.0)
    weight = rate / between
    values = (events + rate * weight) / (answers + weight)
    variance = (answers * values / (answers + weight)).sum() / total
    return Expected(values, rate, float(variance))


def expected_means(sums: Array, squares: Array, answers: Array) -> Expected:
    """Means by unit, shrunk towards the overall mean the more, the fewer answers a unit has.

    Args:
        sums: Sum of the outcomes of each unit, shape (units,).
        squares: Sum of their squares, shape (units,).
        answers: Outcomes of each unit, shape (units,).
    """
    total = max(float(answers.sum()), 1.0)
    mean = float(sums.sum()) / total
    several = answers > 1
    within = squares[several] - sums[several] ** 2 / answers[several]
    within_one = float(within.sum()) / max(float((answers[several] - 1).sum()), 1.0)
    spread = ((sums - mean * answers) ** 2 - within_one * answers).sum()
    between = max(float(spread / max((answers**2).sum(), 1.0)), 0.0)
    if between == 0:
        return Expected(np.full(len(answers), mean), mean, 0.0)
    weight = within_one / between
    values = (sums + mean * weight) / (answers + weight)
    variance = (answers * within_one / (answers + weight)).sum() / total
    return Expected(values, mean, float(variance))


def equal_units(answers: Array) -> float:
    """Units that would tell as much if all answered equally often.

    The square of the sum of their answers over the sum of the squares.
    """
    squares = float((answers**2).sum())
    return float(answers.sum()) ** 2 / squares if squares else 0.0
