"""From what users got to what the guard does: the router, the log of answers in PostgreSQL, and the decision."""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml_platform.adapters.serving.rollout_traffic import RolloutTraffic
from ml_platform.application.change_version import asked, change_version
from ml_platform.application.guard_rollout import rollout_under_guard, share_of_rollout
from ml_platform.application.last_look import guarded_rollout
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.application.serving_table import read_serving_table
from ml_platform.application.watch_rollouts import RolloutWatch, watch_rollouts
from ml_platform.errors import ConflictError, ServiceError
from ml_platform.registry.records import Status
from ml_platform.registry.rollout.decide import Step
from ml_platform.registry.rollout.policy import GUARDRAILS, POLICIES, Newer, RampPolicy, RampStep
from ml_platform.serving.router import ServedArm, route
from ml_platform_tests.application.homes import SPEC, ask, home, promotable
from ml_platform_tests.application.test_roll_back import UsersAlone, champions
from ml_platform_tests.serving.planted_answers import (
    analyse,
    answer,
    canary,
    failed_canary,
    learn,
    plant,
    shadow,
)

QUICK = RampPolicy(
    "quick",
    steps=tuple(
        RampStep(share, answers, 0.0)
        for share, answers in ((0.0, 900), (0.1, 150), (0.5, 600), (1.0, 900))
    ),
    guardrails=GUARDRAILS,
)
USERS = [f"user {number}" for number in range(300)]
BEFORE = 8
"""Answers of each user from before the rollout."""


@dataclass(frozen=True)
class Harm:
    """What the version does worse, on top of 1 % errors, 10 ms and 90 % right answers."""

    errors: float = 0.0
    milliseconds: float = 0.0
    wrong: float = 0.0
    in_shadow: bool = True


@dataclass
class Service:
    """Answers each user once a round by the real router, with a version that does ``harm``, and logs it."""

    platform: object
    url: str
    harm: Harm
    random: np.random.Generator
    rounds: int = 0

    def serve(self, at=None):
        """One round of traffic, now or at another moment."""
        now = at or datetime.now(UTC)
        model = read_serving_table(self.platform, ["example"], now).models["example"]
        rows, labels = [], {}
        for user in USERS:
            chosen = route(model, user, now)
            row_id = f"{user}, {self.rounds}"
            labels[row_id] = "a"
            treated = chosen.chosen[0][1] is ServedArm.CANARY
            harm = self.harm if treated else Harm()
            fields = {"arm": chosen.chosen[0][1], "row_id": row_id, **self.said(harm)}
            if treated and self.random.random() < 0.01 + harm.errors:
                rows.append(failed_canary(now, user, row_id=row_id))
            elif treated:
                rows.append(canary(now, user, **fields))
            else:
                failed = "1" if self.random.random() < 0.01 else ""
                rows.append(answer(now, user, failed_version=failed, **fields))
            if chosen.shadow is not None:
                harm = self.harm if self.harm.in_shadow else Harm()
                fails = bool(self.random.random() < 0.01 + harm.errors)
                said = {} if fails else self.said(harm)
                rows.append(shadow(rows[-1], fails=fails, predicted_at=now, **said))
        self.rounds += 1
        plant(self.url, rows)
        learn(self.url, labels, now)

    def said(self, harm):
        """Prediction and milliseconds of one answer."""
        wrong = self.random.random() < 0.1 + harm.wrong
        slow = 100.0 if self.random.random() < 0.05 else 10.0
        return {"prediction": "b" if wrong else "a", "milliseconds": slow + harm.milliseconds}


