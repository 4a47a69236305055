"""A machine-learning platform for workflow-automation telemetry, on Dagster and MLflow."""

from ml_platform.settings import compute_in_one_thread, disable_telemetry

disable_telemetry()
compute_in_one_thread()
