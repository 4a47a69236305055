"""The first page of the service: what answers for each model, how it fares, and what was decided last."""

from dataclasses import dataclass
from datetime import datetime

from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.registry.answering import Answering
from ml_platform.registry.records import PromotionEvent
from ml_platform.registry.rollout.last_look import LastLook
from ml_platform.registry.rollout.progress import Rollout
from ml_platform.reporting.answering import answerer, since_words, why_words
from ml_platform.reporting.components import (
    Cell,
    Chip,
    Column,
    Table,
    Tone,
    events_chip,
    light_chip,
)
from ml_platform.reporting.event_words import event_chip, event_told
from ml_platform.reporting.hour_bars import HourBars, Stack, hour_bars
from ml_platform.reporting.incident_panel import incidents_table
from ml_platform.reporting.page import render
from ml_platform.reporting.rollout import RolloutView, rollout_view
from ml_platform.reporting.words import heading, moment, number, sentence, shortened
from ml_platform.serving.traffic import Tally, Traffic

_MOST_REASON = 160
"""Characters of a reason on the first page; the page of the model has all of it."""


@dataclass(frozen=True)
class ModelNow:
    """One model as the ledger tells it at a moment."""

    name: str
    answering: Answering
    rules_answer: bool
    """Whether there are rules, which answer where no version does."""
    untrained: str
    """Why it could not be trained; empty if it could."""
    rollout: Rollout | None
    share: float
    """Share of the users that get the version that is being rolled out, at this moment."""
    health: MonitoringReport | None
    """The newest monitoring report."""
    missed: int = 0
    """Windows of the last seven days that have ended without a report."""
    look: LastLook | None = None
    """The guard's last one at the rollout; ``None`` before the first."""


@dataclass(frozen=True)
class Addresses:
    """Where the other pages are; empty where that is not known."""

    dagster: str = ""
    mlflow: str = ""


@dataclass(frozen=True)
class Overview:
    """A home at a moment."""

    source: str
    simulated: bool
    at: datetime
    """The clock on the wall."""
    models: tuple[ModelNow, ...]
    decisions: tuple[PromotionEvent, ...]
    """The newest first."""
    traffic: Traffic | None
    """The last 24 hours; ``None`` where counting them took too long."""
    addresses: Addresses = Addresses()
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True)
class Link:
    """An address with its words."""

    text: str
    address: str


