"""The table of metrics: the candidate, its paired differences, and everything scored beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.reporting.components import Cell, Column, Table, Tone
from ml_platform.reporting.evaluation.headline import CANDIDATE, scorers
from ml_platform.reporting.words import direction_arrow, heading, number, sentence, signed


@dataclass(frozen=True)
class Metrics:
    """The table, what its figures rest on, and why some metrics have none."""

    lead: str
    table: Table
    without_figure: tuple[str, ...]


def metrics(report: EvaluationReport) -> Metrics:
    """The section on metrics."""
    lead = (
        f"{report.rows:,} rows of {report.change_sets:,} change sets in {report.clusters:,} clusters; "
        f"95 % intervals from {report.resamples:,} resamples of whole clusters; "
        "differences are paired on the same rows, green where the candidate is better and red where it "
        "is worse. ↑: higher is better; ↓: lower is better."
    )
    return Metrics(lead, _table(report), missing_lines(report.undefined, report.not_applicable))


def missing_lines(
    undefined: Mapping[str, str], not_applicable: Mapping[str, str]
) -> tuple[str, ...]:
    """A sentence for each figure that there is not, with the reason."""
    return tuple(
        sentence(line)
        for line in (
            *(f"{heading(name)} cannot be computed: {why}" for name, why in undefined.items()),
            *(f"{heading(name)} does not apply: {why}" for name, why in not_applicable.items()),
        )
    )


def _table(report: EvaluationReport) -> Table:
    others = {
        name: subject.metrics
        for name, subject in reversed(scorers(report).items())
        if name != CANDIDATE
    }
    differences = {
        f"difference to {name}": estimates
        for name, estimates in (
            ("rules", report.difference_to_baseline),
            ("champion", report.difference_to_champion),
            ("challenged", report.difference_to_challenged),
        )
        if estimates
    }
    headline = {name: place for place, name in enumerate(report.headline)}
    names = sorted(
        report.candidate.metrics, key=lambda name: (headline.get(name, len(headline)), name)
    )
    rows = tuple(
        (
            Cell(f"{heading(name)} {direction_arrow(name)}".rstrip(), note=name),
            _estimate(report.candidate.metrics[name]),
            *(_difference(name, estimates.get(name)) for estimates in differences.values()),
            *(_estimate(estimates.get(name)) for estimates in others.values()),
        )
        for name in names
    )
    titles = (CANDIDATE, *differences, *others)
    return Table((Column("metric", numeric=False), *map(Column, titles)), rows)


def _estimate(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell("")
    return Cell(number(estimate.value), f"{number(estimate.low)} to {number(estimate.high)}")


def _difference(metric: str, estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell("")
    note = f"{number(estimate.low)} to {number(estimate.high)}"
    return Cell(signed(estimate.value), note, _difference_tone(metric, estimate))


def _difference_tone(metric: str, estimate: Estimate) -> Tone | None:
    """Good or bad where the whole interval lies on one side of 0 and the metric has a direction."""
    arrow = direction_arrow(metric)
    if not arrow or estimate.low <= 0 <= estimate.high:
        return None
    return Tone.GOOD if (estimate.low > 0) == (arrow == "↑") else Tone.BAD
