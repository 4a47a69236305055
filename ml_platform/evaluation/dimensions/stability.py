"""The stability of the headline metric over the folds of the fit and over blocks of the test period.

Folds say how much the model depends on which months it saw; blocks of the test part, how much the candidate's
figure changes from week to week beyond what the noise of its clusters explains
(`ml_platform.evaluation.intervals.heterogeneity`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.dimension import (
    Chart,
    ChartKind,
    Dimension,
    ScorePart,
    Series,
)
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.intervals.heterogeneity import excess_deviation, fold_spread
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.evaluation.tasks.row_clusters import row_clusters
from ml_platform.spec.metric import Direction
from ml_platform.spec.metrics import metric_named
from ml_platform.spec.scale import score_of_badness
from ml_platform.spec.training_set import TIME
from ml_platform.training_sets.time_split import equal_edges, microseconds, unit_bounds

NAME = "stability"
FOLD_SPREAD, TIME_SPREAD, SHOWN, SCORE = "fold_spread", "time_spread", "shown_spread", "score"
BLOCKS = 5
"""The number of blocks of the test part: about a fortnight is cut into blocks of three days."""
FEWEST_FOLDS = FEWEST_BLOCKS = 3
FEWEST_UNITS = 20
"""The least number of clusters in a block; with fewer its standard error is a guess."""
_EPOCH = "epoch"
_WORST_SPREAD = 0.25
"""The relative spread that scores 1 of 10; no spread scores 10."""


@dataclass(frozen=True)
class Block:
    """The headline metric on one block of time of the test part."""

    first_day: str
    rows: int
    units: int
    value: float
    error: float
    """The standard error by the jackknife, which leaves out one cluster after the other."""


@dataclass
class _Evidence:
    """The figures that the examination has gathered so far."""

    measures: dict[str, Estimate] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    not_applicable: dict[str, str] = field(default_factory=dict)
    tables: list[ReportTable] = field(default_factory=list)


def examine_stability(subject: EvaluationContext) -> Dimension:
    """Report the spread over folds and over time, as standard deviations divided by the mean.

    ``fold_spread`` is exact, of the folds there are. ``time_spread`` is that of the blocks of the test part beyond
    noise, with its interval, and ``shown_spread`` the lower end of it: what a gate can hold against a model without
    failing each small test set.
    """
    headline = subject.spec.task.headline
    evidence = _Evidence()
    _look_at_folds(subject.folds, headline, evidence)
    metric, blocks = _blocks(subject, headline)
    _look_at_blocks(subject, metric or headline[0], blocks, evidence)
    measures = evidence.measures
    parts = tuple(
        _part(name, measures[name]) for name in (FOLD_SPREAD, TIME_SPREAD) if name in measures
    )
    if parts:
        measures[SCORE] = _exact(float(np.mean([part.score for part in parts])))
    else:
        evidence.undefined[SCORE] = "neither folds nor blocks of the test part tell a spread"
    findings = _findings(metric, blocks, measures)
    return Dimension(
        name=NAME,
        title="Stability over folds and time",
        question="Is it as good at all times?",
        summary=_summary(metric, measures, blocks),
        measures=measures,
        undefined=evidence.undefined,
        not_applicable=evidence.not_applicable,
        parts=parts,
        findings=findings,
        watch=(f"{metric} by block of time, against its spread here",) if findings else (),
        tables=tuple(evidence.tables),
        charts=(_chart(metric, blocks),) if TIME_SPREAD in measures else (),
    )


def _look_at_folds(
    folds: Sequence[Mapping[str, float]], headline: Sequence[str], evidence: _Evidence
) -> None:
    if folds and _EPOCH in folds[0]:
        why = "the fit reports its epochs, on one held-out block, not folds"
        evidence.not_applicable[FOLD_SPREAD] = why
        return
    if folds:
        evidence.tables.append(fold_table(folds, headline))
    why = _no_folds(folds, headline)
    if why:
        evidence.undefined[FOLD_SPREAD] = why
    else:
        evidence.measures[FOLD_SPREAD] = _relative_spread(folds, headline)


def _look_at_blocks(
    subject: EvaluationContext, metric: str, blocks: Sequence[Block], evidence: _Evidence
) -> None:
    moments = subject.training_set.test[TIME].nunique()
    overall = _overall(subject, metric)
    if moments < BLOCKS:
        why = f"the test rows lie at {moments} moments: there is no course of time to follow"
        evidence.not_applicable |= {TIME_SPREAD: why, SHOWN: why}
    elif len(blocks) < FEWEST_BLOCKS or not overall > 0:
        why = (
            f"{len(blocks)} of {BLOCKS} blocks of the test part have {FEWEST_UNITS} clusters, needed are "
            f"{FEWEST_BLOCKS}; {metric} is {overall:.3g} on all of it, needed is more than 0"
        )
        evidence.undefined |= {TIME_SPREAD: why, SHOWN: why}
    else:
        excess = excess_deviation(
            np.array([b.value for b in blocks]), np.array([b.error**2 for b in blocks])
        )
        low, high = excess.low / overall, excess.high / overall
        evidence.measures[TIME_SPREAD] = Estimate(excess.value / overall, low, high)
        evidence.measures[SHOWN] = _exact(low)
        evidence.tables.append(_block_table(metric, blocks))


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)


def _no_folds(folds: Sequence[Mapping[str, float]], headline: Sequence[str]) -> str:
    """Return why the folds define no spread; empty if they do."""
    if len(folds) < FEWEST_FOLDS:
        return f"{len(folds)} folds, needed are {FEWEST_FOLDS}"
    name = _common(folds, headline)
    if not name:
        return f"none of {', '.join(headline)} is reported by every fold"
    if np.mean([fold[name] for fold in folds]) <= 0:
        return f"{name} is 0 or less over the folds: there is nothing to hold a spread against"
    return ""


def _common(folds: Sequence[Mapping[str, float]], headline: Sequence[str]) -> str:
    return next((name for name in headline if all(name in fold for fold in folds)), "")


def _relative_spread(folds: Sequence[Mapping[str, float]], headline: Sequence[str]) -> Estimate:
    """Return the exact spread of these folds; its interval over other folds is in the table."""
    name = _common(folds, headline)
    spread = fold_spread(np.array([fold[name] for fold in folds]))
    return _exact(spread.deviation / spread.mean)


def fold_table(folds: Sequence[Mapping[str, float]], headline: Sequence[str]) -> ReportTable:
    """Tabulate mean, standard deviation with its interval, and worst fold of each headline metric of all folds."""
    rows: list[tuple[str | float | int | None, ...]] = []
    for name in headline:
        values = [fold[name] for fold in folds if name in fold]
        if len(values) != len(folds):
            continue
        lower_is_better = metric_named(name).direction is Direction.LOWER
        worst = max(values) if lower_is_better else min(values)
        place = values.index(worst) + 1
        if len(values) < 2:
            rows.append((name, len(values), values[0], None, None, None, worst, place))
            continue
        spread = fold_spread(np.array(values))
        rows.append(
            (
                name,
                len(values),
                spread.mean,
                spread.deviation,
                spread.low,
                spread.high,
                worst,
                place,
            )
        )
    columns = ("metric", "folds", "mean", "deviation", "low", "high", "worst", "worst fold")
    return ReportTable("Spread over folds of the training part", columns, tuple(rows))


def _blocks(subject: EvaluationContext, headline: Sequence[str]) -> tuple[str, tuple[Block, ...]]:
    """The first headline metric that the test rows tell, and its value on each block with enough clusters."""
    rows = row_clusters(subject.training_set)
    times = subject.training_set.test[TIME]
    block = _block_of_change_set(microseconds(subject.training_set.test), rows.change_sets)
    pairs, units = np.unique(
        block[rows.change_sets] * rows.cluster_count + rows.clusters, return_inverse=True
    )
    of_unit = pairs // rows.cluster_count
    by_block = replace(rows, clusters=units.astype(np.int64), cluster_count=len(pairs))
    task = subject.spec.task
    sums = evaluator_of(task, subject.training_set, by_block).sufficient_statistics(
        subject.predictions
    )
    metrics = sums.metrics(sums.sums.sum(axis=0)[None, :])
    metric = next((name for name in headline if name in metrics), "")
    blocks = []
    for number in range(BLOCKS):
        block_sums = sums.sums[of_unit == number]
        if not metric or len(block_sums) < FEWEST_UNITS:
            continue
        inside = (of_unit == number)[units]
        total = block_sums.sum(axis=0)
        value = float(sums.metrics(total[None, :])[metric][0])
        left_out = sums.metrics(total - block_sums)[metric]
        first = times[inside].min()
        blocks.append(
            Block(
                f"{first:%Y-%m-%d}",
                int(inside.sum()),
                len(block_sums),
                value,
                _jackknife_error(left_out),
            )
        )
    return metric, tuple(blocks)


def _jackknife_error(left_out: Array) -> float:
    count = len(left_out)
    return float(np.sqrt((count - 1) / count * ((left_out - left_out.mean()) ** 2).sum()))


def _block_of_change_set(times: Codes, change_sets: Codes) -> Codes:
    """Return each change set's block, by its first row; blocks hold about equally many change sets."""
    first, _ = unit_bounds(change_sets, times)
    edges = equal_edges(first, BLOCKS, 1)[:-1]
    return np.searchsorted(edges, first, side="right").astype(np.int64)


