"""Stage retraining: a training that monitoring, feedback or age asks for becomes at most one run a cause."""

import dagster as dg

from ml_platform.application.connections import NOTHING_YET, Connections
from ml_platform.application.retrain import request_trainings
from ml_platform.spec.model import ModelSpec


def retraining_sensor(spec: ModelSpec, job_name: str, every: int) -> dg.SensorDefinition:
    """Asks for a training run when a report says so, feedback has come, or the last one has aged.

    Args:
        spec: The model.
        job_name: The job that trains it.
        every: Seconds between two looks.
    """

    @dg.sensor(
        name=f"{spec.name}_retraining",
        job_name=job_name,
        minimum_interval_seconds=every,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Monitoring decisions, feedback and the age of the last training to runs: one a cause.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Connections]
    ) -> dg.SensorResult | dg.SkipReason:
        if platform.is_new:
            return dg.SkipReason(NOTHING_YET)
        due = request_trainings(platform, spec.name)
        if not due:
            return dg.SkipReason("no report asks for training, and the last one is young enough")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=request.run_key,
                    tags={"ml_platform/model": request.model, "ml_platform/cause": request.cause},
                )
                for request in due
            ]
        )

    return sensor
