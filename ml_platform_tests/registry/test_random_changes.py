"""Two hundred random changes against a model of what each does; replayed, the chain leads to the same state."""

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.errors import PlatformError
from ml_platform.registry.chain import breaks
from ml_platform.registry.changes import (
    Request,
    approve,
    bring_back,
    hold,
    resume,
    roll_back_production,
    roll_back_rollout,
)
from ml_platform.registry.rollout.policy import RAMP
from ml_platform.registry.rollout.progress import begin, current_rollout, lead_on
from ml_platform.registry.states import state_of
from ml_platform.registry.verify import verify_production, verify_states
from ml_platform_tests.registry.examples import AT, another, permit_for

LETTERS = "0123456789"
REQUEST = Request("ada", "a reason", AT)
VERSIONS = st.integers(1, len(LETTERS))
LAST_STEP = len(RAMP.steps) - 1


@dataclass
class Expected:
    """The state machine written down once more, as plainly as can be."""

    status: dict[int, str] = field(default_factory=dict)
    step: dict[int, int] = field(default_factory=dict)
    lifted_to: dict[int, str] = field(default_factory=dict)
    production: int | None = None
    revision: int = 0
    champions: list[int] = field(default_factory=list)
    """Those that were promoted or restored, the latest last, each once."""

    @property
    def rollout(self) -> int | None:
        on = ("shadow", "canary")
        found = [
            version
            for version, status in self.status.items()
            if status in on or (status == "held" and self.lifted_to[version] in on)
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def crown(self, version: int) -> None:
        self.production = version
        self.status[version] = "production"
        self.champions = [*(v for v in self.champions if v != version), version]


class RandomChanges(RuleBasedStateMachine):
    """What the ledger does is what the plain model says, refusals too."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.expected = InMemoryLedger(), Expected()

    def change(self, allowed: bool, change) -> bool:
        before = self.ledger.stored_events()
        try:
            change()
        except PlatformError:
            assert not allowed
            assert self.ledger.stored_events() == before
            return False
        assert allowed
        return True

    @precondition(lambda self: len(self.expected.status) < len(LETTERS))
    @rule()
    def register(self) -> None:
        record = self.ledger.register(another(LETTERS[len(self.expected.status)]))
        self.expected.status[record.version] = "staged"

    @rule(version=VERSIONS)
    def promote(self, version: int) -> None:
        e = self.expected
        if version == e.production:
            return
        allowed = e.status.get(version) in ("staged", "archived", "shadow", "canary")
        allowed = allowed and e.rollout in (None, version)
        if self.change(allowed, lambda: self.promotion(version)):
            if e.production:
                e.status[e.production] = "archived"
            e.crown(version)
            e.revision += 1

    def promotion(self, version: int) -> None:
        record = self.ledger.version("example", version)
        self.ledger.promote(
            "example",
            version,
            expected_revision=self.expected.revision,
            permit=permit_for(record),
            at=AT,
            actor="ada",
        )

    @rule(version=VERSIONS)
    def begin(self, version: int) -> None:
        e = self.expected
        allowed = e.status.get(version) in ("staged", "archived") and e.rollout is None

        def start() -> None:
            record = self.ledger.version("example", version)
            permit = permit_for(record)
            self.ledger.change("example", lambda h: begin(h, record, permit, RAMP, 10_000, REQUEST))

        if self.change(allowed, start):
            e.status[version], e.step[version] = "shadow", 0
            self.against = e.revision

    @precondition(lambda self: self.expected.rollout is not None)
    @rule()
    def lead_on(self) -> None:
        e, version = self.expected, self.expected.rollout
        assert version is not None
        last = e.step[version] == LAST_STEP
        allowed = e.status[version] != "held" and (not last or self.against == e.revision)
        rollout = current_rollout(self.ledger.history("example"))
        assert rollout is not None

        def lead() -> None:
            self.ledger.change("example", lambda h: lead_on(h, rollout, REQUEST, decided_by="x"))

        if not self.change(allowed, lead):
            return
        if not last:
            e.status[version], e.step[version] = "canary", e.step[version] + 1
            return
        if e.production:
            e.status[e.production] = "archived"
        e.crown(version)
        e.revision += 1

    @rule()
    def roll_back(self) -> None:
        e = self.expected
        if e.rollout is not None:
            version = e.rollout
            self.ledger.change(
                "example", lambda h: roll_back_rollout(h, version, h.life(version), REQUEST)
            )
            e.status[version], e.lifted_to[version] = "held", "staged"
            return
        earlier = [v for v in reversed(e.champions) if e.status[v] == "archived"]

        def back(history):
            targets = history.earlier_champions()
            assert [event.version for event in targets] == earlier
            return roll_back_production(
                history, e.revision, targets[0] if targets else None, REQUEST
            )

        if self.change(e.production is not None, lambda: self.ledger.change("example", back)):
            left = e.production
            assert left is not None
            e.status[left], e.lifted_to[left] = "held", "archived"
            e.production, e.revision = None, e.revision + 1
            if earlier:
                e.crown(earlier[0])

    @precondition(lambda self: self.expected.production is None)
    @rule()
    def bring_back(self) -> None:
        e = self.expected
        earlier = [v for v in reversed(e.champions) if e.status[v] == "archived"]

        def answer_again(history):
            targets = {event.version: event for event in history.earlier_champions()}
            return bring_back(history, e.revision, targets[earlier[0]], REQUEST)

        if earlier and self.change(True, lambda: self.ledger.change("example", answer_again)):
            e.crown(earlier[0])
            e.revision += 1

    @rule(version=VERSIONS)
    def hold(self, version: int) -> None:
        e, status = self.expected, self.expected.status.get(version)
        allowed = status in ("staged", "archived", "shadow", "canary")
        if self.change(
            allowed, lambda: self.ledger.change("example", lambda h: hold(h, version, REQUEST))
        ):
            assert status is not None
            e.lifted_to[version], e.status[version] = status, "held"

    @rule(version=VERSIONS)
    def resume(self, version: int) -> None:
        e = self.expected
        allowed = e.status.get(version) == "held"
        if self.change(
            allowed, lambda: self.ledger.change("example", lambda h: resume(h, version, REQUEST))
        ):
            e.status[version] = e.lifted_to[version]

    @rule(version=VERSIONS)
    def approve(self, version: int) -> None:
        approved = self.ledger.history("example").state.lives.get(version)
        allowed = self.expected.status.get(version) in ("staged", "archived")
        allowed = allowed or (approved is not None and approved.approved)
        self.change(
            allowed, lambda: self.ledger.change("example", lambda h: approve(h, version, REQUEST))
        )

    @invariant()
    def the_ledger_is_where_the_model_is(self) -> None:
        state = self.ledger.history("example").state
        assert {v: str(life.status) for v, life in state.lives.items()} == self.expected.status
        assert (state.production, state.revision) == (
            self.expected.production,
            self.expected.revision,
        )

    def teardown(self) -> None:
        events = self.ledger.events()
        production = self.ledger.production("example")
        assert state_of(events, "example").production == production.version
        for finding in (verify_states(events, "example"), verify_production(events, production)):
            assert finding.ok, finding
        stored = self.ledger.stored_events()
        assert breaks(stored) == ()
        for place, text in enumerate(stored):
            changed = text.replace('"version":', '"version":1', 1)
            assert breaks([*stored[:place], changed, *stored[place + 1 :]]) != ()


def test_two_hundred_random_changes() -> None:
    run_state_machine_as_test(
        RandomChanges,
        settings=settings(
            max_examples=8,
            stateful_step_count=200,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("place", [0, 3])
def test_any_changed_byte_of_an_event_is_found(place: int) -> None:
    ledger = InMemoryLedger()
    for letter in LETTERS[:4]:
        ledger.register(another(letter))
    stored = list(ledger.stored_events())
    for at in range(len(stored[place])):
        byte = stored[place][at]
        changed = stored[place][:at] + ("1" if byte != "1" else "2") + stored[place][at + 1 :]
        try:
            same = json.loads(changed) == json.loads(stored[place])
        except ValueError:
            same = False
        assert same or breaks([*stored[:place], changed, *stored[place + 1 :]]), at
