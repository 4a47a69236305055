"""The life of a version as one state machine: which event may follow in which status, and what comes of it.

The state of a model is what its events lead to, one after the other; nothing else is asked. `verify` replays them,
and the ledger appends no event that `fault` has a word against.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import Action, Status

RULES = "rules"
"""What answers without a champion, as the evidence of a change names it."""
REPLACED = "replaced"
"""The evidence of what answered before: the number of a version, or `RULES`."""
IN_ROLLOUT = frozenset({Status.SHADOW, Status.CANARY})
_ALL = frozenset(Status)
_AT_REST = frozenset({Status.STAGED, Status.ARCHIVED})

LEGAL: Mapping[Action, frozenset[Status]] = MappingProxyType(
    {
        Action.REGISTERED: frozenset(),
        Action.EVALUATED: _ALL,
        Action.REFUSED: _ALL,
        Action.APPROVED: _AT_REST,
        Action.SHADOWED: _AT_REST,
        Action.RAMPED: IN_ROLLOUT,
        Action.PROMOTED: _AT_REST | IN_ROLLOUT,
        Action.ARCHIVED: frozenset({Status.PRODUCTION}),
        Action.WITHDRAWN: IN_ROLLOUT | {Status.HELD},
        Action.ROLLED_BACK: IN_ROLLOUT | {Status.PRODUCTION, Status.HELD},
        Action.RESTORED: frozenset({Status.ARCHIVED}),
        Action.HELD: _AT_REST | IN_ROLLOUT,
        Action.RESUMED: frozenset({Status.HELD}),
    }
)
"""The statuses in which a version may be when something happens to it; a version is registered once."""


class Happening(Protocol):
    """What the state machine looks at of an event, or of the draft of one."""

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> int: ...  # noqa: D102
    @property
    def action(self) -> Action: ...  # noqa: D102
    @property
    def verdict(self) -> Verdict: ...  # noqa: D102
    @property
    def evidence(self) -> dict[str, str]: ...  # noqa: D102


@dataclass(frozen=True)
class Life:
    """Where a version stands."""

    status: Status
    step: int = 0
    """The number of the step of its rollout; 0 is shadow."""
    lifted_to: Status | None = None
    """Of a held one: its status once a person lifts that."""
    approved: bool = False
    """Whether a person has approved it since it was last evaluated."""

    @property
    def in_rollout(self) -> bool:
        """Whether a rollout of it is on, or is halted by a person."""
        return self.status in IN_ROLLOUT or self.lifted_to in IN_ROLLOUT


@dataclass(frozen=True)
class ModelState:
    """Every version of a model, and what is in production."""

    model: str
    lives: Mapping[int, Life] = field(default_factory=dict)
    production: int | None = None
    revision: int = 0
    """Grows by one with each change of production."""

    @property
    def rollout(self) -> int | None:
        """The version that is being rolled out; there is one at most."""
        return next((number for number, life in self.lives.items() if life.in_rollout), None)


def fault(state: ModelState, event: Happening) -> str | None:
    """The reason why an event may not happen in this state; ``None`` if it may."""
    life = state.lives.get(event.version)
    name = f"{event.model} {event.version}"
    if event.action is Action.REGISTERED:
        return f"{name} is registered already" if life else None
    if life is None:
        return f"{name} is not registered"
    if life.status not in LEGAL[event.action]:
        legal = ", ".join(status for status in Status if status in LEGAL[event.action])
        return f"{name} is {life.status}; {_WORDS[event.action]} may only be what is {legal}"
    if event.action in (Action.WITHDRAWN, Action.ROLLED_BACK) and life.status is Status.HELD:
        return None if life.in_rollout else f"{name} is held, and no rollout of it is on"
    other = state.rollout not in (None, event.version)
    if other and event.action in (Action.SHADOWED, Action.PROMOTED):
        return f"version {state.rollout} of {event.model} is being rolled out, and there is one rollout a model"
    if event.action in (Action.PROMOTED, Action.RESTORED) and state.production is not None:
        return f"version {state.production} of {event.model} is in production still"
    return None


_WORDS = {
    Action.EVALUATED: "evaluated",
    Action.REFUSED: "refused",
    Action.APPROVED: "approved",
    Action.SHADOWED: "rolled out",
    Action.RAMPED: "ramped up",
    Action.PROMOTED: "promoted",
    Action.ARCHIVED: "archived",
    Action.WITHDRAWN: "withdrawn",
    Action.ROLLED_BACK: "rolled back",
    Action.RESTORED: "restored",
    Action.HELD: "held",
    Action.RESUMED: "resumed",
}


def after(state: ModelState, event: Happening) -> ModelState:
    """The state after an event, whether it was legal or not."""
    life = state.lives.get(event.version)
    was_champion = state.production == event.version
    lives = {**state.lives, event.version: _life_after(life or _registered(event), event)}
    state = replace(state, lives=lives)
    if event.action is Action.PROMOTED:
        return replace(state, production=event.version, revision=state.revision + 1)
    if event.action is Action.RESTORED:
        # What took a version away just before has counted this change of production already.
        from_rules = event.evidence.get(REPLACED) == RULES
        return replace(state, production=event.version, revision=state.revision + from_rules)
    if was_champion and event.action is Action.ARCHIVED:
        return replace(state, production=None)
    if was_champion and event.action is Action.ROLLED_BACK:
        return replace(state, production=None, revision=state.revision + 1)
    return state


def _registered(event: Happening) -> Life:
    rejected = event.verdict is Verdict.REJECT
    return Life(Status.DEPRECATED if rejected else Status.STAGED)


def _life_after(life: Life, event: Happening) -> Life:
    if event.action is Action.EVALUATED:
        return _evaluated(life, event)
    if event.action is Action.APPROVED:
        return replace(life, approved=True)
    if event.action is Action.RAMPED:
        return replace(
            life, status=Status.CANARY, step=int(event.evidence.get("step", life.step + 1))
        )
    if event.action is Action.HELD:
        return replace(life, status=Status.HELD, lifted_to=life.status)
    if event.action is Action.ROLLED_BACK:
        was = Status.ARCHIVED if life.status is Status.PRODUCTION else Status.STAGED
        return Life(Status.HELD, lifted_to=was)
    if event.action is Action.RESUMED:
        return replace(life, status=life.lifted_to or Status.STAGED, lifted_to=None)
    if event.action in _LEADS_TO:
        return Life(_LEADS_TO[event.action])
    return life


_LEADS_TO = {
    Action.SHADOWED: Status.SHADOW,
    Action.PROMOTED: Status.PRODUCTION,
    Action.RESTORED: Status.PRODUCTION,
    Action.ARCHIVED: Status.ARCHIVED,
    Action.WITHDRAWN: Status.ARCHIVED,
}


def _evaluated(life: Life, event: Happening) -> Life:
    """A verdict moves what waits between staged and deprecated, and asks for a new approval."""
    waiting = (Status.STAGED, Status.DEPRECATED)
    verdict = _registered(event).status
    if life.status in waiting:
        return Life(verdict)
    if life.lifted_to in waiting:
        return Life(Status.HELD, lifted_to=verdict)
    return replace(life, approved=False)


def state_of(events: Iterable[Happening], model: str) -> ModelState:
    """The state of a model that its events lead to."""
    state = ModelState(model)
    for event in events:
        if event.model == model:
            state = after(state, event)
    return state


def illegal(events: Iterable[Happening], model: str) -> tuple[tuple[int, str], ...]:
    """The events of a model that were not legal when they happened: the place of each among all, and the reason."""
    state, faults = ModelState(model), list[tuple[int, str]]()
    for place, event in enumerate(events):
        if event.model == model:
            reason = fault(state, event)
            if reason:
                faults.append((place, reason))
            state = after(state, event)
    return tuple(faults)
