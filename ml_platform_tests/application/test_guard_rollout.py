"""The guard leads a rollout on, renews its share, and takes it away: by what it sees alone."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml_platform.application.change_version import asked, change_version
from ml_platform.application.connections import Connections
from ml_platform.application.guard_rollout import (
    Seen,
    guard_rollout,
    share_of_rollout,
    skip_step,
)
from ml_platform.application.rollout_policy import rollout_policy, set_rollout_policy
from ml_platform.errors import PermitRefused, UsageError
from ml_platform.registry.records import ProductionState, Status
from ml_platform.registry.rollout.decide import Reading, Step
from ml_platform.registry.rollout.policy import DIRECT, Guardrail, Newer
from ml_platform_tests.application.homes import ask, home, promotable
from ml_platform_tests.application.test_roll_back import UsersAlone, back, champions, folder

QUIET = tuple(Reading(guardrail, -1.0) for guardrail in Guardrail)
DAYS = timedelta(days=1)


@pytest.fixture
def platform(tmp_path) -> Connections:
    """A champion, and a second version whose rollout has begun."""
    platform = home(tmp_path)
    champions(platform, 1)
    platform.lake = UsersAlone(10_000)
    set_rollout_policy(platform, "ramp", needs_approval=False, newer=Newer.WAITS)
    ask(platform, promotable(platform, b"new"))
    return platform


def guard(platform, days=1.0, answers=5_000, readings=QUIET):
    """One look, so many days after the step began."""
    return guard_rollout(platform, "example", Seen(answers, readings), now(days))


def now(days=0.0):
    return datetime.now(UTC) + days * DAYS


def status(platform, version=2):
    return platform.ledger.history("example").life(version).status


def test_a_rollout_without_harm_goes_all_the_way(platform):
    steps = []
    for _ in range(4):
        assert guard(platform, days=2.1).step is Step.LEAD_ON
        steps.append(share_of_rollout(platform, "example", now(2.1)))
    assert steps == [0.01, 0.1, 0.5, 0.95]
    assert guard(platform, days=2.1).row == "the step has seen enough, and no harm"
    assert platform.ledger.production("example") == ProductionState("example", 2, 2)
    assert share_of_rollout(platform, "example", now()) == 0.0
    assert guard(platform) is None


def test_its_share_lapses_when_nobody_looks_and_when_nothing_is_seen(platform):
    guard(platform, days=1.01)
    assert share_of_rollout(platform, "example", now(1.01)) == 0.01
    assert share_of_rollout(platform, "example", now(1.01) + timedelta(minutes=5)) == 0.0
    assert guard(platform, days=1.5, answers=10).step is Step.WAIT
    assert share_of_rollout(platform, "example", now(1.5)) == 0.01
    assert guard(platform, days=1.6, readings=QUIET[:1]).step is Step.PAUSE
    assert share_of_rollout(platform, "example", now(1.6)) == 0.0
    assert status(platform) is Status.CANARY


def test_harm_takes_it_away_unattended(platform):
    guard(platform, days=1.01)
    decision = guard(platform, readings=(*QUIET[1:], Reading(Guardrail.ERRORS, np.log(1_000))))
    assert decision.text == "a guardrail shows harm: errors"
    assert status(platform) is Status.HELD
    assert share_of_rollout(platform, "example", now()) == 0.0
    last = platform.ledger.events()[-1]
    assert (last.actor, last.evidence["reason"]) == ("rollout guard", decision.text)
    assert platform.ledger.production("example").version == 1


def test_changed_bytes_and_another_production_take_it_away(platform, tmp_path):
    record = platform.ledger.version("example", 2)
    file = folder(platform, record) / "rules.json"
    whole = file.read_bytes()
    file.write_bytes(b"else")
    assert guard(platform).row == "the artifact is not the one that was permitted"
    file.write_bytes(whole)
    change_version(platform, "resume", "example", 2, asked(platform, "ada", "mended"))
    ask(platform, record)
    back(platform, "rules")
    assert guard(platform).row == "production has changed since the rollout began"
    assert status(platform) is Status.HELD


def test_a_person_halts_it_and_skips_a_step(platform):
    request = asked(platform, "ada", "no time to wait")
    assert skip_step(platform, "example", request).step.share == 0.01
    assert platform.ledger.events()[-1].evidence["decided_by"] == "a person"
    assert share_of_rollout(platform, "example", now()) == 0.0, "the guard has not looked yet"
    change_version(platform, "hold", "example", 2, request)
    assert guard(platform) is None
    with pytest.raises(UsageError, match="is held"):
        skip_step(platform, "example", request)
    change_version(platform, "resume", "example", 2, request)
    for _ in range(4):
        skip_step(platform, "example", request)
    assert platform.ledger.production("example").version == 2
    with pytest.raises(UsageError, match="No version of example is being rolled out"):
        skip_step(platform, "example", request)


def test_a_candidate_that_comes_meanwhile_waits_or_supersedes(platform):
    newer = promotable(platform, b"newer")
    with pytest.raises(PermitRefused, match="version 2 is being rolled out"):
        ask(platform, newer)
    set_rollout_policy(platform, "ramp", needs_approval=False, newer=Newer.SUPERSEDES)
    ask(platform, newer)
    assert (status(platform, 2), status(platform, 3)) == (Status.ARCHIVED, Status.SHADOW)


def test_what_is_rolled_out_already_is_not_begun_anew(platform):
    guard(platform, days=1.01)
    before = platform.ledger.stored_events()
    ask(platform, platform.ledger.version("example", 2))
    assert platform.ledger.stored_events() == before


def test_the_policy_of_a_home_is_direct_until_a_person_says_otherwise(tmp_path):
    platform = home(tmp_path)
    assert rollout_policy(platform) == DIRECT
    asks = set_rollout_policy(platform, "direct", needs_approval=True, newer=Newer.WAITS)
    assert asks.is_direct
    assert asks.needs_approval
    record = promotable(platform, b"1")
    with pytest.raises(PermitRefused, match="version 1 has not been approved by a person"):
        ask(platform, record)
    change_version(platform, "approve", "example", 1, asked(platform, "ada", "looks good"))
    ask(platform, record)
    assert platform.ledger.production("example").version == 1
    assert platform.ledger.events()[-1].evidence["rollout"] == "direct"
