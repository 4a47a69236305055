"""One suite for both ledgers: rollouts, rollbacks, holds, and many of them at once."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.errors import ConflictError, PermitRefused, PlatformError, UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.chain import breaks
from ml_platform.registry.changes import (
    Request,
    approve,
    hold,
    leaves,
    resume,
    roll_back_production,
    roll_back_rollout,
)
from ml_platform.registry.lifecycle import Clock, champion_at, in_production
from ml_platform.registry.records import Action, ProductionState, Status
from ml_platform.registry.rollout.policy import RAMP, Newer
from ml_platform.registry.rollout.progress import (
    Rollout,
    begin,
    current_rollout,
    lead_on,
    renewed,
    share_now,
)
from ml_platform.registry.verify import verify_production, verify_states
from ml_platform_tests.registry.examples import AT, another, permit_for

HOUR = timedelta(hours=1)
REQUEST = Request("ada", "a reason", AT)


def promoted(ledger, *letters, model="example"):
    """Versions that were champions one after the other; the last one is in production."""
    records = [ledger.register(another(letter, model)) for letter in letters]
    for record in records:
        ledger.promote(
            model,
            record.version,
            expected_revision=ledger.production(model).revision,
            permit=permit_for(record),
            at=AT,
            actor="test",
        )
    return records


def begun(ledger, letter, policy=RAMP, users=10_000):
    record = ledger.register(another(letter))
    permit = permit_for(record)
    ledger.change("example", lambda h: begin(h, record, permit, policy, users, REQUEST))
    return record


def led_on(ledger):
    def change(history):
        return lead_on(history, rollout(ledger), REQUEST, decided_by="a row")

    return ledger.change("example", change)


def rollout(ledger) -> Rollout:
    found = current_rollout(ledger.history("example"))
    assert found is not None
    return found


def to_earlier(revision, request=REQUEST):
    """Production goes back to the earlier champion, or to the rules."""

    def change(history):
        earlier = history.earlier_champions()
        return roll_back_production(history, revision, earlier[0] if earlier else None, request)

    return change


def status(ledger, version, model="example"):
    return ledger.history(model).life(version).status


def assert_sound(ledger, model="example"):
    assert breaks(ledger.stored_events()) == ()
    events = ledger.events()
    for finding in (
        verify_states(events, model),
        verify_production(events, ledger.production(model)),
    ):
        assert finding.ok, finding


def test_a_rollback_restores_the_champion_before_on_the_evidence_of_then(ledger):
    promoted(ledger, "a", "b")
    before = in_production(ledger.events()[:3], "example") or pytest.fail("no champion")
    away, back = ledger.change("example", to_earlier(2))
    assert (away.action, away.version, away.actor) == (Action.ROLLED_BACK, 2, "ada")
    assert (away.evidence["to"], away.evidence["reason"]) == ("1", "a reason")
    assert (back.action, back.version) == (Action.RESTORED, 1)
    assert back.evidence["artifact_sha256"] == "a" * 64
    assert back.evidence["promoted_by_event"] == "3"
    assert ledger.production("example") == ProductionState("example", 1, 3)
    assert (status(ledger, 1), status(ledger, 2)) == (Status.PRODUCTION, Status.HELD)
    now = in_production(ledger.events(), "example")
    assert now is not None
    assert now.restored
    assert before.why.items() <= {**now.why, "replaced": before.why["replaced"]}.items()
    assert_sound(ledger)


def test_from_a_first_champion_it_goes_to_the_rules_and_the_next_one_may_follow(ledger):
    promoted(ledger, "a")
    (away,) = ledger.change("example", to_earlier(1))
    assert away.evidence["to"] == "rules"
    assert ledger.production("example") == ProductionState("example", None, 2)
    with pytest.raises(UsageError, match="nothing to go back from"):
        ledger.change("example", to_earlier(2))
    with pytest.raises(UsageError, match="No version of example is in production"):
        leaves(ledger.history("example"))
    promoted(ledger, "b")
    assert ledger.production("example") == ProductionState("example", 2, 3)
    assert_sound(ledger)


def test_what_was_rolled_back_is_held_until_a_person_lifts_that(ledger):
    first, second = promoted(ledger, "a", "b")
    ledger.change("example", to_earlier(2))
    count = len(ledger.events())
    with pytest.raises(UsageError, match="Example 2 is held; promoted may only be what is staged"):
        promoted(ledger, "b")
    assert len(ledger.events()) == count
    assert ledger.history("example").earlier_champions() == ()
    ledger.change("example", lambda h: resume(h, 2, REQUEST))
    assert status(ledger, 2) is Status.ARCHIVED
    assert [event.version for event in ledger.history("example").earlier_champions()] == [2]
    assert first.version == 1
    promoted(ledger, "b")
    assert ledger.production("example").version == second.version
    assert_sound(ledger)


def test_a_whole_rollout_rests_on_the_permit_with_which_it_began(ledger):
    promoted(ledger, "a")
    record = begun(ledger, "b", users=120)
    assert status(ledger, 2) is Status.SHADOW
    assert [step.share for step in rollout(ledger).steps] == [0.0, 0.1, 0.5, 1.0]
    shares = []
    for _ in range(3):
        led_on(ledger)
        shares.append(rollout(ledger).step.share)
    assert shares == [0.1, 0.5, 1.0]
    assert rollout(ledger).is_last
    # it is trained and evaluated again in between, and held: that changes nothing of what was permitted
    held = replace(record.decision, verdict=Verdict.HOLD, row="a limit is missed")
    ledger.register(replace(another("b"), decision=held))
    archived, last = led_on(ledger)
    assert (archived.action, archived.version) == (Action.ARCHIVED, 1)
    assert (last.action, last.version, last.verdict) == (Action.PROMOTED, 2, Verdict.PROMOTE)
    assert permit_for(record).as_evidence().items() <= last.evidence.items()
    assert last.evidence["rollout"] == "ramp"
    assert ledger.production("example") == ProductionState("example", 2, 2)
    assert current_rollout(ledger.history("example")) is None
    assert_sound(ledger)


def test_a_step_that_somebody_else_has_taken_is_not_taken_twice(ledger):
    begun(ledger, "a")
    seen = rollout(ledger)
    led_on(ledger)
    with pytest.raises(ConflictError, match="is canary at step 1, expected was shadow"):
        ledger.change("example", lambda h: lead_on(h, seen, REQUEST, decided_by="a row"))
    with pytest.raises(ConflictError, match="somebody else changed it first"):
        ledger.change("example", lambda h: roll_back_rollout(h, 1, seen.life, REQUEST))
    assert_sound(ledger)


def test_a_rollout_ends_unfinished_where_production_has_changed(ledger):
    promoted(ledger, "a", "b")
    begun(ledger, "c", users=5)
    led_on(ledger)
    ledger.change("example", to_earlier(2))
    with pytest.raises(ConflictError, match="is at revision 3"):
        led_on(ledger)
    assert ledger.production("example").version == 1


def test_a_canary_is_rolled_back_without_production(ledger):
    promoted(ledger, "a")
    begun(ledger, "b")
    led_on(ledger)
    history = ledger.history("example")
    assert leaves(history) == 2
    ledger.change("example", lambda h: roll_back_rollout(h, 2, h.life(2), REQUEST))
    assert ledger.production("example") == ProductionState("example", 1, 1)
    assert status(ledger, 2) is Status.HELD
    assert current_rollout(ledger.history("example")) is None
    assert_sound(ledger)


def test_a_newer_candidate_waits_or_supersedes(ledger):
    begun(ledger, "a")
    with pytest.raises(PermitRefused, match="version 1 is being rolled out, and newer ones wait"):
        begun(ledger, "b")
    with pytest.raises(UsageError, match="there is one rollout a model"):
        promoted(ledger, "b")
    begun(ledger, "b", replace(RAMP, newer=Newer.SUPERSEDES))
    assert (status(ledger, 1), status(ledger, 2)) == (Status.ARCHIVED, Status.SHADOW)
    assert rollout(ledger).version == 2
    assert_sound(ledger)


def test_a_person_approves_what_was_last_evaluated(ledger):
    asks = replace(RAMP, needs_approval=True)
    with pytest.raises(PermitRefused, match="asks for a person's approval"):
        begun(ledger, "a", asks)
    assert len(ledger.change("example", lambda h: approve(h, 1, REQUEST))) == 1
    assert ledger.change("example", lambda h: approve(h, 1, REQUEST)) == ()
    begun(ledger, "a", asks)
    assert status(ledger, 1) is Status.SHADOW


def test_a_share_is_a_lease(ledger):
    begun(ledger, "a")
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert share_now(rollout(ledger), renewed(rollout(ledger), now), now) == 0.0, "shadow"
    led_on(ledger)
    canary = rollout(ledger)
    lease = renewed(canary, now)
    assert share_now(canary, lease, now + timedelta(seconds=299)) == 0.01
    assert share_now(canary, lease, now + timedelta(seconds=300)) == 0.0
    assert share_now(canary, None, now) == 0.0
    assert share_now(None, lease, now) == 0.0
    led_on(ledger)
    assert share_now(rollout(ledger), lease, now) == 0.0, "the lease of another step"
    for _ in range(2):
        led_on(ledger)
    last = rollout(ledger)
    assert share_now(last, renewed(last, now), now) == 0.95, "some stay behind"
    ledger.change("example", lambda h: hold(h, 1, REQUEST))
    assert share_now(rollout(ledger), renewed(last, now), now) == 0.0
    ledger.change("example", lambda h: resume(h, 1, REQUEST))
    assert share_now(rollout(ledger), renewed(last, now), now) == 0.95


def test_a_change_that_fails_leaves_nothing(ledger):
    promoted(ledger, "a")
    before = ledger.stored_events(), ledger.production("example")

    def half(history):
        return (*hold_of(history), *hold_of(history))

    def hold_of(history):
        return roll_back_production(history, 1, None, REQUEST)

    with pytest.raises(UsageError, match="Example 1 is held"):
        ledger.change("example", half)
    with pytest.raises(UsageError, match="has no version 9"):
        ledger.change("example", lambda h: hold(h, 9, REQUEST))
    assert (ledger.stored_events(), ledger.production("example")) == before


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("who", " ")])
def test_who_and_why_are_asked_for(actor, reason):
    with pytest.raises(UsageError, match="of a change is empty"):
        Request(actor, reason, AT)


def test_events_have_both_clocks(ledger):
    started = datetime.now(UTC)
    promoted(ledger, "a")
    middle = datetime.now(UTC)
    promoted(ledger, "b")
    event = ledger.events()[-1]
    assert event.at == AT
    assert started <= event.wall <= datetime.now(UTC)
    at = [
        ledger.production_at("example", when, Clock.WALL) for when in (started, middle, event.wall)
    ]
    assert at == [None, 1, 2]
    assert ledger.production_at("example", AT, Clock.DATA) == 2
    then = champion_at(ledger.events(), "example", middle, Clock.WALL)
    assert then is not None
    assert then.why["artifact_sha256"] == "a" * 64


def test_of_ten_promotions_and_rollbacks_at_once_one_wins_each_revision(ledger):
    promoted(ledger, "a", "b")
    records = [ledger.register(another(letter)) for letter in "01234"]
    start, won, lost = threading.Barrier(10), [], []

    def promotion(record):
        return lambda: ledger.promote(
            "example",
            record.version,
            expected_revision=2,
            permit=permit_for(record),
            at=AT,
            actor="test",
        )

    def rollback():
        return ledger.change("example", to_earlier(2))

    def run(change):
        start.wait()
        try:
            won.append(change())
        except ConflictError:
            lost.append(change)

    changes = [*(promotion(record) for record in records), *[rollback] * 5]
    threads = [threading.Thread(target=run, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 9)
    assert ledger.production("example").revision == 3
    assert ledger.production("example").version == won[0][-1].version
    assert_sound(ledger)


def test_every_refusal_is_an_error_of_the_platform(ledger):
    with pytest.raises(PlatformError):
        ledger.change("nothing", lambda h: hold(h, 1, REQUEST))


def test_the_way_back_leads_to_the_champion_just_before(ledger):
    first, *_ = promoted(ledger, "a", "b")
    promoted(ledger, "a", "c")
    assert [event.version for event in ledger.history("example").earlier_champions()] == [1, 2]
    ledger.change("example", to_earlier(4))
    assert ledger.production("example").version == first.version
    assert [event.version for event in ledger.history("example").earlier_champions()] == [2]
    assert_sound(ledger)
