"""The state machine of a version: every action in every status, and what a model's events lead to."""

from collections.abc import Callable
from itertools import product

import pytest

from ml_platform.gates.outcome import Verdict
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.records import Action, Status
from ml_platform.registry.states import (
    LEGAL,
    Life,
    ModelState,
    after,
    fault,
    illegal,
    state_of,
)
from ml_platform_tests.registry.examples import AT

S = Status
EXPECTED: dict[Action, dict[Status, Status]] = {
    Action.EVALUATED: {status: status for status in S},
    Action.REFUSED: {status: status for status in S},
    Action.APPROVED: {S.STAGED: S.STAGED, S.ARCHIVED: S.ARCHIVED},
    Action.SHADOWED: {S.STAGED: S.SHADOW, S.ARCHIVED: S.SHADOW},
    Action.RAMPED: {S.SHADOW: S.CANARY, S.CANARY: S.CANARY},
    Action.PROMOTED: dict.fromkeys([S.STAGED, S.ARCHIVED, S.SHADOW, S.CANARY], S.PRODUCTION),
    Action.ARCHIVED: {S.PRODUCTION: S.ARCHIVED},
    Action.WITHDRAWN: {S.SHADOW: S.ARCHIVED, S.CANARY: S.ARCHIVED},
    Action.ROLLED_BACK: dict.fromkeys([S.SHADOW, S.CANARY, S.PRODUCTION], S.HELD),
    Action.RESTORED: {S.ARCHIVED: S.PRODUCTION},
    Action.HELD: dict.fromkeys([S.STAGED, S.ARCHIVED, S.SHADOW, S.CANARY], S.HELD),
    Action.RESUMED: {S.HELD: S.STAGED},
    Action.REGISTERED: {},
}
"""What comes of a version in each status in which something may happen to it."""


def happens(
    action: Action, version: int = 1, verdict: Verdict = Verdict.PROMOTE, **evidence: str
) -> EventDraft:
    return EventDraft("m", version, action, verdict, AT, "test", evidence)


def standing(status: Status) -> ModelState:
    life = Life(status, lifted_to=Status.STAGED if status is Status.HELD else None)
    return ModelState("m", {1: life}, production=1 if status is Status.PRODUCTION else None)


@pytest.mark.parametrize(("action", "status"), list(product(Action, Status)))
def test_every_action_in_every_status(action: Action, status: Status) -> None:
    state, event = standing(status), happens(action)
    verdict = Verdict.REJECT if status is Status.DEPRECATED else Verdict.PROMOTE
    reason = fault(state, happens(action, verdict=verdict))
    if status in EXPECTED[action]:
        assert reason is None
        expected = EXPECTED[action][status]
        if (action, status) == (Action.EVALUATED, Status.DEPRECATED):
            expected = Status.STAGED
        assert after(state, event).lives[1].status is expected
    else:
        assert reason is not None
        assert reason.startswith("m 1 is ")


def test_the_table_names_every_action() -> None:
    assert set(LEGAL) == set(Action) == set(EXPECTED)


def test_what_is_not_legal_is_refused_by_name() -> None:
    assert fault(standing(Status.ARCHIVED), happens(Action.RESUMED)) == (
        "m 1 is archived; resumed may only be what is held"
    )
    assert fault(standing(Status.STAGED), happens(Action.PROMOTED, 2)) == "m 2 is not registered"
    assert fault(standing(Status.STAGED), happens(Action.REGISTERED)) == "m 1 is registered already"
    assert (
        fault(standing(Status.HELD), happens(Action.ROLLED_BACK))
        == "m 1 is held, and no rollout of it is on"
    )


def test_there_is_one_rollout_a_model() -> None:
    state = ModelState("m", {1: Life(Status.CANARY, 2), 2: Life(Status.STAGED)})
    for action in (Action.SHADOWED, Action.PROMOTED):
        assert "version 1 of m is being rolled out" in (fault(state, happens(action, 2)) or "")
        held = after(state, happens(Action.HELD))
        assert "version 1 of m is being rolled out" in (fault(held, happens(action, 2)) or "")
        ended = after(state, happens(Action.ROLLED_BACK))
        assert fault(ended, happens(action, 2)) is None


