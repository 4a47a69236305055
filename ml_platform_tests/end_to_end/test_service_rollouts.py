"""Rollouts that nobody attends, driven by users who ask `ml-platform serve` over HTTP: some climb, some go back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.events.schema import USERS as USERS_TABLE
from ml_platform.registry.records import Action, PromotionEvent, Status, VersionRecord
from ml_platform.registry.rollout.decide import DEADLY
from ml_platform.registry.rollout.policy import GUARDRAILS, POLICIES, Newer, RampPolicy, RampStep
from ml_platform_tests.application.homes import registered
from ml_platform_tests.end_to_end.asking_users import USERS, Asking, UsersAnswers
from ml_platform_tests.end_to_end.harmful_scorer import (
    HARMFUL_FROM,
    Harm,
    harmful_artifact,
    install_harmful,
)
from ml_platform_tests.end_to_end.running_service import (
    CLIENTS,
    MODEL,
    WORKERS,
    RunningService,
    require_logged,
    running_service,
    until,
)

pytestmark = pytest.mark.timeout(300)

SHORT = RampPolicy(
    "short",
    steps=tuple(
        RampStep(share, answers, 0.0)
        for share, answers in ((0.0, 300), (0.1, 100), (0.5, 400), (1.0, 400))
    ),
    guardrails=GUARDRAILS,
)
NOW = datetime.now(UTC)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    """A service that looks at rollouts twice a second, and a home that knows its users."""
    packages = install_harmful(tmp_path / "packages")
    with running_service(tmp_path, "--guard-every", "0.5", pythonpath=packages) as running:
        users = {
            "user_id": USERS,
            "source": ["test"] * len(USERS),
            "received_at": [NOW] * len(USERS),
            "team": ["a"] * len(USERS),
            "region": ["b"] * len(USERS),
            "tenure_days": [1] * len(USERS),
        }
        running.platform.lake.merge("users", pa.table(users, schema=USERS_TABLE))
        monkeypatch.setitem(POLICIES, SHORT.name, SHORT)
        set_rollout_policy(running.platform, SHORT.name, needs_approval=False, newer=Newer.WAITS)
        yield running


def while_asking(
    service: RunningService, meanwhile: Callable[[Asking], Awaitable[None]]
) -> UsersAnswers:
    """What users get while a rollout of a version begins, goes on and ends."""
    asking = Asking(service)

    async def all_of_it() -> None:
        asked = asyncio.create_task(asking.ask())
        try:
            await asyncio.sleep(3)  # what is usual here is known from before
            await meanwhile(asking)
        finally:
            asking.ended = True
            await asked

    asyncio.run(all_of_it())
    return asking.answers


def begin(service: RunningService, harm: Harm) -> VersionRecord:
    """Let the rollout of a version begin."""
    record = registered(service.platform, harmful_artifact(harm), model=MODEL)
    service.promote(record)
    return record


def in_production(service: RunningService) -> int | None:
    return service.platform.ledger.production(MODEL).version


def status_of(service: RunningService, record: VersionRecord) -> Status:
    return service.platform.ledger.history(MODEL).life(record.version).status


def events_of(service: RunningService, record: VersionRecord) -> list[PromotionEvent]:
    history = service.platform.ledger.history(MODEL)
    return [event for event in history.events if event.version == record.version]


def test_a_harmless_version_climbs_to_all_users_and_into_production(service):
    begun: list[VersionRecord] = []

    async def rollout(asking: Asking) -> None:
        begun.append(await asyncio.to_thread(begin, service, Harm.NONE))
        number = begun[0].version
        await until(lambda: in_production(service) == number, 150, "promoted")
        await asyncio.sleep(2)
        marks = asking.answers.marks
        await asyncio.sleep(2)
        assert asking.answers.since(marks) == {(str(number), "champion")}

    answers = while_asking(service, rollout)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    assert set(answers.reported) == {202}
    require_logged(service, answers)
    events = events_of(service, begun[0])
    shares = [event.evidence["share"] for event in events if event.action is Action.RAMPED]
    assert shares == ["0.1", "0.5", "1"]
    assert events[-1].action is Action.PROMOTED
    assert {event.actor for event in events[2:]} == {"rollout guard"}
    new = str(begun[0].version)
    assert len({user for user, given in answers.by_user.items() if (new, "canary") in given}) > 200
    for given in answers.by_user.values():
        moves = [after for before, after in pairwise(given) if before[0] != after[0]]
        assert [version for version, _ in moves] in ([], [new]), "a user went to and fro"


@pytest.mark.parametrize(
    ("harm", "one_in", "guardrail"),
    [(Harm.FAILS, 20, "errors"), (Harm.NAN, 20, "errors"), (Harm.SLOW, 1, "latency")],
)
def test_a_version_that_harms_its_users_is_taken_from_them(service, harm, one_in, guardrail):
    begun: list[VersionRecord] = []

    async def rollout(asking: Asking) -> None:
        begun.append(await asyncio.to_thread(begin, service, harm))
        await until(lambda: asking.answers.of_canary > 0, 60, "it has users")
        asking.rows = lambda number: HARMFUL_FROM if number % one_in == 0 else 0.0
        await until(lambda: status_of(service, begun[0]) is Status.HELD, 100, "rolled back")
        await asyncio.sleep(2)
        marks = asking.answers.marks
        await asyncio.sleep(2)
        assert asking.answers.since(marks) == {("1", "champion")}

    answers = while_asking(service, rollout)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    require_logged(service, answers)
    last = events_of(service, begun[0])[-1]
    assert (last.action, last.actor) == (Action.ROLLED_BACK, "rollout guard")
    assert last.evidence["reason"] == f"a guardrail shows harm: {guardrail}"
    assert in_production(service) == 1
    assert 0 < answers.of_canary < 1_500


@pytest.mark.parametrize("harm", [Harm.DIES, Harm.LEAKS])
def test_a_version_that_ends_the_process_in_shadow_is_given_up(service, harm):
    begun: list[VersionRecord] = []

    async def rollout(asking: Asking) -> None:
        asking.rows = lambda number: HARMFUL_FROM
        begun.append(await asyncio.to_thread(begin, service, harm))
        await until(lambda: status_of(service, begun[0]) is Status.HELD, 120, "given up")

    answers = while_asking(service, rollout)
    assert set(answers.statuses) == {200}
    assert answers.errors == []
    assert answers.since(dict.fromkeys(USERS, 0)) == {("1", "champion")}
    require_logged(service, answers)
    last = events_of(service, begun[0])[-1]
    assert last.evidence["reason"] == "processes of the service end while they ask it"


def test_a_canary_that_ends_workers_is_taken_from_its_users(service):
    begun: list[VersionRecord] = []

    async def rollout(asking: Asking) -> None:
        begun.append(await asyncio.to_thread(begin, service, Harm.DIES))
        await until(lambda: asking.answers.of_canary > 0, 60, "it has users")
        asking.rows = lambda number: HARMFUL_FROM
        await until(lambda: status_of(service, begun[0]) is Status.HELD, 100, "rolled back")
        await asyncio.sleep(2)
        marks = asking.answers.marks
        await asyncio.sleep(2)
        assert asking.answers.since(marks) == {("1", "champion")}

    answers = while_asking(service, rollout)
    assert set(answers.statuses) == {200}
    assert len(answers.errors) <= CLIENTS * (DEADLY + WORKERS)
    require_logged(service, answers)
    last = events_of(service, begun[0])[-1]
    assert last.evidence["reason"] == "processes of the service end while they ask it"
