"""95 % intervals by resampling clusters, from sufficient statistics.

A resample is a vector of counts over clusters; its metrics are functions of counts @ statistics, so a
thousand resamples are one matrix product and rows are never copied. Two scorers on the same rows get
the same resamples (same seed, same clusters), which makes their differences paired.

The interval is the bias-corrected and accelerated one (BCa; Efron 1987), its normal quantile widened to
Student's t and by sqrt(n / (n - 1)) (Hesterberg 2015): at 100 clusters plain percentiles miss macro
averages with rare classes, whose bootstrap distribution is shifted. ``benchmarks/intervals.py``
measures the coverage of both.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array
from ml_platform.evaluation.intervals.draws import counts_in_parts
from ml_platform.evaluation.metrics.sufficient_statistics import CountsRows, SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.metric import IntervalKind
from ml_platform.spec.metrics import metric_named

RESAMPLES = 1_000
LEVEL = 0.95
_CELLS_AT_ONCE = 4_000_000
"""The numbers that are held at once for the jackknife: 32 MB."""
_FEW_ROWS = 10
"""Below this many rows of the rarer outcome a proportion is too skewed to be resampled."""
_CACHED_COUNTS = 8_000_000
"""Draws of at most this many counts are cached for the next subject: 16 MB."""


@dataclass(frozen=True)
class Replicates:
    """One metric: of all rows, of each resample (resamples,), and without each cluster in turn (clusters,)."""

    value: float
    resampled: Array
    left_out: Array
    counted: float = 0.0
    """The rows of which the metric is a proportion; 0 where it is no proportion."""

    def minus(self, other: "Replicates") -> "Replicates":
        """Return the paired difference; both must come from the same clusters and the same seed."""
        return Replicates(
            value=self.value - other.value,
            resampled=self.resampled - other.resampled,
            left_out=self.left_out - other.left_out,
        )


def replicate(
    sums: SufficientStatistics, *, seed: int, resamples: int = RESAMPLES
) -> dict[str, Replicates]:
    """Compute every metric of ``sums`` with its resamples; memory is bounded for any number of clusters."""
    total = sums.sums.sum(axis=0)
    values = sums.metrics(total[None, :])
    resampled = sums.metrics(_resampled_totals(sums.sums, seed, resamples))
    left_out = _without_each(sums, total)
    counted = sums.row_counts() if isinstance(sums, CountsRows) else {}
    return {
        name: Replicates(
            float(value[0]), resampled[name], left_out[name], float(counted.get(name, 0.0))
        )
        for name, value in values.items()
    }


def _resampled_totals(sums: Array, seed: int, resamples: int) -> Array:
    """Return totals (resamples, columns) over as many clusters as there are, drawn with replacement."""
    clusters = len(sums)
    if resamples * clusters <= _CACHED_COUNTS:
        counts = _cached_counts(clusters, seed, resamples)
        parts = [counts[start : start + 100] for start in range(0, resamples, 100)]
        return np.concatenate([part.astype(np.float64) @ sums for part in parts])
    return np.concatenate(
        [part.astype(np.float64) @ sums for part in counts_in_parts(clusters, seed, resamples)]
    )


@lru_cache(maxsize=2)
def _cached_counts(clusters: int, seed: int, resamples: int) -> npt.NDArray[np.uint16]:
    """Draw all counts at once; they are cached, since all subjects and groups of a report are resampled alike."""
    counts = np.concatenate(list(counts_in_parts(clusters, seed, resamples)))
    counts.flags.writeable = False
    return counts


def _without_each(sums: SufficientStatistics, total: Array) -> dict[str, Array]:
    """Compute every metric without each cluster in turn (jackknife), for the acceleration."""
    step = max(1, _CELLS_AT_ONCE // len(total))
    parts = [
        sums.metrics(total - sums.sums[start : start + step])
        for start in range(0, len(sums.sums), step)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def bca_interval(replicates: Replicates, *, level: float = LEVEL) -> Estimate:
    """Compute the BCa interval of one metric, with Student's widening.

    Where no resample differs (every row is right, or a scorer is compared with itself) the interval is the value.

    Source: Efron (1987), equations 2.3 and 6.6; Hesterberg (2015), section 4.2 for the widening.
    """
    if np.ptp(replicates.resampled) == 0:
        return Estimate(replicates.value, replicates.value, replicates.value)
    normal = NormalDist()
    resamples, clusters = len(replicates.resampled), len(replicates.left_out)
    below = (replicates.resampled < replicates.value).sum() + (
        replicates.resampled == replicates.value
    ).sum() / 2
    bias = normal.inv_cdf(min(max(below / resamples, 1 / resamples), 1 - 1 / resamples))
    skew = acceleration(replicates.left_out)
    z = _wide_quantile(clusters, level)
    shares = []
    for signed in (bias - z, bias + z):
        shrink = max(1 - skew * signed, 0.1)
        shares.append(normal.cdf(bias + signed / shrink))
    low, high = np.quantile(replicates.resampled, shares)
    return Estimate(replicates.value, float(low), float(high))


def distant_interval(replicates: Replicates, *, level: float) -> Estimate:
    """Compute Student's interval around the value, with the resamples' standard deviation.

    For levels so high that a thousand resamples have no quantile there.
    """
    clusters = len(replicates.left_out)
    reach = _wide_quantile(clusters, level) * float(replicates.resampled.std())
    return Estimate(replicates.value, replicates.value - reach, replicates.value + reach)


def acceleration(left_out: Array) -> float:
    """Compute the acceleration, a sixth of the skewness of the clusters' influence: Efron (1987), equation 6.6."""
    deviations = left_out.mean() - left_out
    squares = float((deviations**2).sum())
    if squares == 0:
        return 0.0
    return float((deviations**3).sum() / (6 * squares**1.5))


