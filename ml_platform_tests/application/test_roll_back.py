"""A rollback needs a promotion of the past and an artifact that is whole; nothing else is asked."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

import pytest

from ml_platform.application.change_version import asked, change_version
from ml_platform.application.connections import Connections
from ml_platform.application.roll_back import roll_back, sound_champions
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.application.show_model import show_model
from ml_platform.application.state_keys import rules_key
from ml_platform.application.version_history import events_of, production_at, production_diff
from ml_platform.errors import IntegrityError, PermitRefused, UsageError
from ml_platform.registry.lifecycle import Clock
from ml_platform.registry.records import ProductionState, Status, VersionRecord
from ml_platform.registry.rollbacks import rollback_figures
from ml_platform.registry.rollout.policy import Newer
from ml_platform_tests.application.homes import (
    AS_OF,
    ask,
    evaluation_record_of,
    home,
    promotable,
)


def champions(platform: Connections, count: int) -> list[VersionRecord]:
    """Versions that were in production one after the other; the last one is."""
    records = [promotable(platform, str(number).encode()) for number in range(count)]
    for record in records:
        ask(platform, record)
    return records


def folder(platform: Connections, record: VersionRecord) -> Path:
    return platform.settings.artifacts / record.artifact_sha256


def back(platform: Connections, to: str | None = None):
    return roll_back(platform, "example", asked(platform, "ada", "answers are wrong"), to)


def test_production_goes_back_without_training_data_checks_or_mlflow(tmp_path):
    platform = home(tmp_path)
    champions(platform, 3)
    rmtree(platform.settings.training_sets)
    done = back(platform)
    assert (done.left, done.answers, done.was_in_production) == (3, "version 2", True)
    assert platform.ledger.production("example") == ProductionState("example", 2, 4)
    assert back(platform).answers == "version 1"
    platform.ledger.set_state(rules_key("example"), {"sha256": "f" * 64})
    assert back(platform).answers == "the rules"
    why = show_model(platform, "example", None).state.why
    assert why == "version 1 was rolled back (answers are wrong): the rules answer"
    with pytest.raises(UsageError, match="No version of example is in production"):
        back(platform)
    with pytest.raises(UsageError, match="Nothing has happened to 'exmaple'"):
        roll_back(platform, "exmaple", asked(platform, "ada", "a typing error"))
    assert "tracking" not in vars(platform)
    assert "_services" not in vars(platform)


def test_a_damaged_artifact_is_passed_over_and_named(tmp_path):
    platform = home(tmp_path)
    records = champions(platform, 4)
    damaged = folder(platform, records[2]) / "rules.json"
    damaged.write_bytes(damaged.read_bytes() + b" ")
    rmtree(folder(platform, records[1]))
    history = platform.ledger.history("example")
    assert [event.version for event in sound_champions(platform, history)] == [1]
    for number, words in ((3, "has SHA-256"), (2, "is missing")):
        with pytest.raises(IntegrityError, match=f"the artifact of version {number}, .* {words}"):
            back(platform, str(number))
    done = back(platform)
    assert done.answers == "version 1"
    assert len(done.passed_over) == 2
    assert done.passed_over[0].startswith("the artifact of version 3, ")


@pytest.mark.parametrize(("to", "answers"), [("1", "version 1"), ("rules", "nothing")])
def test_a_person_may_name_where_to_go(tmp_path, to, answers):
    platform = home(tmp_path)
    champions(platform, 3)
    assert back(platform, to).answers == answers


def test_from_the_rules_a_champion_that_is_not_held_answers_again(tmp_path):
    platform = home(tmp_path)
    champions(platform, 1)
    back(platform)
    left, option = show_model(platform, "example", None), f" --home {tmp_path}"
    assert left.way_back == "version 1 is held; once that is lifted it can answer again"
    assert left.commands == (
        f"ml-platform models resume example 1 --reason WHY{option}",
        f"ml-platform models rollback example --to 1 --reason WHY{option}",
    )
    with pytest.raises(UsageError, match="its earlier champions that are not held are none"):
        back(platform, "1")
    change_version(platform, "resume", "example", 1, asked(platform, "ada", "it was well"))
    shown = show_model(platform, "example", None)
    assert shown.way_back == "version 1 answers again"
    assert shown.commands == left.commands[1:]
    done = back(platform, "1")
    assert (done.left, done.answers, done.revision) == (None, "version 1", 3)
    assert platform.ledger.production("example") == ProductionState("example", 1, 3)
    assert platform.ledger.events("example")[-1].evidence["replaced"] == "rules"
    assert back(platform, "rules").left == 1


@pytest.mark.parametrize("to", ["3", "9", "none"])
def test_what_is_no_earlier_champion_is_refused(tmp_path, to):
    platform = home(tmp_path)
    champions(platform, 3)
    with pytest.raises(UsageError, match=r"cannot go back to .* its earlier champions .* are 2, 1"):
        back(platform, to)


def test_a_rollout_is_taken_away_and_production_stays(tmp_path):
    platform = home(tmp_path)
    champions(platform, 1)
    platform.lake = UsersAlone(120)
    set_rollout_policy(platform, "ramp", needs_approval=False, newer=Newer.WAITS)
    ask(platform, promotable(platform, b"new"))
    shown = show_model(platform, "example", 2)
    assert shown.state.rollout == "version 2 by the policy ramp: step 0 of 3, 0% of the users"
    assert shown.way_back == "the rollout of version 2 ends, version 1 goes on answering"
    done = back(platform)
    assert (done.left, done.answers, done.was_in_production) == (2, "version 1", False)
    figures = rollback_figures(platform.ledger.events(), "example")
    assert (figures.promotions, figures.of_production, figures.of_rollouts) == (1, 0, 1)


class UsersAlone:
    """A lake of which only the number of users is asked."""

    def __init__(self, users: int) -> None:
        self.users = users

    def counts(self) -> dict[str, int]:
        return {"users": self.users}


def test_status_and_show_say_what_to_type_and_how_often_it_was_needed(tmp_path):
    platform = home(tmp_path)
    champions(platform, 2)
    before = show_model(platform, "example", None)
    assert before.way_back == "version 1 answers again"
    assert before.commands == (
        f"ml-platform models rollback example --reason WHY --home {tmp_path}",
    )
    back(platform)
    shown = show_model(platform, "example", 2)
    assert shown.state.in_production == 1
    assert shown.state.by == "ada"
    assert shown.state.why.startswith("brought back by a rollback (answers are wrong); promoted 20")
    assert " UTC: every gate passes (report " in shown.state.why
    assert shown.shown is not None
    assert shown.shown.status is Status.HELD
    assert [event.action for event in shown.shown.events] == [
        "registered",
        "promoted",
        "rolled_back",
    ]
    rollbacks = shown.state.rollbacks
    assert (rollbacks.promotions, rollbacks.of_production, rollbacks.share) == (2, 1, 0.5)
    assert rollbacks.hours_to_recover is not None
    assert 0 <= rollbacks.hours_to_recover < 0.1
    assert shown.way_back == "the rules answer again"


def test_a_new_promotion_is_refused_once_production_has_changed(tmp_path):
    """Why the way back from the rules is `rollback --to`, and no promotion."""
    platform = home(tmp_path)
    record = promotable(platform, b"1")
    judged = evaluation_record_of(platform, record)
    ask(platform, record, judged)
    back(platform)
    change_version(platform, "resume", "example", 1, asked(platform, "ada", "it was well"))
    with pytest.raises(PermitRefused, match="evaluated against champion none"):
        ask(platform, record, judged)


def test_where_nothing_was_ever_in_production_there_is_nothing_to_go_back_to(tmp_path):
    platform = home(tmp_path)
    promotable(platform, b"1")
    shown = show_model(platform, "example", None)
    assert (shown.way_back, shown.commands) == ("nothing to go back to", ())


def test_since_is_when_it_was_promoted_and_not_the_clock_of_the_data(tmp_path):
    platform = home(tmp_path)
    before = datetime.now(UTC).replace(microsecond=0)
    champions(platform, 1)
    since = show_model(platform, "example", None).state.since
    assert since is not None
    assert before <= datetime.fromisoformat(since) <= datetime.now(UTC)
    back(platform)
    left = platform.ledger.events()[-1]
    since = show_model(platform, "example", None).state.since
    assert since == left.wall.isoformat(timespec="seconds")


def test_production_at_any_moment_with_the_evidence_of_then(tmp_path):
    platform = home(tmp_path)
    first, second = champions(platform, 2)
    walls = [event.wall for event in platform.ledger.events()]
    back(platform)
    then = production_at(platform, "example", walls[2], Clock.WALL)
    assert then.answers == "version 1"
    assert then.champion is not None
    assert then.champion.why["artifact_sha256"] == first.artifact_sha256
    assert production_at(platform, "example", walls[0], Clock.WALL).answers == "no champion"
    diff = production_diff(platform, "example", walls[2], walls[-1], Clock.WALL)
    assert diff.changed
    assert (diff.before.answers, diff.after.answers) == ("version 1", f"version {second.version}")
    assert [event.action for event in diff.between] == ["archived", "promoted"]
    whole = production_diff(platform, "example", AS_OF, AS_OF, Clock.DATA)
    assert not whole.changed
    with pytest.raises(UsageError, match="comes after"):
        production_diff(platform, "example", walls[-1], walls[0], Clock.WALL)
    with pytest.raises(UsageError, match="Nothing has happened to 'none'"):
        events_of(platform, "none")


def test_a_hold_is_lifted_by_a_person_alone(tmp_path):
    platform = home(tmp_path)
    champions(platform, 2)
    back(platform)
    request = asked(platform, "ada", "it was the network")
    (event,) = change_version(platform, "resume", "example", 2, request)
    assert (event.actor, event.evidence["reason"]) == ("ada", "it was the network")
    assert platform.ledger.history("example").life(2).status is Status.ARCHIVED
    with pytest.raises(UsageError, match="resumed may only be what is held"):
        change_version(platform, "resume", "example", 2, request)
    ask(platform, replace(platform.ledger.version("example", 2)))
    assert platform.ledger.production("example").version == 2
