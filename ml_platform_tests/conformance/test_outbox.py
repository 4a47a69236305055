"""Both outboxes keep every message until each receiver has it, and give it to one sender at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.adapters.in_memory.outbox import InMemoryOutbox
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.outbox import (
    FIRST_PAUSE,
    KEPT,
    LEASE,
    LONGEST_PAUSE,
    PostgresOutbox,
    Undelivered,
    pause,
)
from ml_platform.reporting.messages import Message

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MESSAGE = Message("event:1", "info", "m 1 is in production", "text", NOW, {"causes": ("a", "b")})
BOTH = ("mail 1", "webhook")


@pytest.fixture(params=["memory", "postgres"])
def outbox(request):
    if request.param == "memory":
        yield InMemoryOutbox()
        return
    opened = PostgresOutbox(request.getfixturevalue("database_url"))
    yield opened
    opened.close()


def test_a_message_waits_once_for_each_receiver(outbox):
    assert outbox.add(MESSAGE, BOTH, NOW)
    assert not outbox.add(MESSAGE, BOTH, NOW)
    assert outbox.add(MESSAGE, (*BOTH, "chat 2"), NOW)
    assert not outbox.add(MESSAGE, (), NOW)
    assert outbox.undelivered() == tuple(
        Undelivered(name, 1, NOW, "") for name in ("chat 2", "mail 1", "webhook")
    )


def test_what_is_taken_is_left_to_its_sender_and_taken_again_if_that_was_killed(outbox):
    outbox.add(MESSAGE, ("webhook",), NOW)
    taken = outbox.take(BOTH, NOW)
    assert (taken.message, taken.receiver, taken.attempts) == (MESSAGE, "webhook", 1)
    assert outbox.take(BOTH, NOW) is None
    again = outbox.take(BOTH, NOW + LEASE)
    assert (again.message, again.attempts) == (MESSAGE, 2)


def test_what_was_delivered_is_done(outbox):
    outbox.add(MESSAGE, ("webhook",), NOW)
    outbox.delivered(outbox.take(BOTH, NOW), NOW)
    assert outbox.undelivered() == ()
    assert outbox.take(BOTH, NOW + timedelta(days=1)) is None
    assert not outbox.add(MESSAGE, ("webhook",), NOW), "it is not sent again"


def test_what_failed_is_due_after_a_pause_that_doubles(outbox):
    outbox.add(MESSAGE, ("webhook",), NOW)
    now = NOW
    for attempt in (1, 2, 3):
        taken = outbox.take(BOTH, now)
        outbox.failed(taken, "HTTP 500", now)
        assert outbox.undelivered() == (Undelivered("webhook", 1, NOW, "HTTP 500"),)
        assert outbox.take(BOTH, now + pause(attempt) - timedelta(seconds=1)) is None
        now += pause(attempt)
    assert pause(3) == 4 * FIRST_PAUSE
    assert pause(500) == LONGEST_PAUSE


def test_what_waits_is_told_since_its_oldest_message_and_with_the_error_of_the_last_attempt(outbox):
    later = NOW + pause(1) + pause(2)
    outbox.add(MESSAGE, ("webhook",), NOW)
    for now in (NOW, NOW + pause(1)):
        outbox.failed(outbox.take(BOTH, now), "timed out", now)
    outbox.add(replace(MESSAGE, message_id="event:2"), ("webhook",), later - pause(1))
    outbox.failed(outbox.take(BOTH, later - pause(1)), "refused", later - pause(1))
    assert outbox.undelivered() == (Undelivered("webhook", 2, NOW, "refused"),)


def test_receivers_are_served_apart_and_in_the_order_of_time(outbox):
    first, second = MESSAGE, replace(MESSAGE, message_id="event:2")
    outbox.add(second, BOTH, NOW + timedelta(seconds=1))
    outbox.add(first, BOTH, NOW)
    later = NOW + timedelta(seconds=2)
    assert outbox.take(("webhook",), later).message == first
    assert outbox.take(("webhook",), later).message == second
    assert outbox.take(("webhook",), later) is None
    assert outbox.take(("mail 1",), later).message == first


def test_what_is_too_old_goes(outbox):
    outbox.add(MESSAGE, ("webhook",), NOW)
    outbox.add(replace(MESSAGE, message_id="event:2"), ("webhook",), NOW + KEPT * 1.1)
    assert outbox.undelivered() == (Undelivered("webhook", 1, NOW + KEPT * 1.1, ""),)


def test_the_rows_of_the_outbox_have_their_hashes(database_url):
    outbox, ledger = PostgresOutbox(database_url), PostgresLedger(database_url)
    outbox.add(MESSAGE, BOTH, NOW)
    outbox.failed(outbox.take(BOTH, NOW), "x", NOW)
    stored = {rows.table: rows for rows in ledger.stored_rows()}["outbox"]
    assert (stored.rows, stored.changed) == (2, ())
    outbox.close()
    ledger.close()
