"""One suite for both ledgers: rows that came by HTTP and wait for the lake."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.events.posted import PostedRow, Waiting
from ml_platform_tests.application.posting import post

AT = datetime(2026, 3, 10, tzinfo=UTC)
ROW = PostedRow(1, "events", "e1", "ann", '{"a":1}', AT, completes=False)


@pytest.fixture
def posted(ledger):
    """Five rows, the second of which completes another."""
    return post(
        ledger,
        *(replace(ROW, row_id=f"e{n}", completes=n == 2, received_at=AT) for n in range(1, 6)),
    )


def test_an_empty_inbox(ledger):
    assert ledger.waiting() == Waiting(0, 0)
    assert ledger.posted_rows(0, 10) == ()


def test_rows_come_in_their_order_some_at_a_time(ledger, posted):
    ids = [row.id for row in posted]
    assert ledger.waiting() == Waiting(5, ids[-1])
    assert ledger.posted_rows(0, 10) == posted
    assert ledger.posted_rows(0, 2) == posted[:2]
    assert ledger.posted_rows(ids[1], 2) == posted[2:4]
    assert ledger.posted_rows(ids[-1], 2) == ()


def test_what_is_taken_in_waits_no_more(ledger, posted):
    ids = [row.id for row in posted]
    ledger.mark_taken_in([ids[0], ids[4]], AT)
    ledger.mark_taken_in([ids[0]], AT + timedelta(days=1))
    ledger.mark_taken_in([], AT)
    assert ledger.waiting() == Waiting(3, ids[3])
    assert ledger.posted_rows(0, 10) == posted[1:4]
    if not isinstance(ledger, InMemoryLedger):
        with ledger._engine.connect() as connection:
            kept = connection.scalars(
                sa.text("SELECT taken_in_at FROM inbox WHERE taken_in_at IS NOT NULL")
            )
            assert list(kept) == [AT, AT]


def test_what_is_removed_is_gone(ledger, posted):
    ids = [row.id for row in posted]
    ledger.mark_taken_in(ids[:1], AT)
    ledger.remove_posted(ids[:2])
    ledger.remove_posted(ids[:2])
    assert ledger.posted_rows(0, 10) == posted[2:]
