"""What the pages of the service show, read from the ledger and the log of answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from ml_platform.adapters.serving.traffic import TrafficLog
from ml_platform.application.connections import Connections
from ml_platform.application.guard_rollout import share_of_rollout
from ml_platform.application.incidents import incident_state
from ml_platform.application.insufficient import reason_not_trained
from ml_platform.application.last_look import last_look
from ml_platform.application.missed_windows import missed_of
from ml_platform.application.rules_in_use import rules_of
from ml_platform.application.shadow_report import differences_of
from ml_platform.errors import ServiceError
from ml_platform.registry.answering import answering
from ml_platform.registry.history import History
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.registry.rollout.progress import current_rollout
from ml_platform.reporting.model_page import ModelPage, VersionNow
from ml_platform.reporting.overview import Addresses, ModelNow, Overview
from ml_platform.serving.traffic import Traffic, last_hours

T = TypeVar("T")
DECISIONS = 12
"""The decisions that the first page lists."""
MOST_EVENTS = 100
"""The events that the page of a model lists."""
DAY_HOURS, WEEK_HOURS = 24, 168
DAY, WEEK = timedelta(days=1), timedelta(days=7)
_CONSEQUENCES = (Action.ARCHIVED,)
"""Events that follow from the one beside them."""


@dataclass(frozen=True)
class AnsweringNow:
    """What a process that answers knows of the version, or the rules, that it has loaded."""

    fields: Mapping[str, str] = field(default_factory=dict)
    """Its features by name with their kinds."""
    explains: bool = False
    """Whether it gives reasons."""


def read_overview(
    platform: Connections, log: TrafficLog, models: Sequence[str], now: datetime
) -> Overview:
    """The state of every model of ``models``, in their order.

    Raises:
        UsageError: the home has no source yet.
        ServiceError: the database does not answer.
    """
    home, events = platform.home, platform.ledger.events()
    decisions = [event for event in reversed(events) if event.action not in _CONSEQUENCES]
    return Overview(
        source=home.source.label,
        simulated=home.source.simulated,
        at=now,
        models=tuple(model_now(platform, history_in(events, name), now) for name in models),
        decisions=tuple(decisions[:DECISIONS]),
        traffic=traffic_in_time(log, now, DAY_HOURS),
        addresses=addresses_of(platform),
        incidents=incident_state(platform).incidents,
    )


def read_model_page(
    platform: Connections,
    log: TrafficLog,
    model: str,
    answering_now: AnsweringNow,
    now: datetime,
) -> ModelPage:
    """The state of one model, with what its form needs.

    Raises:
        UsageError: the home has no source yet.
        ServiceError: the database does not answer.
    """
    home, history = platform.home, platform.ledger.history(model)
    versions = tuple(reversed(platform.ledger.versions(model)))
    champion = next((v for v in versions if v.version == history.state.production), None)
    week = traffic_in_time(log, now, WEEK_HOURS, model)
    in_shadow = week.newest_in_shadow if week else ""
    return ModelPage(
        source=home.source.label,
        simulated=home.source.simulated,
        at=now,
        now=model_now(platform, history, now),
        events=tuple(reversed(history.events))[:MOST_EVENTS],
        versions=tuple(
            VersionNow(
                record,
                history.life(record.version).status,
                history.last(record.version, Action.REGISTERED).wall,
            )
            for record in versions
        ),
        week=week,
        classes=_in_time(lambda: log.classes(model, now - DAY), ()),
        fields=champion.input_schema if champion else answering_now.fields,
        example=_in_time(lambda: log.example(model, now - WEEK), ""),
        explains=answering_now.explains,
        addresses=addresses_of(platform),
        in_shadow=in_shadow,
        shadow=_in_time(lambda: differences_of(platform, model, in_shadow, now - WEEK), None)
        if in_shadow
        else None,
    )


def history_in(events: Sequence[PromotionEvent], model: str) -> History:
    """The events of one model among those of all."""
    return History(model, tuple(event for event in events if event.model == model))


def model_now(platform: Connections, history: History, now: datetime) -> ModelNow:
    """One model at this moment."""
    name, rollout = history.model, current_rollout(history)
    reports = platform.ledger.monitoring_reports(name, limit=1)
    return ModelNow(
        name=name,
        answering=answering(history),
        rules_answer=bool(rules_of(platform, name)),
        untrained=reason_not_trained(platform, name),
        rollout=rollout,
        share=share_of_rollout(platform, name, now) if rollout else 0.0,
        health=reports[0] if reports else None,
        missed=len(missed_of(platform, name)),
        look=last_look(platform, rollout) if rollout else None,
    )


def addresses_of(platform: Connections) -> Addresses:
    """Where Dagster's and MLflow's pages were last opened."""
    return Addresses(platform.dagster_address, platform.mlflow_address)


def traffic_in_time(log: TrafficLog, now: datetime, hours: int, model: str = "") -> Traffic | None:
    """The answers of the last hours; ``None`` where they cannot be counted in the time that a page has."""
    return _in_time(lambda: log.traffic(*last_hours(now, hours), model), None)


def _in_time(read: Callable[[], T], otherwise: T) -> T:
    """What is read from the log of answers, unless that takes longer than a page may."""
    try:
        return read()
    except ServiceError:
        return otherwise
