"""Covariate shift: the halves of the test period, and the quarters into which features have begun to move.

The predictions are known already, so no row is scored again. Each slice of change sets gets an evaluator of its
own; the statistics of its clusters are put back at the places that the clusters have in the whole sample, so that
slices and whole share their resamples.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.robustness.columns import Column, numbers_of
from ml_platform.evaluation.dimensions.robustness.part import Part
from ml_platform.evaluation.dimensions.robustness.sample import Sample
from ml_platform.evaluation.dimensions.robustness.skill import (
    LEAST_CLUSTERS,
    dummy_predictions,
    replicated,
    retained_between,
    with_interval,
)
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.models.tokens import token_column
from ml_platform.spec.feature import Comparison, Kind
from ml_platform.spec.metric_declarations.labels import CHANGE_SET_PREFIX
from ml_platform.spec.training_set import CHANGE_SET, TIME
from ml_platform.training_sets.coded_column import MISSING

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.dimensions.registry import EvaluationContext

LEAST_ROWS = 100
MOVED = 3
"""Features that differ most between training and test part, each with a slice."""
QUARTER = 0.25
COMPARED = 5_000
"""Rows of each part, evenly spaced, that differences are measured on."""


CandidateAndDummy = tuple[Replicates, Replicates]
"""A metric of the candidate, and of the dummy scorer, on the same rows."""


@dataclass(frozen=True)
class Placed:
    """The statistics of a slice at the places of all clusters of the sample.

    A cluster without a row in the slice has 0 in every column.
    """

    slice: SufficientStatistics
    sums: Array

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the metrics of the slice by name, each of shape (r,), from ``totals`` (r, columns)."""
        return self.slice.metrics(totals)


@dataclass(frozen=True)
class Slice:
    """A part of the sample that consists of whole change sets."""

    name: str
    where: np.ndarray
    """Shape (rows,)."""


def shift_part(
    subject: "EvaluationContext", sample: Sample, columns: tuple[Column, ...], metric: str
) -> Part:
    """Measure the skill on the worst slice, relative to that on all rows."""
    whole = slice_metrics(subject, sample, np.ones(len(sample.rows), dtype=bool), metric)
    assert whole is not None
    slice_results: list[tuple[Slice, Replicates, Estimate]] = []
    small: list[str] = []
    slices = _slices(subject, sample, columns)
    for candidate_slice in slices:
        part = None
        if _enough(sample, candidate_slice.where):
            part = slice_metrics(subject, sample, candidate_slice.where, metric)
        if part is None:
            small.append(candidate_slice.name)
            continue
        slice_results.append((candidate_slice, kept_in(part, whole), with_interval(part[0])))
    names = ("shift_worst_retained", "newest_half_retained")
    why = (
        f"a slice needs {LEAST_ROWS} rows in {LEAST_CLUSTERS} clusters and both outcomes, halves rows of "
        "more than one time"
    )
    if not slice_results:
        return Part("covariate shift", None, "", undefined=dict.fromkeys(names, why))
    worst, kept, figure = min(slice_results, key=lambda one: one[1].value)
    measures = {names[0]: with_interval(kept)}
    newest = next((skill for part, skill, _ in slice_results if part.name == NEWEST), None)
    if newest is not None:
        measures[names[1]] = with_interval(newest)
    label = metric.replace("_", " ")
    return Part(
        name="covariate shift",
        kept=kept,
        why=f"in the worst of {len(slice_results)} slices ({worst.name}) {kept.value:.0%} of the skill is left",
        measures=measures,
        undefined={} if newest is not None else {names[1]: why},
        findings=(
            f"In the worst slice, {worst.name} ({int(worst.where.sum())} rows), {label} is {figure.value:.2f} "
            f"[{figure.low:.2f}, {figure.high:.2f}]: {kept.value:.0%} of the skill is left.",
        ),
        watch=tuple(
            f"{moved.name}: the test part has moved there already"
            for moved in slices
            if moved.name not in _HALVES
        ),
        tables=(_table(label, slice_results, small),),
    )


OLDEST, NEWEST = "older half of the test period", "newest half of the test period"
_HALVES = (OLDEST, NEWEST)


def _table(
    label: str, slice_results: list[tuple[Slice, Replicates, Estimate]], small: list[str]
) -> ReportTable:
    rows: list[tuple[str | float | int | None, ...]] = []
    for part, skill, figure in slice_results:
        kept = with_interval(skill)
        rows.append((part.name, int(part.where.sum()), *figure.rounded(), *kept.rounded()))
    rows += [(name, None, None, None, None, None, None, None) for name in small]
    columns = ("slice", "rows", label, "low", "high", "skill retained", "skill low", "skill high")
    return ReportTable("Covariate shift: slices of the test rows", columns, tuple(rows))


def _enough(sample: Sample, where: np.ndarray) -> bool:
    clusters = len(np.unique(sample.clusters[where]))
    return int(where.sum()) >= min(LEAST_ROWS, len(where)) and clusters >= LEAST_CLUSTERS


def kept_in(part: CandidateAndDummy, whole: CandidateAndDummy) -> Replicates:
    """The larger of two: of the gain over the dummy scorer of the slice, and over that of all rows.

    A slice that is easy leaves little to gain over its own dummy scorer, and one that is hard lowers the metric of
    anybody: skill is lost only where both are lower.
    """
    gain = whole[0].minus(whole[1])
    over_slice = retained_between(part[0].minus(part[1]), gain)
    over_whole = retained_between(part[0].minus(whole[1]), gain)
    return Replicates(
        max(over_slice.value, over_whole.value),
        np.maximum(over_slice.resampled, over_whole.resampled),
        np.maximum(over_slice.left_out, over_whole.left_out),
    )


