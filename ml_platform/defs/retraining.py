"""Stage retraining: what monitoring decided becomes at most one run a cause."""

from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as AssetJob,
)

from ml_platform.application.connections import NOTHING_YET, Connections
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.retraining.trigger import RetrainingRequest


def retraining_sensor(spec: ModelSpec, job: AssetJob) -> dg.SensorDefinition:
    """Asks for a training run when a report says so, or the last training has aged; with a cooldown."""

    @dg.sensor(
        name=f"{spec.name}_retraining",
        job=job,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Monitoring decisions and the age of the last training to runs: one a cause.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Connections]
    ) -> dg.SensorResult | dg.SkipReason:
        if platform.is_new:
            return dg.SkipReason(NOTHING_YET)
        due = due_requests(platform, spec.name, platform.now())
        if not due:
            return dg.SkipReason("no report asks for training, and the last one is young enough")
        return dg.SensorResult(run_requests=[_request(platform, request) for request in due])

    return sensor


def due_requests(
    platform: Connections, model: str, now: datetime
) -> "tuple[RetrainingRequest, ...]":
    """Trainings to start now, by the newest reports and what was trained before."""
    from ml_platform.retraining.trigger import Training, retraining_requests

    ledger = platform.ledger
    trainings = [
        Training(model, str(record.version), record.registered_at)
        for record in ledger.versions(model)
    ] + [
        Training(model, request.version, request.requested_at)
        for request in ledger.retraining_requests(model)
    ]
    return retraining_requests(ledger.monitoring_reports(model, limit=40), trainings, now=now)


def _request(platform: Connections, due: "RetrainingRequest") -> dg.RunRequest:
    from ml_platform.registry.records import RetrainingRequest as Recorded

    platform.ledger.request_retraining(
        Recorded(
            key=due.run_key,
            model=due.model,
            version=due.version,
            action="retrain",
            cause=due.cause,
            window_end=due.window,
            requested_at=platform.now(),
        )
    )
    tags = {"ml_platform/model": due.model, "ml_platform/cause": due.cause}
    return dg.RunRequest(run_key=due.run_key, tags=tags)
