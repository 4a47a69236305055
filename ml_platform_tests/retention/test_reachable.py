"""Which versions are roots, and why; what a root needs is all that its pieces are known by."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.registry.changes import Request, approve, roll_back_production
from ml_platform.registry.rollout.policy import RAMP
from ml_platform.registry.rollout.progress import begin
from ml_platform.retention.plan import Item, plan
from ml_platform.retention.reachable import LegalHold, Reachable, needed_by, root_versions
from ml_platform.retention.rules import Clock, Kind, Place, Rule
from ml_platform_tests.registry.examples import AT, RECORD, another, permit_for

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOWS = {Clock.DATA: NOW, Clock.WALL: NOW.replace(month=12)}


@pytest.fixture
def ledger():
    """Four versions: the first two were promoted, one after the other."""
    ledger = InMemoryLedger()
    for letter in "abcd":
        ledger.register(another(letter))
    for version in (1, 2):
        ledger.promote(
            "example",
            version,
            expected_revision=version - 1,
            permit=permit_for(ledger.version("example", version)),
            at=AT,
            actor="test",
        )
    return ledger


def roots(ledger, *holds):
    return root_versions(ledger.history("example"), holds)


def test_champions_of_now_and_before_and_the_newest_are_roots(ledger):
    assert roots(ledger) == {
        1: "a rollback may go to it",
        2: "it is in production",
        4: "it is the newest version",
    }


def test_what_was_rolled_back_stays_a_root(ledger):
    def to_the_rules(history):
        revision = history.state.revision
        return roll_back_production(history, revision, None, Request("ada", "why", AT))

    ledger.change("example", to_the_rules)
    assert set(roots(ledger)) == {1, 2, 4}


def test_an_approved_version_is_a_root(ledger):
    ledger.change("example", lambda history: approve(history, 3, Request("ada", "why", AT)))
    assert roots(ledger)[3] == "a person has approved it"


def test_a_held_version_is_a_root_until_the_hold_is_lifted(ledger):
    held = LegalHold("example", 3, AT, "ann", "a dispute")
    assert roots(ledger, held)[3] == "ann holds it: a dispute"
    assert 3 not in roots(ledger, replace(held, lifted_at=AT))
    assert 3 not in roots(ledger, replace(held, model="another"))


def test_a_root_needs_the_pieces_of_every_evaluation():
    later = replace(RECORD, evaluation=2, report_id="r2", mlflow_run_id="m2", dagster_run_id="d2")
    needed = needed_by([RECORD, later], "it is in production")
    assert {key for kind, key in needed if kind is Kind.EVALUATION_REPORT} == {
        RECORD.report_id,
        "r2",
    }
    assert {kind for kind, _ in needed} == {
        Kind.ARTIFACT,
        Kind.TRAINING_SET,
        Kind.BASELINE,
        Kind.EVALUATION_REPORT,
        Kind.MLFLOW_RUN,
        Kind.DAGSTER_RUN,
    }
    assert set(needed.values()) == {"example 0: it is in production"}


RULE = Rule(Place.FOLDER, "artifacts", 30, "why", Kind.ARTIFACT)


@pytest.mark.parametrize(
    ("at", "clock", "goes"),
    [
        (NOW.replace(month=5, day=2), None, True),
        (NOW.replace(month=5, day=2, second=1), None, False),
        (NOW, Clock.WALL, True),
        (NOW.replace(month=11, day=30), Clock.WALL, False),
    ],
)
def test_a_thing_goes_on_its_last_day_by_its_clock_and_never_while_it_is_needed(at, clock, goes):
    item = Item(Kind.ARTIFACT, "a", at, clock=clock)
    decided = plan([item], [RULE], Reachable(), NOWS)
    assert [removal.item for removal in decided.removals] == ([item] if goes else [])
    needed = plan([item], [RULE], Reachable({(Kind.ARTIFACT, "a"): "a champion"}), NOWS)
    assert needed.removals == ()
    assert [kept.why for kept in needed.kept] == (["a champion"] if goes else [])
    for_ever = plan([item], [replace(RULE, days=None)], Reachable(), NOWS)
    assert (for_ever.removals, for_ever.kept) == ((), ())


def test_a_version_in_a_rollout_is_a_root(ledger):
    record = ledger.version("example", 3)
    request = Request("ada", "why", AT)
    ledger.change(
        "example", lambda history: begin(history, record, permit_for(record), RAMP, 100, request)
    )
    assert roots(ledger)[3] == "it is being rolled out (shadow)"
