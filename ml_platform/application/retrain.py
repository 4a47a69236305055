"""Trainings that monitoring, feedback or age asks for: at most one a cause, recorded before it is started."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.monitoring.incidents.actions import hand_over
from ml_platform.monitoring.incidents.events import IncidentEvent
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.monitoring.incidents.state import replay

if TYPE_CHECKING:
    from ml_platform.retraining.trigger import HandOver, RetrainingDue, RetrainingRequest

_REPORTS = 40
"""Reports that are looked at: ten days."""


def due_trainings(
    platform: Connections, model: str, now: datetime
) -> "tuple[RetrainingRequest, ...]":
    """Trainings to start at ``now``, by the newest monitoring reports and what was trained before."""
    return _due(platform, model, now).requests


def request_trainings(platform: Connections, model: str) -> "tuple[RetrainingRequest, ...]":
    """Record every training that is due now in the ledger, and return those to be started.

    One that somebody else has recorded at the same moment, such as a second daemon, is theirs to start.
    """
    return record_trainings(platform, due_trainings(platform, model, platform.now()))


def hand_over_incidents(platform: Connections, model: str) -> tuple[IncidentEvent, ...]:
    """Hand over the incidents of a model whose cause goes on although it was trained for; once each."""
    now = platform.now()
    events: tuple[IncidentEvent, ...] = ()
    for each in _due(platform, model, now).hand_overs:
        events += platform.ledger.change_incidents(partial(_handed_over, each, now))
    return events


def _handed_over(
    each: "HandOver", now: datetime, known: tuple[IncidentEvent, ...]
) -> tuple[IncidentEvent, ...]:
    state = replay(known)
    incident = state.incident(each.incident_id)
    return () if incident is None else hand_over(state, incident, reason=each.reason, at=now)


def _due(platform: Connections, model: str, now: datetime) -> "RetrainingDue":
    from ml_platform.retraining.trigger import Training, retraining_due

    ledger = platform.ledger
    registered = [
        Training(model, str(record.version), record.registered_at, registered=True)
        for record in ledger.versions(model)
    ]
    requested = [
        Training(model, request.version, request.requested_at)
        for request in ledger.retraining_requests(model)
    ]
    state = replay(event for _, event in ledger.incident_events())
    last = max((training.at for training in registered), default=None)
    return retraining_due(
        ledger.monitoring_reports(model, limit=_REPORTS),
        [*registered, *requested],
        now=now,
        incidents=[each for each in state.of(model, IncidentKind.PERFORMANCE) if each.is_open],
        feedback={model: ledger.feedback_count(model, last) if last else 0},
    )


def record_trainings(
    platform: Connections, requests: "Iterable[RetrainingRequest]"
) -> "tuple[RetrainingRequest, ...]":
    """Record trainings that were due and are started, or made, by now; those that nobody had recorded."""
    from ml_platform.registry.records import RetrainingRequest as RecordedRequest

    now = platform.now()
    return tuple(
        request
        for request in requests
        if platform.ledger.request_retraining(
            RecordedRequest(
                key=request.run_key,
                model=request.model,
                version=request.version,
                action="retrain",
                cause=request.cause,
                window_end=request.window,
                requested_at=now,
            )
        )
    )
