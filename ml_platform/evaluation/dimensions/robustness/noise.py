"""Probes with noise: the skill by the level of noise, and how many decisions the least noise changes."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, series_of
from ml_platform.evaluation.dimensions.robustness.context import Context, Probe
from ml_platform.evaluation.dimensions.robustness.part import Part
from ml_platform.evaluation.dimensions.robustness.perturb import noisy, swap_rate
from ml_platform.evaluation.dimensions.robustness.skill import mean_of, replicated, with_interval
from ml_platform.evaluation.intervals.bootstrap import Replicates
from ml_platform.evaluation.metrics.classification import ratio
from ml_platform.evaluation.metrics.sufficient_statistics import sums_by_cluster
from ml_platform.evaluation.report_parts import Estimate, ReportTable
from ml_platform.evaluation.tasks.decisions import NoDecisions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.feature import Kind

LEVELS = (0.1, 0.25, 0.5, 1.0)
"""The levels of noise, in standard deviations of the training part."""
NEAR = 0.1
"""The share of the rows, those with the smallest margins, that count as near a boundary."""
_MODERATE = 0.5
_STURDY = 0.9


def noise_part(context: Context) -> tuple[Part, tuple[Probe, ...]]:
    """Measure the skill under increasing noise; the part of the score is the mean over `LEVELS`."""
    subject = context.subject
    probes = tuple(
        context.probe(
            f"noise of {level:g} standard deviations",
            noisy(context.sample.rows, context.columns, context.known, level, subject.seed),
        )
        for level in LEVELS
    )
    kept = mean_of([probe.kept for probe in probes])
    moderate = probes[LEVELS.index(_MODERATE)]
    words = any(column.kind is not Kind.NUMBER for column in context.columns)
    swapped = f" ({swap_rate(_MODERATE):.0%} of the words swapped)" if words else ""
    findings = [f"Under noise of half a standard deviation{swapped} {context.falls(moderate)}."]
    return Part(
        name="noise",
        kept=kept,
        why=f"{kept.value:.0%} of the skill is left on average over noise of "
        f"{', '.join(f'{level:g}' for level in LEVELS)} standard deviations",
        measures={
            "noise_retained": with_interval(kept),
            "moderate_noise_retained": with_interval(moderate.kept),
        },
        findings=tuple(findings),
        advice=_advice(context, kept),
        tables=(context.table("Noise", probes),),
        charts=(_curve(context, probes),),
        unanswered=sum(bool(probe.error) for probe in probes),
    ), probes


def _advice(context: Context, kept: Replicates) -> tuple[str, ...]:
    numbers = any(column.kind is Kind.NUMBER for column in context.columns)
    if kept.value >= _STURDY or not numbers:
        return ()
    return ("Coarser numbers (logarithms, bins) and larger leaves make small errors matter less.",)


def _curve(context: Context, probes: tuple[Probe, ...]) -> Chart:
    """Draw every defined headline metric against the level of noise."""
    names = dict.fromkeys((context.metric, *context.subject.spec.task.headline))
    series = []
    for name in names:
        plain = context.unchanged.candidate.get(name)
        replicates_by_level = [
            (level, probe.metrics.get(name)) for level, probe in zip(LEVELS, probes, strict=True)
        ]
        if plain is None:
            continue
        points: list[tuple[float, Estimate]] = [(0.0, with_interval(plain))]
        points += [
            (level, with_interval(replicates))
            for level, replicates in replicates_by_level
            if replicates is not None
        ]
        series.append(
            series_of(
                name.replace("_", " "),
                tuple(level for level, _ in points),
                tuple(estimate for _, estimate in points),
            )
        )
    return Chart(
        "Noise on every feature",
        ChartKind.LINES,
        "noise, standard deviations of the training part",
        "metric",
        tuple(series),
    )


@dataclass(frozen=True)
class ShareStatistics:
    """Sufficient statistics by cluster, shape (clusters, 2 x names): by name what is counted, and among what."""

    sums: Array
    names: tuple[str, ...]

    def metrics(self, totals: Array) -> dict[str, Array]:
        """Compute the share of each name, of shape (r,), from ``totals`` (r, 2 x names)."""
        return {
            name: ratio(totals[:, 2 * i], totals[:, 2 * i + 1]) for i, name in enumerate(self.names)
        }


def shares_by_cluster(counted: dict[str, tuple[Array, Array]], clusters: Codes) -> ShareStatistics:
    """Return the statistics of ``counted``: by name what is counted and among what, each of shape (rows,)."""
    count = int(clusters.max()) + 1
    columns = (values for pair in counted.values() for values in pair)
    return ShareStatistics(sums_by_cluster(columns, clusters, count), tuple(counted))


def boundary_part(context: Context, smallest: Probe) -> Part:
    """Measure how many decisions stay under the least noise, of all rows and of those near a boundary."""
    subject = context.subject
    name, measure, near = "decisions near a boundary", "decisions_kept", "boundary_decisions_kept"
    if smallest.values is None:
        return Part(name, None, "", undefined={measure: smallest.error, near: smallest.error})
    before, after = context.sample.predictions.values, smallest.values
    adapter = adapter_of(subject.spec.task)
    decisions = adapter.decisions(context.sample.training_set, context.sample.predictions.threshold)
    overlap = adapter.predictions_kept(before, after)
    if overlap is not None:
        same, margin = overlap, None
    elif isinstance(decisions, NoDecisions) or decisions.compared:
        why = "no class is decided on row by row"
        return Part(name, None, "", not_applicable={measure: why, near: why})
    else:
        same = (decisions.chosen(before) == decisions.chosen(after)).astype(np.float64)
        margin = decisions.margin(before)
    counted = {measure: (same, np.ones(len(same)))}
    if margin is not None:
        close = margin <= np.quantile(margin, NEAR)
        counted[near] = (same * close, close.astype(np.float64))
    sums = shares_by_cluster(counted, context.sample.clusters)
    replicates = replicated(sums, seed=subject.seed, resamples=subject.resamples)
    kept = replicates[measure]
    estimates = {name: with_interval(shares) for name, shares in replicates.items()}
    what = "of the offered items stay" if margin is None else "of the decisions stay the same"
    sentence = f"Under noise of {LEVELS[0]:g} standard deviations {kept.value:.1%} {what}"
    if margin is not None:
        sentence += (
            f"; of the tenth nearest to a boundary (margin at most {np.quantile(margin, NEAR):.2f}) "
            f"{estimates[near].value:.1%}"
        )
    rows = tuple((key.replace("_", " "), *share.rounded()) for key, share in estimates.items())
    return Part(
        name=name,
        kept=kept,
        why=f"{kept.value:.1%} {what} under noise of {LEVELS[0]:g} standard deviations",
        measures=estimates,
        not_applicable={} if margin is not None else {near: "a list has no boundary"},
        findings=(f"{sentence}.",),
        tables=(
            ReportTable("Decisions kept under little noise", ("of", "share", "low", "high"), rows),
        ),
    )