@pytest.mark.parametrize("action", [Action.PROMOTED, Action.RESTORED])
def test_production_has_one_version(action: Action) -> None:
    state = ModelState("m", {1: Life(Status.PRODUCTION), 2: Life(Status.ARCHIVED)}, production=1)
    assert fault(state, happens(action, 2)) == "version 1 of m is in production still"


Draft = Callable[..., EventDraft]
STORY = [
    happens(Action.REGISTERED, 1),
    happens(Action.PROMOTED, 1),
    happens(Action.REGISTERED, 2),
    happens(Action.APPROVED, 2),
    happens(Action.SHADOWED, 2),
    happens(Action.RAMPED, 2, step="2"),
    happens(Action.HELD, 2),
    happens(Action.RESUMED, 2),
    happens(Action.ARCHIVED, 1),
    happens(Action.PROMOTED, 2),
    happens(Action.ROLLED_BACK, 2),
    happens(Action.RESTORED, 1),
]


@pytest.mark.parametrize(
    ("events", "first", "second", "production", "revision"),
    [
        (2, "production", None, 1, 1),
        (4, "production", "staged", 1, 1),
        (5, "production", "shadow", 1, 1),
        (6, "production", "canary", 1, 1),
        (7, "production", "held", 1, 1),
        (8, "production", "canary", 1, 1),
        (10, "archived", "production", 2, 2),
        (11, "archived", "held", None, 3),
        (12, "production", "held", 1, 3),
    ],
)
def test_a_story_event_by_event(
    events: int, first: str, second: str | None, production: int | None, revision: int
) -> None:
    state = state_of(STORY[:events], "m")
    assert illegal(STORY[:events], "m") == ()
    assert state.lives[1].status == first
    assert (state.lives[2].status if 2 in state.lives else None) == second
    assert (state.production, state.revision) == (production, revision)


def test_a_held_rollout_keeps_its_step_and_what_was_rolled_back_begins_anew() -> None:
    halted = state_of(STORY[:7], "m")
    assert (halted.rollout, halted.lives[2].step) == (2, 2)
    assert state_of(STORY[:8], "m").lives[2] == Life(Status.CANARY, 2)
    champion = state_of([*STORY, happens(Action.RESUMED, 2)], "m").lives[2]
    assert champion == Life(Status.ARCHIVED)
    canary = state_of([*STORY[:8], happens(Action.ROLLED_BACK, 2), happens(Action.RESUMED, 2)], "m")
    assert canary.lives[2] == Life(Status.STAGED)


def test_an_approval_is_of_the_evaluation_that_a_person_saw() -> None:
    story = [happens(Action.REGISTERED), happens(Action.APPROVED)]
    assert state_of(story, "m").lives[1].approved
    assert not state_of([*story, happens(Action.EVALUATED)], "m").lives[1].approved


def test_a_verdict_moves_what_waits_and_nothing_else() -> None:
    rejected = happens(Action.EVALUATED, verdict=Verdict.REJECT)
    assert (
        state_of([happens(Action.REGISTERED), rejected], "m").lives[1].status is Status.DEPRECATED
    )
    held = [happens(Action.REGISTERED), happens(Action.HELD), rejected]
    assert state_of(held, "m").lives[1] == Life(Status.HELD, lifted_to=Status.DEPRECATED)
    champion = [happens(Action.REGISTERED), happens(Action.PROMOTED), rejected]
    assert state_of(champion, "m").lives[1].status is Status.PRODUCTION


def test_the_place_of_what_was_not_legal_is_told() -> None:
    other = EventDraft("other", 1, Action.REGISTERED, Verdict.PROMOTE, AT, "test", {})
    ((place, reason),) = illegal([*STORY[:2], other, happens(Action.RESTORED, 1), *STORY[2:4]], "m")
    assert (place, reason) == (3, "m 1 is production; restored may only be what is archived")
