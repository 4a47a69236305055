"""The evaluation page: one view for somebody who decides, then for those who check."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ml_platform.evaluation.report import EvaluationReport
from ml_platform.gates.outcome import Decision
from ml_platform.reporting.components import Chip, events_chip
from ml_platform.reporting.evaluation.checklist import Checklist, checklist, watch_lines
from ml_platform.reporting.evaluation.dimensions import DimensionView, Tile, dimension_views, tiles
from ml_platform.reporting.evaluation.gates import GateGroup, gate_groups
from ml_platform.reporting.evaluation.headline import Headline, headline
from ml_platform.reporting.evaluation.metrics import Metrics, metrics
from ml_platform.reporting.evaluation.narrative import narrative
from ml_platform.reporting.evaluation.reproduction import Reproduction, reproduction
from ml_platform.reporting.evaluation.results import Results, results
from ml_platform.reporting.evaluation.verdict_card import VerdictCard, verdict_card
from ml_platform.reporting.page import render
from ml_platform.reporting.words import heading, moment

NO_VERSIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class EvaluationPage:
    """Everything that ``evaluation.html.j2`` lays out."""

    title: str
    model: str
    events: Chip
    source: str
    as_of: str
    artifact: str
    card: VerdictCard
    headline: Headline | None
    narrative: tuple[str, ...]
    tiles: tuple[Tile, ...]
    gate_groups: tuple[GateGroup, ...]
    checklist: Checklist
    metrics: Metrics
    results: Results
    dimensions: tuple[DimensionView, ...]
    watch: tuple[str, ...]
    reproduction: Reproduction


def report_html(
    report: EvaluationReport, decision: Decision, versions: Mapping[str, str] = NO_VERSIONS
) -> str:
    """The page of a report and its decision: the same values give the same text.

    ``versions`` of code and libraries, by name, are shown beside what identifies the report.
    """
    return render("evaluation.html.j2", evaluation_page(report, decision, versions))


def evaluation_page(
    report: EvaluationReport, decision: Decision, versions: Mapping[str, str]
) -> EvaluationPage:
    """The view of the page, with every figure written as a reader sees it."""
    card = verdict_card(decision)
    return EvaluationPage(
        title=f"{heading(report.model)}: {card.word}",
        model=heading(report.model),
        events=events_chip(report.simulated),
        source=report.source,
        as_of=moment(report.as_of),
        artifact=report.artifact_sha256[:12],
        card=card,
        headline=headline(report, decision),
        narrative=narrative(report, decision),
        tiles=tiles(report, decision),
        gate_groups=gate_groups(decision),
        checklist=checklist(report, decision),
        metrics=metrics(report),
        results=results(report),
        dimensions=dimension_views(report, decision),
        watch=watch_lines(report, decision),
        reproduction=reproduction(report, decision, versions),
    )