def _overall(subject: EvaluationContext, metric: str) -> float:
    """Return the metric on the whole test part; 0 where it is not defined."""
    sums = subject.evaluator.sufficient_statistics(subject.predictions)
    values = sums.metrics(sums.sums.sum(axis=0)[None, :]).get(metric)
    return 0.0 if values is None else float(values[0])


def _block_table(metric: str, blocks: Sequence[Block]) -> ReportTable:
    return ReportTable(
        f"{metric} by block of time of the test part",
        ("from", "rows", "clusters", metric, "standard error"),
        tuple((b.first_day, b.rows, b.units, b.value, b.error) for b in blocks),
    )


def _chart(metric: str, blocks: Sequence[Block]) -> Chart:
    values = tuple(b.value for b in blocks)
    return Chart(
        title=f"{metric} over the test part",
        kind=ChartKind.POINTS,
        x_label="block from",
        y_label=metric,
        series=(
            Series(
                metric,
                tuple(b.first_day for b in blocks),
                values,
                tuple(b.value - 1.96 * b.error for b in blocks),
                tuple(b.value + 1.96 * b.error for b in blocks),
            ),
        ),
    )


def _part(name: str, spread: Estimate) -> ScorePart:
    score = score_of_badness(spread.value / _WORST_SPREAD)
    over = "folds" if name == FOLD_SPREAD else "blocks of time, beyond noise,"
    return ScorePart(name, score, f"relative spread over {over} is {spread.value:.1%}")


def _findings(
    metric: str, blocks: Sequence[Block], measures: Mapping[str, Estimate]
) -> tuple[str, ...]:
    """Write a finding where the interval of the spread over time leaves out 0."""
    if TIME_SPREAD not in measures or measures[TIME_SPREAD].low <= 0:
        return ()
    worst, best = min(blocks, key=lambda b: b.value), max(blocks, key=lambda b: b.value)
    return (
        f"{metric} changes over the test part by more than noise: {worst.value:.3f} from {worst.first_day}, "
        f"{best.value:.3f} from {best.first_day}",
    )


def _summary(metric: str, measures: Mapping[str, Estimate], blocks: Sequence[Block]) -> str:
    sentences = []
    if FOLD_SPREAD in measures:
        sentences.append(f"folds spread by {measures[FOLD_SPREAD].value:.1%} of their mean")
    if TIME_SPREAD in measures:
        spread = measures[TIME_SPREAD]
        sentences.append(
            f"{metric} over {len(blocks)} blocks of the test part by {spread.value:.1%} "
            f"[{spread.low:.1%}, {spread.high:.1%}] beyond noise"
        )
    return "; ".join(sentences) if sentences else "too little to tell a spread"
