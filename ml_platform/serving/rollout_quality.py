"""Whether the answers of a version being rolled out turn out worse: evidence from those whose outcome is known."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.assignment.split import Split
from ml_platform.evaluation.tasks.adapter import MaturedPredictions, TaskAdapter, Texts
from ml_platform.registry.rollout.last_look import Observed
from ml_platform.registry.rollout.policy import Guardrail, GuardrailRule
from ml_platform.sequential.history import Expected, equal_units, expected_means
from ml_platform.sequential.mean_shift import Difference, mean_shift
from ml_platform.serving.rollout_evidence import arms_of

_LEAST_HISTORY = 200
"""Answers with an outcome from before; with fewer, users are taken to be as unlike as those of the control are."""
_LEAST_SPREAD = 0.1
"""The least standard deviation of users' means where nothing is known of them from before: a dozen users of the
control may look alike by chance."""
_PRIOR_ANSWERS, _PRIOR_VARIANCE = 10.0, 0.25
"""What the variance of an answer is before any is known: the largest that numbers in [0, 1] can have."""


@dataclass(frozen=True)
class MaturedAnswers:
    """Answers whose outcome is known, one for each row and arm; the arrays have shape (answers,)."""

    hours: Codes
    """Whole hours since the part began."""
    treated: Flags
    users: Texts
    predictions: MaturedPredictions


@dataclass(frozen=True)
class Losses:
    """What each answer adds to a mean that is better the lower it is; arrays of shape (answers,)."""

    hours: Codes
    treated: Flags
    users: Texts
    values: Array


def losses(
    guardrail: Guardrail, adapter: TaskAdapter[Any], metric: str, matured: MaturedAnswers
) -> Losses | None:
    """The losses that a guardrail compares; ``None`` of a task whose confidence is no probability.

    `Guardrail.METRIC` compares one minus the gain of the metric, `Guardrail.CALIBRATION` the confidence less what
    came true of it: above 0 the version is surer than it should be.
    """
    if guardrail is Guardrail.METRIC:
        values = 1.0 - adapter.gains[metric](matured.predictions)
    else:
        truth = adapter.confidence_outcomes(matured.predictions)
        if truth is None:
            return None
        values = matured.predictions.confidence - truth
    return Losses(matured.hours, matured.treated, matured.users, values)


def mean_evidence(rule: GuardrailRule, before: Losses, seen: Losses, split: Split | None) -> float:
    """Logarithm of the evidence that the treatment's losses are higher; 0 while none are known.

    Each answer counts as its difference to what is expected of its user from before. Where the version before was
    too unsure, one that is as far on the other side, or nearer, is no worse.

    Args:
        rule: Of `Guardrail.METRIC` or `Guardrail.CALIBRATION`.
        before: Losses from before the part.
        seen: Losses of the part.
        split: Who is in which arm; ``None`` in shadow, where both arms are the same users.
    """
    names, expected, counts = _expected(before, seen)
    place = {name: number for number, name in enumerate(names)}
    values = np.append(expected.values, expected.overall)
    residuals = seen.values - values[[place.get(user, -1) for user in seen.users]]
    deviation, units = 0.0, (1.0, 1.0)
    if split is not None:
        deviation = float(np.sqrt(expected.variance))
        arms = [max(equal_units(counts[arm]), 1.0) for arm in arms_of(names, split)]
        units = (arms[0], arms[1])
    state = mean_shift(
        tolerated=rule.tolerated, farthest=rule.farthest, deviation=deviation, units=units
    )
    spared = max(0.0, -2 * expected.overall) if rule.guardrail is Guardrail.CALIBRATION else 0.0
    return state.seen(_differences(seen, residuals, spared)).log_evidence


def observed_mean(guardrail: Guardrail, seen: Losses) -> Observed | None:
    """The mean of the metric, or of confidence less outcome, in both arms; ``None`` where either has none."""
    if seen.treated.all() or not seen.treated.any():
        return None
    means = (float(seen.values[arm].mean()) for arm in (seen.treated, ~seen.treated))
    version, others = (1 - mean if guardrail is Guardrail.METRIC else mean for mean in means)
    return Observed(version, others)


def _expected(before: Losses, seen: Losses) -> tuple[tuple[str, ...], Expected, Array]:
    """Users, what is expected of each, and how many answers each had."""
    if len(before.values) >= _LEAST_HISTORY:
        names, sums, squares, counts = _by_user(before.users, before.values)
        return names, expected_means(sums, squares, counts), counts
    control = ~seen.treated
    names, sums, squares, counts = _by_user(seen.users[control], seen.values[control])
    own = expected_means(sums, squares, counts)
    spread = float(counts @ (own.values - own.overall) ** 2 / max(counts.sum(), 1.0))
    everybody, *_, answers = _by_user(seen.users, seen.values)
    level = np.full(len(everybody), own.overall)
    unlike = max(own.variance + spread, _LEAST_SPREAD**2)
    return everybody, Expected(level, own.overall, unlike), answers


def _by_user(users: Texts, values: Array) -> tuple[tuple[str, ...], Array, Array, Array]:
    """Users with the sum, the sum of squares and the number of their values."""
    names, codes = np.unique(users.astype(str), return_inverse=True)
    sums, squares, counts = (
        np.bincount(codes, weights, minlength=len(names)).astype(np.float64)
        for weights in (values, values**2, np.ones(len(values)))
    )
    return tuple(names.tolist()), sums, squares, counts


def _differences(seen: Losses, residuals: Array, spared: float) -> list[Difference]:
    """Treatment less control in each hour in which both have answers."""
    arms = (seen.treated, ~seen.treated)
    squares = sum(
        float(((residuals[arm] - residuals[arm].mean()) ** 2).sum()) for arm in arms if arm.any()
    )
    variance = (squares + _PRIOR_ANSWERS * _PRIOR_VARIANCE) / (len(residuals) + _PRIOR_ANSWERS)
    hours = int(seen.hours.max(initial=-1)) + 1
    counts = [np.bincount(seen.hours[arm], minlength=hours) for arm in arms]
    sums = [np.bincount(seen.hours[arm], residuals[arm], minlength=hours) for arm in arms]
    return [
        Difference(
            float(sums[0][hour] / counts[0][hour] - sums[1][hour] / counts[1][hour]) - spared,
            float(variance * (1 / counts[0][hour] + 1 / counts[1][hour])),
        )
        for hour in np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
    ]
