"""One suite for both ledgers: what retention has removed, and what a person holds."""

from datetime import timedelta

from ml_platform.retention.plan import Item, Removal, Removed
from ml_platform.retention.reachable import LegalHold
from ml_platform.retention.rules import Kind
from ml_platform_tests.registry.examples import AT

HELD = LegalHold("example", 2, AT, "ann", "a dispute")
DAY = timedelta(days=1)


def test_a_removal_keeps_the_time_when_it_was_first_recorded(ledger):
    removals = [Removal(Item(Kind.ARTIFACT, key, AT, 10), "old") for key in "ab"]
    assert ledger.removals() == {}
    ledger.record_removals(removals[:1], AT)
    ledger.record_removals(removals, AT + DAY)
    ledger.record_removals([], AT)
    assert ledger.removals() == {
        ("artifact", "a"): Removed(AT, "old"),
        ("artifact", "b"): Removed(AT + DAY, "old"),
    }


def test_a_version_is_held_once_and_again_after_the_hold_was_lifted(ledger):
    assert ledger.set_legal_hold(HELD)
    assert not ledger.set_legal_hold(HELD)
    assert not ledger.lift_legal_hold("example", 1, AT, "bob")
    assert ledger.lift_legal_hold("example", 2, AT + DAY, "bob")
    assert not ledger.lift_legal_hold("example", 2, AT + DAY, "bob")
    again = LegalHold("example", 2, AT + 2 * DAY, "ann", "another")
    assert ledger.set_legal_hold(again)
    lifted = LegalHold("example", 2, AT, "ann", "a dispute", AT + DAY, "bob")
    assert ledger.legal_holds() == (lifted, again)