def slice_metrics(
    subject: "EvaluationContext", sample: Sample, where: np.ndarray, metric: str
) -> CandidateAndDummy | None:
    """Return the metric of candidate and dummy scorer on the rows ``where``; ``None`` where it is not defined.

    Where each change set of the slice is one row, a metric over change sets is the one over rows.
    """
    places = np.flatnonzero(where)
    part = replace(sample.training_set, test=sample.rows.iloc[places])
    predictions = Predictions(sample.predictions.values[places], sample.predictions.threshold)
    rows = Sample(part, evaluator_of(subject.spec.task, part), predictions, sample.clusters[places])
    both = []
    for scored in (predictions, dummy_predictions(subject.spec.task, rows)):
        sums = _placed(rows, scored, int(sample.clusters.max()) + 1)
        replicates = replicated(sums, seed=subject.seed, resamples=subject.resamples)
        name = metric if metric in replicates else metric.removeprefix(CHANGE_SET_PREFIX)
        if name not in replicates:
            return None
        both.append(_defined(replicates[name]))
    return both[0], both[1]


def _placed(rows: Sample, predictions: Predictions, count: int) -> Placed:
    inner = rows.evaluator.sufficient_statistics(predictions)
    places = np.unique(rows.clusters)
    sums = np.zeros((count, inner.sums.shape[1]))
    sums[places] = inner.sums
    return Placed(inner, sums)


def _defined(replicates: Replicates) -> Replicates:
    """Replace resamples in which the slice has no row (they are not finite) by the value itself."""
    value, resampled, left_out = replicates.value, replicates.resampled, replicates.left_out
    return Replicates(
        value,
        np.where(np.isfinite(resampled), resampled, value),
        np.where(np.isfinite(left_out), left_out, value),
    )


def _slices(
    subject: "EvaluationContext", sample: Sample, columns: tuple[Column, ...]
) -> list[Slice]:
    """Return the slices in whole change sets: a start without all its candidate times could not be evaluated."""
    import pandas as pd

    rows = sample.rows
    change_sets, ids = pd.factorize(rows[CHANGE_SET].to_numpy(), sort=True)
    sizes = np.bincount(change_sets, minlength=len(ids))

    def of_change_sets(values: Array) -> Array:
        return np.bincount(change_sets, weights=values, minlength=len(ids)) / sizes

    since = (rows[TIME] - rows[TIME].min()).dt.total_seconds().to_numpy(dtype=np.float64)
    when = of_change_sets(since)[change_sets]
    late = when > np.median(when)
    if not late.any():  # More than half of the rows are of the last moment.
        late = when == when.max()
    slices = [] if late.all() else [Slice(OLDEST, ~late), Slice(NEWEST, late)]
    for name, values, upper in moved_features(subject, sample, columns)[:MOVED]:
        mean = of_change_sets(values)[change_sets]
        known = np.isfinite(mean)
        if not known.any():
            continue
        quantile = float(np.quantile(mean[known], 1 - QUARTER if upper else QUARTER))
        where = known & ((mean >= quantile) if upper else (mean <= quantile))
        side = "at least" if upper else "at most"
        slices.append(Slice(f"{name} {side} {quantile:.3g}", where))
    return slices


def moved_features(
    subject: "EvaluationContext", sample: Sample, columns: tuple[Column, ...]
) -> list[tuple[str, Array, bool]]:
    """Return features by their difference between training and test part, the largest first.

    Each comes with what a slice is cut by (the number; the training part's share of the row's category, of which
    the rare ones are the lower side), and whether the test part has moved up. The difference is the
    Kolmogorov-Smirnov statistic of numbers and of those shares. Calendar features, which only whole weeks can
    compare, are left out.
    """
    from scipy.stats import ks_2samp

    declared = {feature.name: feature.compare for feature in subject.spec.table.features}
    train = _spaced(subject.training_set.train)
    test = _spaced(sample.rows)
    differences = []
    for column in columns:
        if declared.get(column.name) is Comparison.SAME_SLOTS or column.kind is Kind.TOKENS:
            continue
        if column.kind is Kind.NUMBER:
            old, new = numbers_of(train, column.name), numbers_of(test, column.name)
            name, values = column.name, numbers_of(sample.rows, column.name)
        else:
            old = _frequency(train, train, column.name)
            new = _frequency(train, test, column.name)
            name = f"training share of {column.name}"
            values = _frequency(train, sample.rows, column.name)
        old, new = old[np.isfinite(old)], new[np.isfinite(new)]
        if not len(old) or not len(new) or np.ptp(values[np.isfinite(values)]) == 0:
            continue
        difference = float(ks_2samp(old, new, method="asymp").statistic)
        differences.append((difference, name, values, bool(new.mean() > old.mean())))
    differences.sort(key=lambda difference: (-difference[0], difference[1]))
    return [(name, values, upper) for _, name, values, upper in differences]


def _spaced(rows: "pd.DataFrame") -> "pd.DataFrame":
    return rows.iloc[np.linspace(0, len(rows) - 1, min(len(rows), COMPARED)).astype(np.int64)]


def _frequency(train: "pd.DataFrame", rows: "pd.DataFrame", name: str) -> Array:
    """The share of the training part that has the category of each row; a missing one is one of them."""
    tokens, row_tokens = (
        token_column(train[name], lists=False),
        token_column(rows[name], lists=False),
    )
    counts = np.bincount(tokens.codes, minlength=len(tokens.words)) / max(len(train), 1)
    share = dict(zip(tokens.words, counts.tolist(), strict=True))
    of_word = np.array([share.get(word, 0.0) for word in (*row_tokens.words, MISSING)])
    return np.asarray(of_word[row_tokens.codes], dtype=np.float64)
