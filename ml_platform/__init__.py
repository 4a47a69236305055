"""A machine-learning platform for workflow-automation telemetry, on Dagster and MLflow."""

from ml_platform.settings import disable_telemetry

disable_telemetry()
