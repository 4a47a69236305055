"""The page of one model: what answers, its versions, rollout and traffic, its gates, and a form that asks it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ml_platform.gates.outcome import GateKind, GateResult, Outcome
from ml_platform.registry.records import PromotionEvent, Status, VersionRecord
from ml_platform.reporting.answering import since_words
from ml_platform.reporting.components import (
    Cell,
    Chip,
    Column,
    Table,
    Tone,
    events_chip,
    light_chip,
)
from ml_platform.reporting.hour_bars import HourBars
from ml_platform.reporting.overview import (
    Addresses,
    Figure,
    Link,
    ModelNow,
    answers_words,
    decisions_table,
    health_words,
    milliseconds,
    model_links,
    other_pages,
    traffic_charts,
    traffic_figures,
    why_here,
)
from ml_platform.reporting.page import render
from ml_platform.reporting.rollout import RolloutView, rollout_view
from ml_platform.reporting.shadow import ShadowView, shadow_view
from ml_platform.reporting.words import (
    capitals,
    heading,
    interval_words,
    limit_number,
    moment,
    number,
    percent,
    shortened,
)
from ml_platform.serving.shadow_differences import ShadowDifferences
from ml_platform.serving.traffic import HOUR, Traffic
from ml_platform.spec.feature import Kind

MOST_CLASSES = 8
"""Predicted classes that are listed; the others are summed."""
_STATUS_TONES = {
    Status.PRODUCTION: Tone.GOOD,
    Status.CANARY: Tone.ACCENT,
    Status.SHADOW: Tone.ACCENT,
    Status.HELD: Tone.UNSURE,
    Status.DEPRECATED: Tone.BAD,
}


@dataclass(frozen=True)
class VersionNow:
    """A version, as its newest evaluation found it, and where it stands."""

    record: VersionRecord
    status: Status
    registered: datetime
    """The clock on the wall."""


@dataclass(frozen=True)
class ModelPage:
    """A model at a moment."""

    source: str
    simulated: bool
    at: datetime
    """The clock on the wall."""
    now: ModelNow
    events: tuple[PromotionEvent, ...]
    """Everything that has happened to its versions, the newest first."""
    versions: tuple[VersionNow, ...]
    """The newest first."""
    week: Traffic | None
    """Its answers of the last seven days; ``None`` where counting them took too long."""
    classes: tuple[tuple[str, int], ...]
    """What it has predicted in the last day, the most frequent first."""
    fields: Mapping[str, str]
    """Its features by name with their kinds, as what answers takes them; none where nothing does."""
    example: str
    """The features that it was last asked with, as JSON; empty if it was not."""
    explains: bool
    """Whether what answers gives reasons."""
    addresses: Addresses
    in_shadow: str = ""
    """The version that was the last to answer in shadow in these seven days; empty: none did."""
    shadow: ShadowDifferences | None = None
    """What it would have said; ``None`` where that could not be read in time."""


@dataclass(frozen=True)
class Field:
    """One feature in the form."""

    name: str
    kind: str
    text: str
    """The value that stands there at first: of a list a line a text."""


@dataclass(frozen=True)
class ModelView:
    """Everything that ``model.html.j2`` lays out."""

    title: str
    name: str
    events: Chip
    source: str
    at: str
    others: tuple[Link, ...]
    links: tuple[Link, ...]
    light: Chip
    answers: str
    since: str
    why: str
    health: str
    rollout: RolloutView | None
    figures: tuple[Figure, ...]
    charts: tuple[HourBars, ...]
    arms: Table
    classes: tuple[tuple[str, str, float], ...]
    """Class, count in words, per cent."""
    shadow: ShadowView | None
    versions: Table
    gates: Table
    gates_note: str
    history: Table
    fields: tuple[Field, ...]
    has_example: bool
    explains: bool


def model_html(page: ModelPage) -> str:
    """The page of a model: the same values give the same text."""
    return render("model.html.j2", model_view(page))


def model_view(page: ModelPage) -> ModelView:
    """The view of the page, with every figure written as a reader sees it."""
    now, week = page.now, page.week
    day = week.from_hour(week.until - 24 * HOUR) if week else None
    return ModelView(
        title=heading(now.name),
        name=now.name,
        events=events_chip(page.simulated),
        source=page.source,
        at=moment(page.at),
        others=other_pages(page.addresses),
        links=model_links(now, page.addresses),
        light=light_chip(now.health.light) if now.health else Chip("NOT WATCHED", Tone.NEUTRAL),
        answers=answers_words(now),
        since=since_words(now.answering).strip(),
        why=why_here(now),
        health=health_words(now.health, now.missed),
        rollout=rollout_view(now.rollout, now.share, now.look, page.at),
        figures=traffic_figures(day.total) if day else (),
        charts=(*traffic_charts(day), *traffic_charts(week, "7 days")) if day and week else (),
        arms=_arms(week) if week else Table((), ()),
        classes=_classes(page.classes),
        shadow=shadow_view(page.in_shadow, page.shadow),
        versions=_versions(page.versions),
        gates=_gates(_champion(page)),
        gates_note=_gates_note(_champion(page)),
        history=decisions_table(page.events, whole=True),
        fields=_fields(page.fields, page.example),
        has_example=bool(page.example),
        explains=page.explains,
    )


def _champion(page: ModelPage) -> VersionRecord | None:
    number_now = page.now.answering.version
    records = (version.record for version in page.versions)
    return next((record for record in records if record.version == number_now), None)


def _arms(week: Traffic) -> Table:
    columns = (
        Column("Version", numeric=False),
        Column("As", numeric=False),
        *map(Column, ("Answers", "p50", "p99", "Fallbacks", "Errors")),
    )
    rows = tuple(
        (
            Cell(version),
            Cell(arm),
            Cell(number(tally.answers)),
            Cell(milliseconds(tally.quantile(0.5))),
            Cell(milliseconds(tally.quantile(0.99))),
            Cell(number(tally.fallbacks)),
            Cell(number(tally.errors), tone=Tone.BAD if tally.errors else None),
        )
        for version, arm, tally in week.arms
    )
    return Table(columns, rows, "Who answered, 7 days")


def _classes(classes: tuple[tuple[str, int], ...]) -> tuple[tuple[str, str, float], ...]:
    total = sum(count for _, count in classes)
    shown = list(classes[:MOST_CLASSES])
    left = classes[MOST_CLASSES:]
    if len(left) == 1:
        shown, left = list(classes), ()
    if left:
        shown.append((f"{len(left)} others", sum(count for _, count in left)))
    return tuple(
        (
            shortened(name, 60),
            f"{count:,} ({percent(count / total)})",
            round(100 * count / total, 2),
        )
        for name, count in shown
    )


def _versions(versions: tuple[VersionNow, ...]) -> Table:
    columns = (
        Column("Version"),
        Column("Status", numeric=False),
        Column("Verdict", numeric=False),
        Column("By", numeric=False),
        Column("Registered", numeric=False),
        Column("Size"),
    )
    rows = tuple(
        (
            Cell(str(version.record.version)),
            Cell(version.status.value, tone=_STATUS_TONES.get(version.status, Tone.NEUTRAL)),
            Cell(capitals(version.record.decision.verdict)),
            Cell(version.record.decision.row),
            Cell(moment(version.registered)),
            Cell(f"{number(version.record.size_bytes / 1e3)} kB", version.record.framework),
        )
        for version in versions
    )
    return Table(columns, rows)


def _gates(champion: VersionRecord | None) -> Table:
    columns = (
        Column("Gate", numeric=False),
        Column("Outcome", numeric=False),
        Column("Figure"),
        Column("Limit"),
        Column("Why", numeric=False),
    )
    gates = champion.decision.gates if champion else ()
    shown = (gate for gate in gates if gate.kind is GateKind.QUALITY or gate.stops)
    return Table(columns, tuple(map(_gate, shown)))


def _gate(gate: GateResult) -> tuple[Cell, ...]:
    """A line; where a gate passes, its figure and its limit say why."""
    low, high = gate.low, gate.high
    figure = number(gate.value)
    if gate.value is not None and low is not None and high is not None:
        figure = interval_words(gate.value, low, high)
    return (
        Cell(heading(gate.name)),
        Cell(gate.words, tone=_outcome_tone(gate)),
        Cell(figure),
        Cell(limit_number(gate.limit)),
        Cell(gate.explanation if gate.value is None or gate.outcome is not Outcome.PASS else ""),
    )


def _outcome_tone(gate: GateResult) -> Tone:
    if gate.outcome is Outcome.PASS:
        return Tone.GOOD
    return Tone.BAD if gate.stops else Tone.NEUTRAL


def _gates_note(champion: VersionRecord | None) -> str:
    if champion is None:
        return "No version is in production: there is nothing whose gates could be shown."
    gates = champion.decision.gates
    whole = [gate for gate in gates if gate.kind is GateKind.INTEGRITY and not gate.stops]
    return (
        f"Version {champion.version}, evaluation {champion.evaluation}; "
        f"{len(whole)} gates of integrity (hashes, schema, leakage, parity) hold beside these."
    )


def _fields(kinds: Mapping[str, str], example: str) -> tuple[Field, ...]:
    """The fields of the form, those first that have a value; what the example does not have is empty."""
    values = json.loads(example) if example else {}
    fields = [Field(name, kind, _typed(values.get(name), kind)) for name, kind in kinds.items()]
    return tuple(sorted(fields, key=lambda field: not field.text))


def _typed(value: object, kind: str) -> str:
    if value is None:
        return ""
    if kind == Kind.TOKENS:
        return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
    return str(value)
