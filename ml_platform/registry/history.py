"""What a change of a model's state may look at: its events, and the state that they lead to."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ml_platform.errors import ConflictError, UsageError
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import Action, PromotionEvent, Status
from ml_platform.registry.states import Life, ModelState, state_of

_NO_MOVE = (Action.REGISTERED, Action.EVALUATED, Action.REFUSED)


@dataclass(frozen=True)
class History:
    """The events of one model, oldest first."""

    model: str
    events: tuple[PromotionEvent, ...]

    @cached_property
    def state(self) -> ModelState:
        """The state of the model now."""
        return state_of(self.events, self.model)

    def life(self, version: int) -> Life:
        """Where a version stands.

        Raises:
            UsageError: it is not registered.
        """
        life = self.state.lives.get(version)
        if life is None:
            known = ", ".join(map(str, self.state.lives)) or "none"
            raise UsageError(
                f"{self.model} has no version {version} (it has: {known}).",
                remedy="name one of them",
            )
        return life

    def verdict(self, version: int) -> Verdict:
        """The verdict of the newest evaluation of a version."""
        return self.last(version, Action.REGISTERED, Action.EVALUATED).verdict

    def last(self, version: int, *actions: Action) -> PromotionEvent:
        """The last of some events of a version, one of which there is."""
        return next(self._backwards(version, actions))

    def find_last(self, version: int, *actions: Action) -> PromotionEvent | None:
        """The last of some events of a version, or ``None``."""
        return next(self._backwards(version, actions), None)

    def newest(self, *actions: Action) -> PromotionEvent | None:
        """The newest of some events of any version, or ``None``."""
        return next((event for event in reversed(self.events) if event.action in actions), None)

    def _backwards(self, version: int, actions: tuple[Action, ...]) -> Iterator[PromotionEvent]:
        return (
            event
            for event in reversed(self.events)
            if event.version == version and event.action in actions
        )

    def earlier_champions(self, status: Status = Status.ARCHIVED) -> tuple[PromotionEvent, ...]:
        """The last promotion of each version that production may go back to, the newest first.

        Those that are held are asked for by ``status``: they may answer again once a person lifts that.
        """
        last: dict[int, PromotionEvent] = {}
        for event in self.events:
            if event.action in (Action.PROMOTED, Action.RESTORED):
                last.pop(event.version, None)
                last[event.version] = event
        return tuple(
            event
            for event in reversed(last.values())
            if status is (life := self.state.lives[event.version]).status
            and life.lifted_to in (None, Status.ARCHIVED)
        )

    @property
    def last_change(self) -> int:
        """The number of the last event that moved a version, or was a person's word on one; 0 before any."""
        told = (event.sequence for event in reversed(self.events) if event.action not in _NO_MOVE)
        return next(told, 0)

    def require_revision(self, expected: int) -> None:
        """Refuse where production has changed since somebody looked.

        Raises:
            ConflictError: the revision is another one than expected.
        """
        state = self.state
        if state.revision != expected:
            raise ConflictError(
                f"{self.model} is at revision {state.revision} (version {state.production}), "
                f"expected was revision {expected}: somebody else changed it first.",
                remedy="look at what is in production now, then decide again",
            )

    def require_life(self, version: int, expected: Life) -> None:
        """Refuse where a version has moved on since somebody looked.

        Raises:
            ConflictError: it stands elsewhere than expected.
        """
        life = self.life(version)
        if (life.status, life.step) != (expected.status, expected.step):
            raise ConflictError(
                f"{self.model} {version} is {_where(life)}, expected was {_where(expected)}: "
                "somebody else changed it first.",
                remedy="look at where it stands now, then decide again",
            )


def _where(life: Life) -> str:
    return f"{life.status} at step {life.step}" if life.status is Status.CANARY else life.status
