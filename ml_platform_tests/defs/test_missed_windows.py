"""The sensor of missed windows: what it asks for, once, and what a second daemon's run finds done."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from ml_platform.application.asked_features import BuiltFrom, remember_build
from ml_platform.application.incidents import list_incidents
from ml_platform.application.retrain import record_trainings
from ml_platform.clock import CRON, WINDOW
from ml_platform.defs.build import build_definitions
from ml_platform.defs.missed_windows import CATCH_UP, REFRESH
from ml_platform.defs.partitions import window_key
from ml_platform.defs.prediction_log import predictions_asset
from ml_platform.errors import UsageError
from ml_platform.models.sequence_ngram import SPEC
from ml_platform.retraining.trigger import RetrainingRequest
from ml_platform.settings import read_settings
from ml_platform_tests.application.homes import AS_OF, home
from ml_platform_tests.application.kept_homes import set_clock
from ml_platform_tests.retraining.reports import report

MODEL = "sequence_ngram"


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_definitions().get_repository_def()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def look(repository, instance, platform) -> tuple[dg.RunRequest, ...] | str:
    """What the sensor asks for in one look, kept as runs that were launched; or why it asks for nothing."""
    context = dg.build_sensor_context(
        instance, repository_def=repository, resources={"platform": platform}
    )
    found = repository.get_sensor_def("missed_windows").evaluate_tick(context)
    for request in found.run_requests:
        tags = {**request.tags, "dagster/run_key": request.run_key}
        instance.add_run(
            dg.DagsterRun(request.job_name, tags=tags, status=dg.DagsterRunStatus.STARTED)
        )
    return tuple(found.run_requests) or found.skip_message


def end_runs(instance, status=dg.DagsterRunStatus.SUCCESS) -> None:
    for run in instance.get_runs():
        instance.delete_run(run.run_id)
        instance.add_run(
            dg.DagsterRun(run.job_name, run_id=run.run_id, tags=run.tags, status=status)
        )


@pytest.fixture
def platform(tmp_path: Path):
    """A home whose daemon was off for the last two days."""
    opened = home(tmp_path)
    first = report(model=MODEL)
    hours = (AS_OF - timedelta(days=2) - first.window_end) / timedelta(hours=1)
    opened.ledger.save_monitoring_report(report(model=MODEL, hours=hours))
    return opened


def test_eight_windows_are_one_run_and_an_incident(repository, instance, platform) -> None:
    (request,) = look(repository, instance, platform)
    assert request.job_name == CATCH_UP
    (ends,) = (op["config"]["ends"] for op in request.run_config["ops"].values())
    assert [len(ends), ends[0], ends[-1]] == [8, "2026-04-30T06:00Z", "2026-05-02T00:00Z"]
    (incident,) = list_incidents(platform).incidents
    assert (incident.kind, incident.worst) == ("missed_run", 8.0)
    assert look(repository, instance, platform) == "8 windows lack a report, and a run is at work"
    end_runs(instance, dg.DagsterRunStatus.FAILURE)
    assert "was asked for today" in str(look(repository, instance, platform))
    set_clock(platform, AS_OF + WINDOW)
    (again,) = look(repository, instance, platform)
    assert again.run_key != request.run_key


def test_features_come_first_where_they_end_before_the_windows(
    repository, instance, platform
) -> None:
    built = BuiltFrom(
        "code", AS_OF - timedelta(days=2), cases=False, runs=False, days={}, published={}
    )
    remember_build(platform, built, {})
    (request,) = look(repository, instance, platform)
    assert request.job_name == REFRESH
    end_runs(instance)
    remember_build(platform, replace(built, as_of=AS_OF), {})
    (request,) = look(repository, instance, platform)
    assert request.job_name == CATCH_UP


def test_of_two_daemons_one_starts_the_training(tmp_path: Path) -> None:
    platform = home(tmp_path)
    request = RetrainingRequest(MODEL, "1", AS_OF, "performance alert")
    assert record_trainings(platform, [request]) == (request,)
    assert record_trainings(platform, [request]) == ()


def test_how_often_the_daemon_looks_is_a_whole_number_of_seconds():
    assert read_settings({}).look_every == 60
    assert read_settings({"ML_PLATFORM_LOOK_EVERY": "5"}).look_every == 5
    for wrong in ("0", "-1", "1.5", "often", "86401", "²"):
        with pytest.raises(UsageError, match="not a whole number of seconds from 1"):
            read_settings({"ML_PLATFORM_LOOK_EVERY": wrong})


@pytest.mark.parametrize(
    ("tags", "looks"), [({"dagster/sensor_name": "missed_windows"}, 0), ({}, 1)]
)
def test_a_second_run_for_a_window_leaves_it_unless_a_person_has_asked(
    tmp_path: Path, tags: dict[str, str], looks: int
) -> None:
    """The look says that nothing can answer in this home: it was not left."""
    platform = home(tmp_path)
    hours = (AS_OF - report().window_end) / timedelta(hours=1)
    platform.ledger.save_monitoring_report(report(model=MODEL, hours=hours))
    windows = dg.TimeWindowPartitionsDefinition(
        cron_schedule=CRON, start=AS_OF - timedelta(days=1), fmt="%Y-%m-%d-%H:%M", timezone="UTC"
    )
    result = dg.materialize(
        [predictions_asset(SPEC, windows)],
        partition_key=window_key(AS_OF),
        resources={"platform": dg.ResourceDefinition.hardcoded_resource(platform)},
        tags=tags,
    )
    assert len(result.get_asset_observation_events()) == looks
    assert result.get_asset_materialization_events() == []