@pytest.fixture
def platform(tmp_path, database_url, monkeypatch):
    """A champion that was asked for days, and a second version whose rollout has begun."""
    monkeypatch.setitem(POLICIES, "quick", QUICK)
    platform = home(tmp_path)
    platform.rollout_traffic = RolloutTraffic(database_url)
    platform.lake = UsersAlone(len(USERS))
    champions(platform, 1)
    set_rollout_policy(platform, "quick", needs_approval=False, newer=Newer.WAITS)
    ask(platform, promotable(platform, b"new"))
    random = np.random.default_rng(5)
    rows, labels = [], {}
    for number in range(BEFORE):
        at = datetime.now(UTC) - timedelta(days=2) + number * timedelta(hours=5)
        for user in USERS:
            failed = "1" if random.random() < 0.01 else ""
            row_id = f"{user}, before {number}"
            labels[row_id] = "a"
            wrong = "b" if random.random() < 0.1 else "a"
            rows.append(answer(at, user, failed_version=failed, row_id=row_id, prediction=wrong))
    plant(database_url, rows)
    learn(database_url, labels, datetime.now(UTC) - timedelta(days=1))
    analyse(database_url)
    yield platform
    platform.rollout_traffic.close()


def status(platform, version=2):
    return platform.ledger.history("example").life(version).status


def rolled_out(platform, url, harm, most=60, seed=11):
    """The steps and last decision of a rollout that nobody attends, in so many rounds at most."""
    service = Service(platform, url, harm, np.random.default_rng(seed))
    shares, decision = [], None
    for _ in range(most):
        decision = watch_rollouts(platform, [SPEC], datetime.now(UTC)).get("example")
        if decision is None or decision.step is Step.ROLL_BACK:
            break
        share = share_of_rollout(platform, "example", datetime.now(UTC))
        if share not in shares:
            shares.append(share)
        service.serve()
    return shares, decision


def test_a_harmless_version_climbs_into_production_unattended(platform, database_url):
    shares, _ = rolled_out(platform, database_url, Harm())
    assert shares == [0.0, 0.1, 0.5, 0.95]
    assert platform.ledger.production("example").version == 2


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (Harm(errors=0.05), "errors"),
        (Harm(errors=1.0), "errors"),
        (Harm(milliseconds=200.0), "latency"),
        (Harm(wrong=0.15), "metric"),
    ],
)
@pytest.mark.parametrize("in_shadow", [True, False])
def test_harm_is_rolled_back_unattended_in_shadow_and_before_users(
    platform, database_url, harm, words, in_shadow
):
    shares, decision = rolled_out(platform, database_url, replace(harm, in_shadow=in_shadow))
    assert decision is not None
    assert decision.row == "a guardrail shows harm"
    assert words in decision.guardrails
    assert shares == [0.0] if in_shadow else shares[:2] == [0.0, 0.1]
    assert status(platform) is Status.HELD
    assert platform.ledger.production("example").version == 1
    assert platform.ledger.events()[-1].actor == "rollout guard"


def test_who_remembers_sees_what_a_first_look_sees(platform, database_url):
    service = Service(platform, database_url, Harm(), np.random.default_rng(7))
    watch = RolloutWatch(platform, [SPEC])
    seen = []
    for number in range(6):
        now = datetime.now(UTC) + number * timedelta(minutes=4)
        service.serve(now - timedelta(seconds=1))
        rollout = rollout_under_guard(platform, "example")
        for each in (watch, RolloutWatch(platform, [SPEC])):
            seen.append(each._seen(SPEC, rollout, now))
        assert seen[-1].answers == seen[-2].answers
        assert seen[-1].readings[:2] == seen[-2].readings[:2], "outcomes are looked for less often"
    assert len({each.answers for each in seen}) > 3


def test_a_rollout_is_guarded_while_nobody_asks_and_not_while_a_person_halts_it(platform):
    decision = watch_rollouts(platform, [SPEC], datetime.now(UTC))["example"]
    assert decision.row == "the step has not seen enough"
    change_version(platform, "hold", "example", 2, asked(platform, "ada", "let me look"))
    assert watch_rollouts(platform, [SPEC], datetime.now(UTC)) == {}


def test_a_treatment_without_control_is_blind_and_gets_no_share(platform, database_url):
    service = Service(platform, database_url, Harm(), np.random.default_rng(8))
    for _ in range(3):
        service.serve()
    watch_rollouts(platform, [SPEC], datetime.now(UTC))
    plant(database_url, [canary(datetime.now(UTC)) for _ in range(20)])
    decision = watch_rollouts(platform, [SPEC], datetime.now(UTC))["example"]
    assert decision.text == "a guardrail sees nothing: errors, latency"
    until = datetime.now(UTC) + QUICK.lease
    assert share_of_rollout(platform, "example", until) == 0.0
    later = datetime.now(UTC) + timedelta(hours=1.5)
    assert watch_rollouts(platform, [SPEC], later)["example"].step is Step.WAIT


