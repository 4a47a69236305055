"""kill -9 at every statement of a change and at every call of its projection: one champion, and all is repaired."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from ml_platform.adapters.in_memory.tracking import InMemoryTracking
from ml_platform.adapters.ledger.interface import Ledger
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.tracking import CHAMPION
from ml_platform.application.connections import Connections
from ml_platform.application.mirror import Repair, mirror
from ml_platform.registry.chain import EventDraft, breaks
from ml_platform.registry.changes import Request, roll_back_production
from ml_platform.registry.history import History
from ml_platform.registry.rollout.policy import RAMP
from ml_platform.registry.rollout.progress import begin, current_rollout, lead_on
from ml_platform.registry.verify import verify_production, verify_states
from ml_platform.spec.task import Classification
from ml_platform_tests.application.homes import SPEC, home
from ml_platform_tests.application.test_mirror import register
from ml_platform_tests.registry.examples import AT, permit_for

REQUEST = Request("ada", "a reason", AT)


class Shared(BaseManager):
    """MLflow's twin in memory, in a process of its own: it outlives who is killed."""


Shared.register("Tracking", InMemoryTracking)


@pytest.fixture(scope="module")
def tracking() -> Iterator[Any]:
    with Shared() as manager:
        yield manager.Tracking()


class Mortal:
    """The shared tracking, with a fail point before each call that changes something."""

    def __init__(self, tracking: Any, fail_point: Callable[[], None]) -> None:
        self._tracking, self._fail_point = tracking, fail_point

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._tracking, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            if name.startswith(("set_", "tag_", "remove_", "describe_")):
                self._fail_point()
            return call(*arguments, **named)

        return counted


def connected(folder: Path, url: str, tracking: Any) -> Connections:
    """The home with connections of its own."""
    platform = home(folder, PostgresLedger(url))
    platform.tracking = tracking
    return platform


def show(platform: Connections, model: str) -> tuple[Repair, ...]:
    """Bring MLflow's projection of a model to what the ledger says."""
    return mirror(platform, model, spec=replace(SPEC, name=model, task=Classification()))


def champions(platform: Connections, model: str) -> None:
    """Two versions that MLflow knows, the first of them in production and shown as such."""
    for letter in "ab":
        register(platform, model, letter)
    promote(platform.ledger, model, 1)
    show(platform, model)


def promote(ledger: Ledger, model: str, version: int) -> None:
    record = ledger.version(model, version)
    ledger.promote(
        model,
        version,
        expected_revision=ledger.production(model).revision,
        permit=permit_for(record),
        at=AT,
        actor="ada",
    )


def promote_the_second(ledger: Ledger, model: str) -> None:
    promote(ledger, model, 2)


def roll_back(ledger: Ledger, model: str) -> None:
    def change(history: History) -> tuple[EventDraft, ...]:
        earlier = history.earlier_champions()
        revision = history.state.revision
        return roll_back_production(history, revision, earlier[0] if earlier else None, REQUEST)

    ledger.change(model, change)


def finish_a_rollout(ledger: Ledger, model: str) -> None:
    record = ledger.version(model, 2)
    ledger.change(model, lambda h: begin(h, record, permit_for(record), RAMP, 5, REQUEST))
    for _ in range(2):
        ledger.change(model, one_step)


def one_step(history: History) -> tuple[EventDraft, ...]:
    rollout = current_rollout(history)
    assert rollout is not None
    return lead_on(history, rollout, REQUEST, decided_by="a row")


def killed_at(number: int, work: Callable[[Callable[[], None]], None]) -> bool:
    """Do the work in a child that is killed at its fail point ``number``; whether it came that far."""
    child = os.fork()
    if child == 0:
        passed = count(1)

        def fail_point(*_: object) -> None:
            if next(passed) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            event.listen(Engine, "before_cursor_execute", fail_point)
            event.listen(Engine, "commit", fail_point)
            work(fail_point)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize(
    ("change", "prepare", "before", "after"),
    [
        (promote_the_second, None, 1, 2),
        (finish_a_rollout, None, 1, 2),
        (roll_back, promote_the_second, 2, 1),
        (roll_back, None, 1, None),
    ],
    ids=["promotion", "rollout", "rollback", "to the rules"],
)
def test_a_change_that_is_killed_anywhere_is_done_or_not_and_its_projection_is_repaired(
    database_url: str,
    tracking: Any,
    change: Callable[[Ledger, str], None],
    prepare: Callable[[Ledger, str], None] | None,
    before: int,
    after: int | None,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    platform = connected(tmp_path, database_url, tracking)
    ledger, outcomes = platform.ledger, []
    for number in count(1):
        model = f"{request.node.callspec.id} {number}"
        champions(platform, model)
        if prepare:
            prepare(ledger, model)
            show(platform, model)

        def work(fail_point: Callable[[], None], model: str = model) -> None:
            own = connected(tmp_path, database_url, Mortal(tracking, fail_point))
            change(own.ledger, model)
            show(own, model)

        killed = killed_at(number, work)
        production = ledger.production(model)
        assert production.version in (before, after)
        outcomes.append(production.version)
        events = ledger.events()
        assert breaks(ledger.stored_events()) == ()
        assert verify_states(events, model).ok
        assert verify_production(events, production).ok
        show(platform, model)
        assert show(platform, model) == ()
        shown = tracking.alias(model, CHAMPION)
        champion = ledger.version(model, production.version) if production.version else None
        assert shown == (champion.mlflow_version if champion else None)
        if not killed:
            break
    ledger.close()
    assert outcomes[0] == before
    assert outcomes[-1] == after
    changed = outcomes.index(after)
    assert outcomes == [before] * changed + [after] * (len(outcomes) - changed)
    assert len(outcomes) - changed > 3, "fail points after the ledger: the tags and the alias"
