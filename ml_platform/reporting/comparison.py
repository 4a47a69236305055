"""The page of two versions of a model side by side."""

from dataclasses import dataclass

from ml_platform.registry.comparison import (
    ComparedMetric,
    ComparedVersion,
    ComparedVersions,
    ComparisonVerdict,
    gain,
)
from ml_platform.reporting.components import Cell, Chip, Column, Table, Tone, events_chip
from ml_platform.reporting.page import render
from ml_platform.reporting.words import (
    direction_arrow,
    heading,
    number,
    sentence,
    signed_interval,
)

_TONES = {
    ComparisonVerdict.PROMOTE: Tone.GOOD,
    ComparisonVerdict.CANARY: Tone.ACCENT,
    ComparisonVerdict.HOLD: Tone.UNSURE,
    ComparisonVerdict.REJECT: Tone.BAD,
}


@dataclass(frozen=True)
class ComparisonView:
    """All texts of the page."""

    title: str
    events: Chip
    verdict: Chip
    decision: str
    rows: str
    way_back: str
    versions: Table
    metrics: Table
    schema: Table
    costs: Table


def comparison_html(compared: ComparedVersions) -> str:
    """The page as one file for a browser."""
    return render("comparison.html.j2", comparison_page(compared))


def comparison_page(compared: ComparedVersions) -> ComparisonView:
    """The view of a comparison."""
    decision = compared.decision
    names = f"Version {compared.first.version}", f"Version {compared.second.version}"
    return ComparisonView(
        title=f"{compared.model}, version {compared.second.version} against {compared.first.version}",
        events=events_chip(compared.simulated),
        verdict=Chip(decision.verdict.value.upper(), _TONES[decision.verdict]),
        decision=sentence(decision.row),
        rows=_rows(compared),
        way_back=sentence(compared.way_back),
        versions=Table(
            (Column("Version"), *(Column(name, numeric=False) for name in ("Gates", "Artifact"))),
            tuple(_version(one) for one in (compared.first, compared.second)),
        ),
        metrics=Table(
            (
                Column("Metric", numeric=False),
                *(Column(name) for name in (*names, "Difference", "p")),
            ),
            tuple(_metric(metric, compared.leading) for metric in compared.metrics),
        ),
        schema=Table(
            (Column("Change", numeric=False), Column("Who uses it", numeric=False)),
            tuple(
                (
                    Cell(sentence(change.text)),
                    Cell("has to change", tone=Tone.BAD)
                    if change.breaking
                    else Cell("need do nothing"),
                )
                for change in compared.schema
            ),
        ),
        costs=Table(
            (Column("Cost", numeric=False), *(Column(name) for name in names)),
            tuple(
                (
                    Cell(heading(cost.name), cost.unit),
                    Cell(number(cost.first)),
                    Cell(number(cost.second), tone=Tone.UNSURE if cost.dearer else None),
                )
                for cost in compared.costs
            ),
        ),
    )


def _rows(compared: ComparedVersions) -> str:
    if not compared.rows:
        return f"They were not evaluated on the same rows, which {compared.rows_of}."
    return f"Both on {compared.rows:,} rows in {compared.clusters:,} clusters, which {compared.rows_of}."


def _version(one: ComparedVersion) -> tuple[Cell, ...]:
    gates = Cell(one.verdict.value.upper(), one.row)
    return Cell(str(one.version)), gates, Cell(one.artifact_sha256[:12])


def _metric(metric: ComparedMetric, leading: str) -> tuple[Cell, ...]:
    low, high = gain(metric)
    tone = Tone.GOOD if low > 0 else Tone.BAD if high < 0 else None
    note = "the metric that decides" if metric.metric == leading else ""
    return (
        Cell(f"{heading(metric.metric)} {direction_arrow(metric.metric)}".strip(), note),
        Cell(number(metric.first.value)),
        Cell(number(metric.second.value)),
        Cell(signed_interval(metric.difference), tone=tone),
        Cell(number(metric.p)),
    )