def test_what_is_decided_is_logged_once_and_a_conflict_is_passed_over(
    platform, database_url, monkeypatch, caplog
):
    Service(platform, database_url, Harm(errors=0.5), np.random.default_rng(9)).serve()
    change = platform.ledger.change

    def faster(model, drafts):
        raise ConflictError("somebody was faster", remedy="look again")

    monkeypatch.setattr(platform.ledger, "change", faster)
    watch = RolloutWatch(platform, [SPEC])
    with caplog.at_level(logging.WARNING):
        assert watch.look(datetime.now(UTC)) == {}
        assert caplog.messages == []
        monkeypatch.setattr(platform.ledger, "change", change)
        watch.look(datetime.now(UTC))
        watch.look(datetime.now(UTC))
    assert caplog.messages == ["example: roll back (a guardrail shows harm: errors)"]


def test_what_the_guard_saw_is_kept_with_what_must_come_before_the_next_step(
    platform, database_url
):
    now = datetime.now(UTC)
    before = guarded_rollout(platform, "example", now)
    assert (before.looked_at, before.decision, before.guardrails) == (None, None, ())
    assert before.seen.words == "0 of 900 answers and 0.0 of 0 hours"
    service = Service(platform, database_url, Harm(errors=0.04), np.random.default_rng(5))
    watch = RolloutWatch(platform, [SPEC])
    watch_rollouts(platform, [SPEC], datetime.now(UTC))
    first = guarded_rollout(platform, "example", now)
    service.serve()
    at = datetime.now(UTC)
    decision = watch.look(at)["example"]
    assert decision.text == "harm is suspected: errors"
    seen = guarded_rollout(platform, "example", at)
    assert (seen.looked_at, seen.decision, seen.why) == (at, "wait", decision.text)
    assert (seen.version, seen.step, seen.steps, seen.share, seen.halted) == (2, 0, 3, 0.0, False)
    assert (seen.seen.answers, seen.seen.least_answers) == (300, 900)
    errors, latency, *_ = seen.guardrails
    assert (errors.guardrail, errors.state, errors.since) == ("errors", "suspected", at)
    assert 20 < errors.evidence < errors.limit == 1 / 0.0015
    assert errors.chance == pytest.approx(1 / errors.evidence)
    assert errors.observed.version > 0.03 > errors.observed.others >= 0.0
    assert (seen.guardrails[2].guardrail, seen.guardrails[2].observed.others) == (
        "metric",
        pytest.approx(0.9, abs=0.05),
    )
    assert (latency.state, latency.since) == ("quiet", first.looked_at)
    change_version(platform, "hold", "example", 2, asked(platform, "ada", "let me look"))
    assert watch.look(datetime.now(UTC)) == {}
    halted = guarded_rollout(platform, "example", at)
    assert (halted.halted, halted.looked_at) == (True, at)


def test_a_look_that_another_release_has_kept_stops_no_guard(platform):
    platform.ledger.set_state("look/example", {"version": 2, "seen": "much"})
    assert guarded_rollout(platform, "example", datetime.now(UTC)).looked_at is None
    assert watch_rollouts(platform, [SPEC], datetime.now(UTC))["example"].step is Step.WAIT
    assert guarded_rollout(platform, "example", datetime.now(UTC)).decision == "wait"


def test_without_the_database_no_share_is_renewed(platform, database_url):
    watch = RolloutWatch(platform, [SPEC])
    watch.look(datetime.now(UTC))
    platform.rollout_traffic.close()
    platform.rollout_traffic = RolloutTraffic(database_url.replace("test_", "gone_"))
    stored = platform.ledger.state("lease/example")
    with pytest.raises(ServiceError):
        watch.look(datetime.now(UTC) + timedelta(minutes=1))
    assert platform.ledger.state("lease/example") == stored
