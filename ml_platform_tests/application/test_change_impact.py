"""Before a version answers anybody: who reads it, what changes for them, and the way back."""

from ml_platform.adapters.plugins import spec_named
from ml_platform.application.change_impact import PAST_CHANGES, change_impact
from ml_platform.application.change_version import asked
from ml_platform.application.roll_back import roll_back
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.defs.consumers import consumers_of
from ml_platform.registry.rollout.policy import Newer
from ml_platform_tests.application.homes import home, promotable
from ml_platform_tests.application.test_roll_back import UsersAlone, champions


def test_a_candidate_is_held_against_what_answers_now(tmp_path):
    platform = home(tmp_path)
    platform.lake = UsersAlone(120)
    champions(platform, 1)
    record = promotable(platform, b"new")
    found = change_impact(platform, "example", None, ("example/predictions",))
    assert (found.version, found.replaces) == (record.version, "version 1")
    assert found.consumers == ("example/predictions", "models:/example@champion in MLflow")
    assert found.schema == ()
    assert found.reaches == "everybody at once (policy direct)"
    assert found.rollback_command == (
        f"ml-platform models rollback example --reason WHY --home {tmp_path}"
    )


def test_it_says_what_became_of_the_last_changes(tmp_path):
    platform = home(tmp_path)
    platform.lake = UsersAlone(120)
    champions(platform, 3)
    assert change_impact(platform, "example", 3, ()).replaces == "nothing, it is in production"
    for _ in range(3):
        roll_back(platform, "example", asked(platform, "ada", "answers are wrong"))
    found = change_impact(platform, "example", 3, ())
    assert found.replaces == "the rules"
    assert len(found.past) == PAST_CHANGES
    assert [event.action for event in found.past[:3]] == ["rolled_back", "restored", "rolled_back"]
    assert found.figures.of_production == 3


def test_a_ramp_names_its_shares_and_who_must_agree(tmp_path):
    platform = home(tmp_path)
    platform.lake = UsersAlone(120)
    champions(platform, 1)
    set_rollout_policy(platform, "ramp", needs_approval=True, newer=Newer.WAITS)
    found = change_impact(platform, "example", 1, ())
    assert found.reaches == (
        "shadow, 10%, 50%, 100% of 120 users (policy ramp), once a person has approved it"
    )


def test_the_readers_of_a_model_are_its_window_and_its_own_assets():
    assert consumers_of(spec_named("workflow_recommender")) == (
        "workflow_recommender/predictions",
        "workflow_recommender/monitoring_report",
        "workflow_recommender/recommendations",
    )
