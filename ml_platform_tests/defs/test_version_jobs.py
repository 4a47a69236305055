"""What a person does with a version, from Dagster: the same use cases, typed config, no lock of the home."""

from typing import Any

import dagster as dg
import pytest

from ml_platform.adapters.home_files import at_work
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.defs.build import build_definitions
from ml_platform.defs.versions import VERSION_JOBS, version_jobs
from ml_platform.registry.records import Status
from ml_platform.registry.rollout.policy import Newer
from ml_platform_tests.application.homes import ask, home, promotable
from ml_platform_tests.application.test_compare_versions import platform as compared_platform
from ml_platform_tests.application.test_roll_back import UsersAlone, champions

JOBS = {job.name: job for job in version_jobs()}
ASKED = {"model": "example", "actor": "ada", "reason": "a reason"}


def execute(platform: Any, name: str, **config: Any) -> dict[str, Any]:
    """Metadata of the op that the job consists of."""
    result = JOBS[name].execute_in_process(
        run_config={"ops": {f"{name}_op": {"config": config}}}, resources={"unlocked": platform}
    )
    metadata = result.get_step_success_events()[0]
    assert metadata.is_step_success
    (output,) = [event for event in result.all_events if event.is_successful_output]
    return {key: value.value for key, value in output.step_output_data.metadata.items()}


def test_the_jobs_are_among_the_definitions() -> None:
    names = {job.name for job in build_definitions().resolve_all_job_defs()}
    assert set(JOBS) == set(VERSION_JOBS) <= names


def test_a_rollback_takes_no_lock_of_the_home(tmp_path) -> None:
    platform = home(tmp_path)
    champions(platform, 2)
    with at_work(tmp_path):
        told = execute(platform, "roll_back", **ASKED)
    assert told == {"answered before": "version 2", "answers": "version 1", "revision": 3}
    assert platform.ledger.events()[-1].actor == "ada"
    assert execute(platform, "roll_back", **ASKED, to="rules")["answers"] == "nothing"


def test_a_version_is_held_and_lifted(tmp_path) -> None:
    platform = home(tmp_path)
    promotable(platform, b"1")
    for change, status in (
        ("approve", Status.STAGED),
        ("hold", Status.HELD),
        ("resume", Status.STAGED),
    ):
        execute(platform, "change_version", **ASKED, version=1, change=change)
        assert platform.ledger.history("example").life(1).status is status
    with pytest.raises(dg.DagsterInvalidConfigError):
        execute(platform, "change_version", **ASKED, version=1, change="delete")


def test_a_rollout_is_led_on_by_a_person(tmp_path) -> None:
    platform = home(tmp_path)
    platform.lake = UsersAlone(10_000)
    set_rollout_policy(platform, "ramp", needs_approval=False, newer=Newer.WAITS)
    ask(platform, promotable(platform, b"1"))
    assert execute(platform, "skip_rollout_step", **ASKED) == {"rollout": "1% of the users"}


platform = compared_platform


def test_two_versions_are_compared(platform) -> None:
    told = execute(platform, "compare_versions", model="pattern_classifier", first=1, second=2)
    assert told["advice"] == "PROMOTE: shown better, and nothing breaks"
    assert {"metrics", "rows", "schema", "way back"} <= told.keys()
