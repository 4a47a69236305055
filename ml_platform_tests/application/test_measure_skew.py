"""`ml-platform skew` on a lake that dbt has built: nothing differs, and what differs is named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.cli.skew import skew
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.settings import Settings
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.growing_lakes import process_log
from ml_platform_tests.features.lakes import AS_OF, write_lake
from ml_platform_tests.features.start_time_lakes import execution
from ml_platform_tests.features.start_time_lakes import random_history as random_runs
from ml_platform_tests.features.suggestion_lakes import lake_tables, random_history


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, compiled: CompiledFeatures) -> Path:
    """A home with events of users and cases, suggestions, and executions with logged candidate times."""
    settings = Settings(tmp_path_factory.mktemp("home"), None, None, None)
    write_lake(
        settings.lake,
        [replace(event, utc_offset_minutes=0) for event in process_log(3)],
        suggestions=lake_tables(random_history(3, offers=150))["suggestions"],
        workflow_executions=[execution(run) for run in random_runs(3, size=80)[0]],
    )
    compiled.publish(settings, AS_OF)
    write_home(settings, HomeState(SourceChoice("files:x"), AS_OF, AS_OF, settled=True))
    return settings.home


def called(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(skew, ["--home", str(home), *arguments], standalone_mode=False)


def test_features_of_now_are_those_of_training(home: Path) -> None:
    result = called(home, "--rows", "200")
    assert result.return_value == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert all(line.endswith("all equal to the bit") for line in lines)
    assert lines[0].split()[:3] == ["pattern_features", "200", "rows"]


def test_a_value_that_is_not_trainings_is_named_with_its_row(home: Path, tmp_path: Path) -> None:
    changed = tmp_path / "home"
    shutil.copytree(home, changed)
    (path,) = parquet_files(changed / "features" / "pattern_features")
    rows = pq.read_table(path)
    place = rows.column_names.index("events_24h")
    more: Any = pc.add(rows.column(place), pa.scalar(1.0))
    path.chmod(0o644)
    pq.write_table(rows.set_column(place, rows.schema.field(place), more), path)
    result = called(changed, "--rows", "200", "--json")
    assert result.return_value == 1
    found = {table["table"]: table for table in json.loads(result.stdout)["tables"]}
    (difference,) = found["pattern_features"]["differences"]
    assert (difference["feature"], difference["rows"]) == ("events_24h", 200)
    assert difference["training"] == difference["online"] + 1
    assert difference["row_id"] in rows.column("row_id").to_pylist()
    assert found["step_features"]["differences"] == []
    shown = called(changed, "--rows", "200")
    assert shown.return_value == 1
    assert "events_24h: 200 rows, such as" in shown.stdout


def test_a_home_without_features_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Nothing has been run in the home"):
        CliRunner().invoke(
            skew, ["--home", str(tmp_path)], standalone_mode=False, catch_exceptions=False
        )
