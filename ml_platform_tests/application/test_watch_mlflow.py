"""The sensor that watches MLflow starts nothing, waits for nothing, and says what it has seen."""

import time
from dataclasses import replace

import dagster as dg
import pytest

from ml_platform.adapters.mlflow_tracking import MlflowTracking
from ml_platform.adapters.tracking import CHAMPION
from ml_platform.application.watch_mlflow import watch_mlflow
from ml_platform.defs.automation import THOROUGH_EVERY, mlflow_sensor
from ml_platform_tests.application.homes import ask, home, promotable
from ml_platform_tests.application.test_promote import shown_in_mlflow


@pytest.fixture
def watched(tmp_path, mlflow_server):
    """A home with a champion that MLflow shows."""
    platform = home(tmp_path)
    platform.settings = replace(platform.settings, tracking_url=mlflow_server)
    platform.tracking = MlflowTracking(mlflow_server)
    record = shown_in_mlflow(platform, promotable(platform, b"1"))
    ask(platform, record)
    watch_mlflow(platform, thorough=True)
    return platform


def test_a_look_puts_right_what_was_changed(watched):
    number = watched.tracking.alias("example", CHAMPION)
    watched.tracking.remove_alias("example", CHAMPION)
    watch = watch_mlflow(watched, thorough=False)
    assert str(watch) == f"example: alias champion on MLflow's version {number}"
    assert watch.repairs[0].by_hand
    assert str(watch_mlflow(watched, thorough=False)) == "MLflow shows what the ledger says"


def test_a_server_that_is_down_is_told_at_once(tmp_path):
    platform = home(tmp_path)
    began = time.monotonic()
    for tracking_url in (None, "http://127.0.0.1:9"):
        platform.settings = replace(platform.settings, tracking_url=tracking_url)
        watch = watch_mlflow(platform, thorough=False)
        assert watch.fault == "MLflow does not answer; it is looked at again when it does"
    assert time.monotonic() - began < 5
    assert not (platform.settings.home / "mlflow").exists(), "nothing was started"


def test_the_sensor_looks_at_every_file_now_and_then(tmp_path):
    sensor = mlflow_sensor(())
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, cursor=str(THOROUGH_EVERY - 1)) as context,
    ):
        result = sensor(context, platform=home(tmp_path))
    assert isinstance(result, dg.SensorResult)
    assert "MLflow does not answer" in str(result.skip_reason)
    assert result.cursor == str(THOROUGH_EVERY)
    assert sensor.minimum_interval_seconds == 30
