"""Retained skill: the gain over the dummy scorer on changed rows, relative to the gain on unchanged rows.

    retained = (metric - dummy) / (unperturbed - dummy), clipped to [0, 1]

1 means that nothing is lost, 0 that the scorer is no better than one that knows the training labels alone. The
formula also holds for metrics whose best value is 0: numerator and denominator both change their sign. Value,
resamples and jackknife all go through the formula,
cluster by cluster on the same rows, so a retained skill has a paired interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.robustness.sample import Sample
from ml_platform.evaluation.intervals.bootstrap import LEVEL, Replicates, bca_interval, replicate
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.task import Task

RESAMPLED = 400
"""The most resamples of a probe; its bounds need no third digit."""
LEAST_CLUSTERS = 20
"""The least number of clusters that an interval needs."""


@dataclass(frozen=True)
class SampleMetrics:
    """The metrics of the candidate and of the dummy scorer on the same rows, by name, with their resamples."""

    candidate: dict[str, Replicates]
    dummy: dict[str, Replicates]


def dummy_predictions(task: Task, sample: Sample) -> Predictions:
    """Return the dummy scorer's predictions for the sample; where alarms count, it raises one for every row."""
    adapter = adapter_of(task)
    classes = sample.training_set.record.classes
    constant = adapter.predictions("dummy", sample.evaluator.dummy, sample.rows, classes)
    return adapter.dummy_predictions(constant.values)


def replicated(sums: SufficientStatistics, *, seed: int, resamples: int) -> dict[str, Replicates]:
    """`replicate`, with `RESAMPLED` at most, and quiet about resamples in which a slice has no row (NaN)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return replicate(sums, seed=seed, resamples=min(resamples, RESAMPLED))


def retained(metric: Replicates, reference: Replicates, dummy: Replicates) -> Replicates:
    """Return the skill behind ``metric`` relative to that behind ``reference``; ``dummy`` is the zero of both."""
    return retained_between(metric.minus(dummy), reference.minus(dummy))


def retained_between(gain: Replicates, reference: Replicates) -> Replicates:
    """Divide two gains over dummy, clipped to [0, 1]; 0 where there was no skill to keep."""
    return Replicates(
        float(_quotient(np.array([gain.value]), np.array([reference.value]))[0]),
        _quotient(gain.resampled, reference.resampled),
        _quotient(gain.left_out, reference.left_out)
        if len(gain.left_out) == len(reference.left_out)
        else np.empty(0),
    )


def _quotient(gain: Array, reference: Array) -> Array:
    quotients: Array = np.clip(
        np.where(np.abs(reference) > 1e-12, gain / np.where(reference == 0, 1.0, reference), 0.0),
        0.0,
        1.0,
    )
    return np.nan_to_num(quotients, nan=0.0)


def nothing_kept(like: Replicates) -> Replicates:
    """Return a retained skill of 0 in every resample, for a scorer that failed to predict."""
    return Replicates(0.0, np.zeros_like(like.resampled), np.zeros_like(like.left_out))


def mean_of(parts: Sequence[Replicates]) -> Replicates:
    """Compute the mean, resample by resample; parts over different clusters have no jackknife."""
    lengths = {len(part.left_out) for part in parts}
    return Replicates(
        float(np.mean([part.value for part in parts])),
        np.mean([part.resampled for part in parts], axis=0),
        np.mean([part.left_out for part in parts], axis=0) if len(lengths) == 1 else np.empty(0),
    )


def rescaled(replicates: Replicates, slope: float, shift: float) -> Replicates:
    """Return ``slope`` times ``replicates``, plus ``shift``."""
    return Replicates(
        slope * replicates.value + shift,
        slope * replicates.resampled + shift,
        slope * replicates.left_out + shift,
    )


def with_interval(replicates: Replicates) -> Estimate:
    """Return the value with its BCa interval.

    Means over parts with different clusters, which count as independent, have no jackknife: they get percentiles.
    """
    if len(replicates.left_out):
        return bca_interval(replicates)
    tail, value = (1 - LEVEL) / 2, replicates.value
    low, high = np.quantile(replicates.resampled, [tail, 1 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value))
