"""The asset `retention`: a dry run unless it is told to apply; and the runs of Dagster that go and stay."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ml_platform.application.retention import retain
from ml_platform.defs.build import build_definitions
from ml_platform.defs.retention import KeptDagsterRuns, retention, retention_schedule
from ml_platform_tests.application.kept_homes import AS_OF, DAY, kept_home, live_through, set_clock

LATER = datetime.now(UTC) + timedelta(days=91)


@pytest.fixture
def platform(tmp_path, database_url):
    """A home in which a version and its rows are past all days, and a newer version is not."""
    platform = kept_home(tmp_path, database_url)
    live_through(platform, 2, AS_OF)
    live_through(platform, 3, AS_OF + 200 * DAY)
    set_clock(platform, AS_OF + 200 * DAY)
    yield platform
    platform.ledger.close()


@dg.asset
def made():
    return 1


def test_it_removes_only_where_its_configuration_says_so(platform):
    shown = {}
    for apply in (None, True, False):
        config = {} if apply is None else {"ops": {"retention": {"config": {"apply": apply}}}}
        result = dg.materialize([retention], resources={"platform": platform}, run_config=config)
        (event,) = result.asset_materializations_for_node("retention")
        shown[apply] = {name: value.value for name, value in event.metadata.items()}
        kept = len(list(platform.settings.artifacts.iterdir()))
        assert kept == (2 if apply is None else 1)
    assert shown[None]["applied"] == "False"
    assert "| artifact | 1 |" in shown[None]["by kind"]
    assert shown[True]["by kind"] == shown[None]["by kind"]
    assert shown[False]["by kind"] == "(none)"


def test_its_schedule_applies_it_and_is_off():
    assert retention_schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    with dg.instance_for_test() as instance:
        request = retention_schedule(dg.build_schedule_context(instance))
    job = build_definitions().resolve_job_def("remove_expired")
    assert dg.validate_run_config(job, request.run_config)


def test_old_runs_go_but_for_the_newest_of_each_asset(platform):
    with dg.instance_for_test() as instance:
        runs = [dg.materialize([made], instance=instance).run_id for _ in range(3)]
        store = KeptDagsterRuns(instance)
        assert {item.key for item in store.items()} == set(runs[:2])
        retain(platform, [store], apply=True, wall=LATER - timedelta(days=2))
        assert all(instance.has_run(run) for run in runs)
        retain(platform, [store], apply=True, wall=LATER)
        assert [run for run in runs if instance.has_run(run)] == runs[2:]
        assert instance.get_latest_materialization_event(made.key) is not None
