"""Dagster's own commands work with the platform as with any Dagster project, without `ml-platform`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ml_platform.adapters.feature_parts import part_list
from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.processes import read_record
from ml_platform.features.step_features import TABLE
from ml_platform.resources import DAGSTER_SETTINGS
from ml_platform.settings import Settings

pytestmark = pytest.mark.timeout(600)

SMALL = {"ops": {"lake": {"config": {"days": 8, "users": 5}}}}
"""Run configuration of the asset `lake`: the source of a new home."""
NEIGHBOUR = """
import dagster as dg

@dg.asset
def theirs() -> None: ...

defs = dg.Definitions([theirs])
"""


def dagster(*words: str, folder: Path, **environment: str) -> str:
    """What a command of Dagster prints, with no variable of ours but those given."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ML_PLATFORM")}
    own.pop("DAGSTER_HOME", None)
    command = [Path(sys.executable).with_name("dagster"), *words]
    ended = subprocess.run(
        command, cwd=folder, env=own | environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def events_of(home: Path) -> int:
    settings = Settings(home, None, None, None)
    return ParquetLake(settings.lake, settings.quarantine).counts()["events"]


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return str(path)


def test_the_instance_of_a_home_is_opened_by_its_folder_alone(
    tmp_path: Path, configuration: str
) -> None:
    instance = tmp_path / "home" / "dagster"
    instance.mkdir(parents=True)
    (instance / "dagster.yaml").write_bytes(DAGSTER_SETTINGS.read_bytes())
    words = ("job", "execute", "-m", "ml_platform.definitions", "-j", "ingestion")
    output = dagster(*words, "-c", configuration, folder=tmp_path, DAGSTER_HOME=str(instance))
    assert "RUN_SUCCESS" in output
    assert events_of(tmp_path / "home") > 0
    assert read_record(tmp_path / "home", "postgres") is None, "its database ended with it"


def test_it_is_one_location_beside_others_in_the_instance_of_somebody_else(
    tmp_path: Path, configuration: str
) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (tmp_path / "neighbour.py").write_text(NEIGHBOUR)
    locations = [{"python_module": "ml_platform.definitions"}, {"python_file": "neighbour.py"}]
    (tmp_path / "workspace.yaml").write_text(yaml.safe_dump({"load_from": locations}))
    theirs = {"DAGSTER_HOME": str(instance), "ML_PLATFORM_HOME": str(tmp_path / "ours")}
    validated = dagster(
        "definitions", "validate", "-w", "workspace.yaml", folder=tmp_path, **theirs
    )
    assert "All code locations passed validation" in validated
    # One table of features alone: all that it stands on is built with it, and all tables are published.
    lake_and_one_table = f"key:lake/* or key:features/{TABLE.name}"
    select = ("--select", lake_and_one_table, "-m", "ml_platform.definitions")
    output = dagster(
        "asset", "materialize", *select, "-c", configuration, folder=tmp_path, **theirs
    )
    assert "RUN_SUCCESS" in output
    published = part_list(tmp_path / "ours" / "features" / TABLE.name).parts
    assert 0 < sum(part.rows for part in published) == events_of(tmp_path / "ours")
    assert list(instance.rglob("*.db")), "the run is in their storage"