@dataclass(frozen=True)
class Figure:
    """One figure with its name and a smaller line below it."""

    name: str
    text: str
    note: str = ""
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True)
class ModelCard:
    """One model on the page."""

    name: str
    title: str
    address: str
    chip: Chip
    tone: Tone
    answers: str
    since: str
    why: str
    health: str
    rollout: RolloutView | None
    bars: HourBars | None
    figures: tuple[Figure, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class OverviewPage:
    """Everything that ``overview.html.j2`` lays out."""

    title: str
    events: Chip
    source: str
    at: str
    links: tuple[Link, ...]
    figures: tuple[Figure, ...]
    charts: tuple[HourBars, ...]
    traffic_note: str
    models: tuple[ModelCard, ...]
    decisions: Table
    incidents: Table


def overview_html(overview: Overview) -> str:
    """The page of an overview: the same overview gives the same text."""
    return render("overview.html.j2", overview_page(overview))


def overview_page(overview: Overview) -> OverviewPage:
    """The view of the page, with every figure written as a reader sees it."""
    traffic = overview.traffic
    return OverviewPage(
        title="ML platform",
        events=events_chip(overview.simulated),
        source=overview.source,
        at=moment(overview.at),
        links=other_pages(overview.addresses),
        figures=(*_standing(overview.models), *(traffic_figures(traffic.total) if traffic else ())),
        charts=traffic_charts(traffic) if traffic else (),
        traffic_note="" if traffic else "The log of answers could not be counted in time.",
        models=tuple(_card(model, overview) for model in overview.models),
        decisions=decisions_table(overview.decisions),
        incidents=incidents_table(overview.incidents),
    )


def other_pages(addresses: Addresses) -> tuple[Link, ...]:
    """Links to the first pages of Dagster and MLflow, as far as their addresses are known."""
    links = (Link("Dagster", addresses.dagster), Link("MLflow", addresses.mlflow))
    return tuple(link for link in links if link.address)


def _standing(models: tuple[ModelNow, ...]) -> tuple[Figure, ...]:
    versions = sum(model.answering.version is not None for model in models)
    rollouts = sum(model.rollout is not None for model in models)
    lights = [model.health.light.value for model in models if model.health]
    red, yellow = lights.count("red"), lights.count("yellow")
    worst = Tone.BAD if red else Tone.UNSURE if yellow else Tone.GOOD if lights else Tone.NEUTRAL
    health = (
        f"{red} red, {yellow} yellow" if red or yellow else "all quiet" if lights else "unknown"
    )
    return (
        Figure(
            "In production",
            f"{versions} of {len(models)}",
            f"{rollouts} being rolled out" if rollouts else "models have a version",
            Tone.ACCENT,
        ),
        Figure("Monitoring", health, f"{len(lights)} models watched", worst),
    )


def traffic_figures(total: Tally) -> tuple[Figure, ...]:
    """Answers, latency, fallbacks and errors of one day."""
    return (
        Figure("Answers, 24 h", number(total.answers)),
        Figure("p50", milliseconds(total.quantile(0.5)), "half are faster"),
        Figure("p99", milliseconds(total.quantile(0.99)), "1 of 100 is slower"),
        Figure("By the rules", number(total.by_rules), "no version is there"),
        Figure(
            "Fallbacks",
            number(total.fallbacks),
            "another one answered",
            Tone.UNSURE if total.fallbacks else Tone.NEUTRAL,
        ),
        Figure(
            "Errors",
            number(total.errors),
            "a version failed",
            Tone.BAD if total.errors else Tone.NEUTRAL,
        ),
    )


def traffic_charts(traffic: Traffic, period: str = "24 hours") -> tuple[HourBars, ...]:
    """Answers and latencies by hour, ``period`` of them."""
    hours = traffic.hours
    ends = {"first": f"{traffic.since:%a %H:%M}", "last": "now"}
    most = max((tally.answers for _, tally in hours), default=0)
    slowest = max((tally.quantile(0.99) or 0.0 for _, tally in hours), default=0.0)
    return (
        hour_bars(
            f"Answers by hour, {period}",
            [Stack(_answers(tally), _hour_words(hour, tally)) for hour, tally in hours],
            most=number(most),
            **ends,
        ),
        hour_bars(
            f"p50 and p99 by hour, {period}",
            [Stack(_latencies(tally), _hour_words(hour, tally)) for hour, tally in hours],
            most=milliseconds(slowest),
            **ends,
        ),
    )


def answers_bars(traffic: Traffic) -> HourBars:
    """Answers by hour alone."""
    return traffic_charts(traffic)[0]


def milliseconds(value: float | None) -> str:
    """A latency as people read it: '0.84 ms', '12 ms', '1.2 s'; 'none' without one."""
    if not value:
        return "none"
    if value >= 1_000:
        return f"{value / 1_000:.1f} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def _answers(tally: Tally) -> tuple[tuple[float, Tone], ...]:
    fallbacks = max(0, tally.fallbacks - tally.errors)
    plain = max(0, tally.answers - tally.by_rules - fallbacks - tally.errors)
    return (
        (plain, Tone.ACCENT),
        (tally.by_rules, Tone.NEUTRAL),
        (fallbacks, Tone.UNSURE),
        (tally.errors, Tone.BAD),
    )


def _latencies(tally: Tally) -> tuple[tuple[float, Tone], ...]:
    half, most = tally.quantile(0.5) or 0.0, tally.quantile(0.99) or 0.0
    return ((half, Tone.ACCENT), (most - half, Tone.NEUTRAL))


def _hour_words(hour: datetime, tally: Tally) -> str:
    if not tally.answers:
        return f"{hour:%a %H:%M} UTC: no answers"
    return (
        f"{hour:%a %H:%M} UTC: {tally.answers:,} answers, {tally.by_rules:,} by the rules, "
        f"{tally.fallbacks:,} fallbacks, {tally.errors:,} errors, p50 {milliseconds(tally.quantile(0.5))}, "
        f"p99 {milliseconds(tally.quantile(0.99))}"
    )


def _card(model: ModelNow, overview: Overview) -> ModelCard:
    mine = overview.traffic.of(model.name) if overview.traffic else None
    chip = light_chip(model.health.light) if model.health else Chip("NOT WATCHED", Tone.NEUTRAL)
    return ModelCard(
        name=model.name,
        title=heading(model.name),
        address=f"/models/{model.name}",
        chip=chip,
        tone=Tone.GOOD if model.answering.version else Tone.NEUTRAL,
        answers=answers_words(model),
        since=since_words(model.answering).strip(),
        why=shortened(why_here(model), _MOST_REASON),
        health=health_words(model.health, model.missed),
        rollout=rollout_view(model.rollout, model.share, model.look, overview.at),
        bars=answers_bars(mine) if mine and mine.total.answers else None,
        figures=_card_figures(mine.total) if mine and mine.total.answers else (),
        links=model_links(model, overview.addresses),
    )


def answers_words(model: ModelNow) -> str:
    """'Version 3', 'The rules', or that nothing answers."""
    if model.answering.version is None and not model.rules_answer:
        return "Nothing answers"
    words = answerer(model.answering)
    return words[0].upper() + words[1:]


def why_here(model: ModelNow) -> str:
    """Why it is so, in a sentence."""
    if model.answering.version is None and model.untrained:
        return sentence(f"INSUFFICIENT: {model.untrained}")
    return sentence(why_words(model.answering))


def health_words(report: MonitoringReport | None, missed: int = 0) -> str:
    """Drift, performance, the last retraining decision, and how many windows were missed, in sentences."""
    if report is None:
        return "No window has been watched yet."
    decided = f"{heading(report.action)}: {report.decision_row}" if report.action else "undecided"
    return (
        f"Drift {report.drift.value}, performance {report.performance.level.value} "
        f"to {moment(report.window_end)}. {sentence(decided)}{_missed_words(missed)}"
    )


def _missed_words(missed: int) -> str:
    if not missed:
        return ""
    windows = "One window has" if missed == 1 else f"{missed} windows have"
    return f" {windows} ended without a report: does ml-platform up run?"


def _card_figures(total: Tally) -> tuple[Figure, ...]:
    figures = [
        Figure("answers", number(total.answers)),
        Figure("p50", milliseconds(total.quantile(0.5))),
        Figure("p99", milliseconds(total.quantile(0.99))),
    ]
    if total.errors:
        figures.append(Figure("errors", number(total.errors), tone=Tone.BAD))
    elif total.fallbacks:
        figures.append(Figure("fallbacks", number(total.fallbacks), tone=Tone.UNSURE))
    return tuple(figures)


def model_links(model: ModelNow, addresses: Addresses) -> tuple[Link, ...]:
    """The reports of a model, and its pages in Dagster and MLflow."""
    links = []
    if model.health:
        links.append(Link("Monitoring", f"/models/{model.name}/monitoring"))
        links.append(Link("Trend", f"/models/{model.name}/trend"))
    if model.answering.version:
        links.insert(0, Link("Evaluation", f"/models/{model.name}/report"))
    if addresses.dagster:
        links.append(Link("Dagster", f"{addresses.dagster}/assets/{model.name}/champion"))
    if addresses.mlflow:
        links.append(Link("MLflow", f"{addresses.mlflow}/#/models/{model.name}"))
    return tuple(links)


def decisions_table(events: tuple[PromotionEvent, ...], *, whole: bool = False) -> Table:
    """What was decided, the newest first; ``whole``: of one model, with reasons as long as they are."""
    columns = (
        Column("When", numeric=False),
        *(() if whole else (Column("Model", numeric=False),)),
        Column("Version"),
        Column("What", numeric=False),
        Column("Why", numeric=False),
        Column("Who", numeric=False),
    )
    return Table(columns, tuple(_decision(event, whole=whole) for event in events))


def _decision(event: PromotionEvent, *, whole: bool) -> tuple[Cell, ...]:
    chip, told = event_chip(event), event_told(event)
    return (
        Cell(moment(event.wall)),
        *(() if whole else (Cell(heading(event.model)),)),
        Cell(str(event.version)),
        Cell(chip.text, tone=chip.tone),
        Cell(told if whole else shortened(told, _MOST_REASON)),
        Cell(shortened(event.actor, 60)),
    )
