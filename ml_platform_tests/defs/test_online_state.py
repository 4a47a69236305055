"""The asset `online_state` and its check, which is seen to fail; both run by jobs that are off until turned on."""

from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.adapters.online_snapshots import OnlineSnapshots
from ml_platform.application.connections import Connections
from ml_platform.defs.build import build_definitions
from ml_platform.defs.online_state import (
    equal_to_training,
    online_state,
    online_state_schedule,
    skew_schedule,
)
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform_tests.application.test_online_state import events_of, known, stored
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.lakes import AS_OF


@pytest.fixture
def platform(tmp_path: Path) -> Connections:
    settings = stored(tmp_path, events=events_of(known(3)))
    write_home(settings, HomeState(SourceChoice("files:x"), AS_OF, AS_OF, settled=True))
    return Connections(settings)


def materialized(platform: Connections) -> dict[str, object]:
    result = dg.materialize(
        [online_state],
        resources={"platform": platform},
        selection=dg.AssetSelection.assets(online_state).without_checks(),
    )
    (event,) = result.asset_materializations_for_node("online_state")
    return {name: value.value for name, value in event.metadata.items()}


def test_it_keeps_a_snapshot_and_goes_on_from_it(platform: Connections) -> None:
    first = materialized(platform)
    assert (first["began"], first["told"]) == ("anew: no snapshot was kept", len(known(3)))
    assert OnlineSnapshots(platform.settings).path.exists()
    second = materialized(platform)
    assert (second["began"], second["told"], second["files told"]) == ("from the snapshot", 0, 0)
    assert second["newest event"] == max(event.occurred_at for event in known(3)).isoformat()


def checked(platform: Connections) -> dg.AssetCheckEvaluation:
    definitions = dg.Definitions(
        assets=[online_state],
        asset_checks=[equal_to_training],
        jobs=[dg.define_asset_job("check", dg.AssetSelection.checks(equal_to_training))],
        resources={"platform": platform},
    )
    (found,) = (
        definitions.resolve_job_def("check").execute_in_process().get_asset_check_evaluations()
    )
    return found


def test_its_check_fails_where_a_feature_is_not_that_of_training(
    platform: Connections, compiled: CompiledFeatures
) -> None:
    settings = platform.settings
    compiled.publish(settings, AS_OF)
    assert checked(platform).passed
    path = max(
        parquet_files(settings.features / "pattern_features"), key=lambda each: each.stat().st_size
    )
    rows = pq.read_table(path)
    place = rows.column_names.index("events_24h")
    path.chmod(0o644)
    more = pc.add(rows.column(place), pa.scalar(1.0))
    pq.write_table(rows.set_column(place, rows.schema.field(place), more), path)
    found = checked(platform)
    assert not found.passed
    assert "| events\\_24h | " in str(found.metadata["different"].value)


def test_the_schedules_ask_for_jobs_that_exist_and_are_off() -> None:
    definitions = build_definitions()
    for schedule in (online_state_schedule, skew_schedule):
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        definitions.resolve_job_def(schedule.job_name)