def _wide_quantile(clusters: int, level: float) -> float:
    """Return Student's quantile with n - 1 degrees of freedom, times sqrt(n / (n - 1)): 2.00 at n = 100."""
    from scipy.special import stdtrit

    freedom = max(clusters - 1, 1)
    return float(stdtrit(freedom, (1 + level) / 2)) * float(np.sqrt((freedom + 1) / freedom))


def interval(name: str, replicates: Replicates, *, level: float = LEVEL) -> Estimate:
    """Compute the interval of the metric ``name``: BCa, widened as the declaration of the metric asks.

    Proportions of few rows are widened by `_widened_for_few_rows`.

    Noise adds to a calibration error, and adds again in a resample, for which BCa corrects too much. At 100
    clusters of five rows the upper bound of BCa, which a gate compares with its limit, is too low in 9 % of
    samples instead of 2.5 %; that of the percentile interval in none. So the wider of both bounds is taken. The
    lower bound of a small error stays too high in up to 8 % of samples of 600 rows, but makes no gate pass.

    The coverage of a set of lists shrinks in every resample, since some users are left out, and BCa corrects
    that until the value itself is outside. So the interval also includes that of the percentiles, and the value.

    Raises:
        IntegrityError: no metric of that name is declared (`ml_platform.spec.metrics`).
    """
    kind = metric_named(name).interval
    estimate = bca_interval(replicates, level=level)
    if kind is IntervalKind.BCA:
        return estimate
    if kind is IntervalKind.PROPORTION:
        return _widened_for_few_rows(estimate, replicates, level)
    low, high = np.quantile(replicates.resampled, [(1 - level) / 2, (1 + level) / 2])
    if kind is IntervalKind.COVERAGE:
        low, high = min(low, replicates.value), max(high, replicates.value)
    return Estimate(
        replicates.value, min(estimate.low, float(low)), max(estimate.high, float(high))
    )


def _widened_for_few_rows(estimate: Estimate, replicates: Replicates, level: float) -> Estimate:
    """Widen a proportion with fewer than `_FEW_ROWS` rows of the rarer outcome to the exact binomial interval.

    If all rows are right, so are all rows of every resample: the interval would have no width, and a recall of 1
    on three anomalies would pass any gate. The number of rows is divided by the design effect of the clusters;
    where the rarer outcome does not occur the effect is unknown, and each row counts as one.

    Source: Clopper and Pearson (1934), with the effective size of Korn and Graubard (1998).
    """
    share = replicates.value
    rarer = min(share * replicates.counted, (1 - share) * replicates.counted)
    # Rounded, since ten of a hundred are 9.999999999999998 where the share is that of the other ninety.
    if not replicates.counted or round(rarer, 6) >= _FEW_ROWS:
        return estimate
    from scipy.special import betaincinv

    single = share * (1 - share) / replicates.counted
    effect = float(replicates.resampled.var()) / single if single > 0 else 0.0
    rows = replicates.counted / max(effect, 1.0)
    right, wrong, tail = share * rows, (1 - share) * rows, (1 - level) / 2
    low = float(betaincinv(right, wrong + 1, tail)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, wrong, 1 - tail)) if wrong > 0 else 1.0
    return Estimate(share, min(low, estimate.low), max(high, estimate.high))


def estimates(replicates: dict[str, Replicates]) -> dict[str, Estimate]:
    """Compute the interval of each metric."""
    return {name: interval(name, metric) for name, metric in replicates.items()}


def differences(left: dict[str, Replicates], right: dict[str, Replicates]) -> dict[str, Estimate]:
    """Compute left minus right for the metrics that both have, with paired intervals."""
    return {
        name: interval(name, metric.minus(right[name]))
        for name, metric in left.items()
        if name in right
    }
