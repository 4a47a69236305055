"""The page of a model's trend: weeks of windows in one drawing, and every figure of it in tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_platform.monitoring.findings import ChangedWindow
from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.performance.parts import Trust
from ml_platform.monitoring.report import MonitoringReport, Performance
from ml_platform.registry.records import PromotionEvent
from ml_platform.reporting.components import (
    Cell,
    Chip,
    Column,
    Table,
    Tone,
    events_chip,
    light_chip,
)
from ml_platform.reporting.event_words import event_chip
from ml_platform.reporting.incident_messages import KIND_WORDS
from ml_platform.reporting.incident_panel import incident_history_table
from ml_platform.reporting.level_tones import DRIFT_TONES, LEVEL_TONES
from ml_platform.reporting.overview import Addresses, Link, decisions_table, other_pages
from ml_platform.reporting.page import render
from ml_platform.reporting.sketch import Sketch
from ml_platform.reporting.trend_drawing import drift_size, marked, trend_sketch
from ml_platform.reporting.words import (
    capitals,
    heading,
    interval_words,
    moment,
    number,
    sentence,
    shortened,
)

_MOST_REASON = 70


@dataclass(frozen=True)
class ModelTrend:
    """Windows, incidents and changes of production of one model."""

    source: str
    simulated: bool
    at: datetime
    """The clock on the wall."""
    now: datetime
    """The clock of the home."""
    model: str
    reports: tuple[MonitoringReport, ...]
    """One a window, in order of time."""
    incidents: tuple[Incident, ...]
    """All of the model, in the order in which they opened."""
    events: tuple[PromotionEvent, ...]
    """Everything that has happened to its versions."""
    addresses: Addresses


@dataclass(frozen=True)
class TrendPage:
    """Everything that ``trend.html.j2`` lays out."""

    title: str
    name: str
    events: Chip
    source: str
    at: str
    light: Chip
    others: tuple[Link, ...]
    links: tuple[Link, ...]
    summary: str
    sketch: Sketch | None
    incidents: Table
    changes: Table
    windows: Table


def trend_html(trend: ModelTrend) -> str:
    """The page of a trend: the same values give the same text."""
    return render("trend.html.j2", trend_page(trend))


def trend_page(trend: ModelTrend) -> TrendPage:
    """The view of the page, with every figure written as a reader sees it."""
    changes = marked(trend.events)
    newest = trend.reports[-1] if trend.reports else None
    return TrendPage(
        title=f"Trend of {heading(trend.model)}",
        name=trend.model,
        events=events_chip(trend.simulated),
        source=trend.source,
        at=moment(trend.at),
        light=light_chip(newest.light) if newest else Chip("NOT WATCHED", Tone.NEUTRAL),
        others=other_pages(trend.addresses),
        links=(
            Link("The model", f"/models/{trend.model}"),
            *((Link("Newest window", f"/models/{trend.model}/monitoring"),) if newest else ()),
            Link("All models", "/models"),
        ),
        summary=_summary(trend),
        sketch=trend_sketch(trend.reports, trend.incidents, changes, trend.now),
        incidents=incident_history_table(trend.incidents),
        changes=decisions_table(tuple(reversed(changes)), whole=True),
        windows=_windows(trend, changes),
    )


def _summary(trend: ModelTrend) -> str:
    if not trend.reports:
        return "No window has been watched yet."
    lights = [report.light.value for report in trend.reports]
    counts = ", ".join(
        f"{lights.count(name)} {name.upper()}"
        for name in ("green", "yellow", "red", "insufficient")
        if name in lights
    )
    running = sum(each.is_open for each in trend.incidents)
    windows = "One window" if len(lights) == 1 else f"{len(lights)} windows"
    return (
        f"{windows} to {moment(trend.reports[-1].window_end)}: {counts}. "
        f"Open incidents: {running}, closed ones: {len(trend.incidents) - running}."
    )


def _windows(trend: ModelTrend, changes: Sequence[PromotionEvent]) -> Table:
    columns = (
        Column("Window to", numeric=False),
        Column("Version"),
        Column("Light", numeric=False),
        Column("Drift", numeric=False),
        Column("Realised", numeric=False),
        Column("Estimated", numeric=False),
        Column("Decision", numeric=False),
        Column("What happened", numeric=False),
    )
    changed = {each.window_end: each for report in trend.reports for each in report.changed_windows}
    rows = []
    for place, report in enumerate(trend.reports):
        since = trend.reports[place - 1].window_end if place else None
        until = report.window_end if place < len(trend.reports) - 1 else None
        happened = _happened(trend, changes, since, until)
        rows.append(_window(trend.model, report, happened, changed.get(report.window_end)))
    return Table(columns, tuple(reversed(rows)))


def _window(
    model: str,
    report: MonitoringReport,
    happened: tuple[str, Tone | None],
    changed: ChangedWindow | None,
) -> tuple[Cell, ...]:
    light = light_chip(report.light)
    address = f"/models/{model}/monitoring/{report.window_end:%Y-%m-%dT%H%M}"
    largest = max((*report.features, *report.predictions), key=lambda e: e.size, default=None)
    drift = f"{number(drift_size(report))} {shortened(largest.name, 28)}" if largest else ""
    text, tone = happened
    since = f"{changed.rows_now:,} rows now, {changed.rows:,} when reported" if changed else ""
    return (
        Cell(moment(report.window_end), since, address=address),
        Cell(shortened(report.version, 20)),
        Cell(light.text, tone=light.tone),
        Cell(capitals(report.drift), drift, DRIFT_TONES[report.drift]),
        realised_cell(report),
        estimated_cell(report),
        Cell(heading(report.action), report.decision_row),
        Cell(text, tone=tone),
    )


def realised_cell(report: MonitoringReport) -> Cell:
    """The realised figure with its level, or why it is UNKNOWN."""
    check, tone = report.performance, LEVEL_TONES[report.performance.level]
    if check.current is None or check.low is None or check.high is None:
        why = check.reason or "no outcomes are known yet"
        return Cell(capitals(check.level), shortened(why, _MOST_REASON), tone)
    figure = interval_words(check.current, check.low, check.high)
    if check.level is Performance.UNKNOWN:
        return Cell(
            capitals(check.level), shortened(f"{figure}: {check.reason}", _MOST_REASON), tone
        )
    return Cell(
        f"{capitals(check.level)} {figure}", f"{number(check.baseline)} at the evaluation", tone
    )


def estimated_cell(report: MonitoringReport) -> Cell:
    """The estimate while labels mature, and whether estimates of the version are to be trusted."""
    estimate = report.estimate
    if estimate is None:
        return Cell("")
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Cell("not estimated", shortened(estimate.reason, _MOST_REASON), Tone.NEUTRAL)
    figure = interval_words(estimate.value, estimate.low, estimate.high)
    if report.reconciliation is not None and report.reconciliation.trust is Trust.UNTRUSTED:
        return Cell(figure, "not to be trusted", Tone.BAD)
    if estimate.suspected:
        return Cell(figure, "a loss is suspected", Tone.UNSURE)
    return Cell(figure)


def _happened(
    trend: ModelTrend,
    changes: Sequence[PromotionEvent],
    since: datetime | None,
    until: datetime | None,
) -> tuple[str, Tone | None]:
    """Promotions, rollbacks and incidents after ``since`` and up to ``until``, where these are known."""

    def is_in(at: datetime | None) -> bool:
        return at is not None and (since is None or since < at) and (until is None or at <= until)

    told: list[tuple[str, Tone]] = [
        (f"version {change.version} {event_chip(change).text}", event_chip(change).tone)
        for change in changes
        if is_in(change.at) and since is not None
    ]
    for incident in trend.incidents:
        what = KIND_WORDS[incident.kind]
        if is_in(incident.first_seen):
            told.append((f"{what} opened", Tone.UNSURE))
        if is_in(incident.acknowledged_at):
            told.append((f"{what} acknowledged", Tone.ACCENT))
        if is_in(incident.resolved_at):
            told.append((f"{what} closed", Tone.GOOD))
    tone = told[0][1] if told else None
    return sentence("; ".join(text for text, _ in told)), tone
