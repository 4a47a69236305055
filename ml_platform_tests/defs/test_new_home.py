"""`up` before the first `run`: whatever runs by itself says that there is nothing yet, and is not red."""

from pathlib import Path

import dagster as dg
import pytest

from ml_platform.application.connections import Connections
from ml_platform.defs.build import build_definitions
from ml_platform.settings import Settings

NOTHING = "nothing has been run in this home yet: `ml-platform run`, or materialise the lake"


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions()


@pytest.mark.parametrize("name", ["hourly_ingestion", "six_hourly_monitoring"])
def test_a_schedule_of_a_new_home_skips(
    definitions: dg.Definitions, tmp_path: Path, name: str
) -> None:
    platform = Connections(Settings(tmp_path, None, None, None))
    context = dg.build_schedule_context(resources={"platform": platform})
    skipped = definitions.resolve_schedule_def(name)(context)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == NOTHING


@pytest.mark.parametrize("name", ["pattern_classifier_retraining", "missed_windows"])
def test_a_sensor_of_a_new_home_skips(
    definitions: dg.Definitions, tmp_path: Path, name: str
) -> None:
    platform = Connections(Settings(tmp_path, None, None, None))
    context = dg.build_sensor_context(resources={"platform": platform})
    skipped = definitions.resolve_sensor_def(name)(context)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == NOTHING
    assert list(tmp_path.iterdir()) == [], "no server was started for it"
