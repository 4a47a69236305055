"""Trainings that monitoring or age asks for: at most one a cause, recorded before it is started."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections

if TYPE_CHECKING:
    from ml_platform.retraining.trigger import RetrainingRequest


def due_trainings(
    platform: Connections, model: str, now: datetime
) -> "tuple[RetrainingRequest, ...]":
    """Trainings to start at ``now``, by the newest monitoring reports and what was trained before."""
    from ml_platform.retraining.trigger import Training, retraining_requests

    ledger = platform.ledger
    registered = [
        Training(model, str(record.version), record.registered_at)
        for record in ledger.versions(model)
    ]
    requested = [
        Training(model, request.version, request.requested_at)
        for request in ledger.retraining_requests(model)
    ]
    reports = ledger.monitoring_reports(model, limit=40)
    return retraining_requests(reports, [*registered, *requested], now=now)


def request_trainings(platform: Connections, model: str) -> "tuple[RetrainingRequest, ...]":
    """Record every training that is due now in the ledger, and return them to be started."""
    due = due_trainings(platform, model, platform.now())
    record_trainings(platform, due)
    return due


def record_trainings(platform: Connections, requests: "Iterable[RetrainingRequest]") -> None:
    """Record trainings that were due and are started, or made, by now."""
    from ml_platform.registry.records import RetrainingRequest as RecordedRequest

    now = platform.now()
    for request in requests:
        platform.ledger.request_retraining(
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
