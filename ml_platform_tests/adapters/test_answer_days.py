"""A finished day of answers is sealed; what the ledger does with it later, and what another hand does, differ."""

import logging
import threading
import zlib
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

from ml_platform.adapters.ledger.answer_partitions import day_of, drop_day, partition_of
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.ledger.kept_rows import KeptRows
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.spool import Spool, line_of
from ml_platform.registry.verify import verify_answers
from ml_platform.retention.plan import Item
from ml_platform.retention.rules import Kind
from ml_platform_tests.adapters.answer_rows import DAY, answer

NEXT = DAY + timedelta(days=1)
DUE = datetime(NEXT.year, NEXT.month, NEXT.day, 1, 0, 1, tzinfo=UTC)


@pytest.fixture
def days(database_url):
    with closing(AnswerDays(database_url)) as days:
        yield days


@pytest.fixture
def ledger(database_url):
    with closing(PostgresLedger(database_url)) as ledger:
        yield ledger


@pytest.fixture
def hand(database_url):
    """What somebody does to the database without the platform."""
    connection = psycopg2.connect(database_url.replace("+psycopg2", ""))
    connection.autocommit = True

    def run(statement, *values):
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    yield run
    connection.close()


def spooled(folder, *rows):
    """A spool with these rows that nobody writes any more."""
    spool = Spool(folder)
    spool.append(rows)
    spool.close()


def sealed_with(days, folder, *rows):
    spooled(folder, *rows)
    days.drain(folder)
    assert DAY in days.seal(folder, DUE)


def detail(ledger):
    finding = verify_answers(ledger.sealed_answers())
    assert finding.subject == "rows of answers"
    return finding.ok, finding.detail


def test_a_day_is_sealed_an_hour_after_its_end_and_once(days, ledger, tmp_path):
    spooled(tmp_path, answer(), answer(NEXT))
    assert days.drain(tmp_path) == 2
    assert days.seal(tmp_path, DUE - timedelta(seconds=1)) == ()
    assert detail(ledger) == (True, "0 rows of 0 days, unchanged; 2 days are not sealed yet")
    assert days.seal(tmp_path, DUE) == (DAY,)
    assert days.seal(tmp_path, DUE) == ()
    assert detail(ledger) == (True, "1 rows of 1 days, unchanged; 1 day is not sealed yet")
    assert all(not table.changed for table in ledger.stored_rows())


def test_a_day_of_which_a_spool_holds_rows_is_not_sealed(days, tmp_path):
    spooled(tmp_path, answer())
    days.drain(tmp_path)
    writing = Spool(tmp_path)
    writing.append([answer()])
    assert days.drain(tmp_path) == 0
    assert days.seal(tmp_path, DUE) == ()
    writing.close()
    assert days.drain(tmp_path) == 1
    assert days.seal(tmp_path, DUE) == (DAY,)


def test_a_seal_waits_for_who_writes_to_the_day(days, ledger, tmp_path, database_url, hand):
    spooled(tmp_path, answer())
    days.drain(tmp_path)
    with closing(psycopg2.connect(database_url.replace("+psycopg2", ""))) as writer:
        with writer.cursor() as cursor:
            cursor.execute(
                "INSERT INTO answers SELECT day, gen_random_uuid(), model, version, arm, origin, user_id, key_id, "
                "row_id, predicted_at, milliseconds, prediction, confidence, fallback, failed_version, "
                "data_version, feature_version FROM answers"
            )
        sealing = threading.Thread(target=days.seal, args=(tmp_path, DUE))
        sealing.start()
        sealing.join(0.5)
        assert sealing.is_alive()
        writer.commit()
        sealing.join(5)
    assert hand("SELECT rows FROM answer_seals") == [(2,)]
    assert detail(ledger)[0]


CHANGES = {
    "UPDATE answers SET prediction = 'other' WHERE prediction_id = %s": "a row was changed",
    "DELETE FROM answers WHERE prediction_id = %s": "1, recorded 2",
    "INSERT INTO answers SELECT day, prediction_id, model, version, arm, 'batch', user_id, key_id, row_id, "
    "predicted_at, milliseconds, prediction, confidence, fallback, failed_version, data_version, feature_version "
    "FROM answers WHERE prediction_id = %s": "3, recorded 2",
}


@pytest.mark.parametrize("statement", CHANGES)
def test_what_another_hand_does_to_a_sealed_day_is_named_and_stays_so(
    days, ledger, hand, tmp_path, statement
):
    row = answer()
    sealed_with(days, tmp_path, row, answer())
    assert detail(ledger)[0]
    assert hand(statement, row.prediction_id) == 1
    assert detail(ledger) == (
        False,
        f"{DAY}: {CHANGES[statement]}; 0 days are not sealed yet",
    )
    spooled(tmp_path, answer())
    assert days.drain(tmp_path) == 1
    ok, text = detail(ledger)
    assert not ok
    assert f"{DAY}: " in text


def test_a_seal_that_another_hand_changes_is_named(days, ledger, hand, tmp_path):
    sealed_with(days, tmp_path, answer())
    hand("UPDATE answer_seals SET digest = digest + 1")
    assert not detail(ledger)[0]
    changed = {table.table for table in ledger.stored_rows() if table.changed}
    assert changed == {"answer_seals"}


def test_a_day_that_another_hand_drops_is_named(days, ledger, hand, tmp_path):
    sealed_with(days, tmp_path, answer())
    hand(f"DROP TABLE {partition_of('answers', DAY)}")
    assert detail(ledger) == (False, f"{DAY}: 0, recorded 1; 0 days are not sealed yet")


def test_late_rows_are_added_to_the_seal_once(days, ledger, hand, tmp_path):
    first, late = answer(), answer(milliseconds=1e-7)
    sealed_with(days, tmp_path, first)
    spooled(tmp_path, late, first)
    assert days.drain(tmp_path) == 2
    assert hand("SELECT rows FROM answer_seals WHERE day = %s", DAY) == [(2,)]
    assert detail(ledger) == (True, "2 rows of 1 days, unchanged; 0 days are not sealed yet")
    assert all(not table.changed for table in ledger.stored_rows())


REFUSED = {
    "day": {"day": "yesterday or so"},
    "last day": {"day": "9999-12-31"},
    "NUL": {"features": '{"x": "\0"}'},
    "id": {"prediction_id": "no uuid"},
    "no number": {"confidence": float("nan")},
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_row_that_postgresql_refuses_holds_up_no_others(days, hand, tmp_path, caplog, fault):
    bad = answer(**REFUSED[fault])
    rows = [answer() for _ in range(20)]
    spooled(tmp_path, *rows[:7], bad, *rows[7:])
    spooled(tmp_path, answer())
    with caplog.at_level(logging.WARNING):
        assert days.drain(tmp_path) == 21
    assert hand("SELECT count(*) FROM answers") == [(21,)]
    (aside,) = tmp_path.iterdir()
    assert aside.name.endswith(".spool.refused")
    assert aside.read_bytes() == line_of(bad)
    (warning,) = caplog.messages
    assert str(aside) in warning
    assert days.drain(tmp_path) == 0


def test_a_line_of_another_release_is_set_aside(days, hand, tmp_path):
    spooled(tmp_path, answer())
    (path,) = tmp_path.iterdir()
    strange = b'%08x {"answer": 42}\n' % zlib.crc32(b'{"answer": 42}')
    path.write_bytes(strange + path.read_bytes())
    assert days.drain(tmp_path) == 1
    (aside,) = tmp_path.iterdir()
    assert aside.read_bytes() == strange


def test_old_requests_go(days, hand):
    for hours in (1, 23, 25, 99):
        hand(
            "INSERT INTO repeated_requests VALUES ('k', %s, %s, '', '')",
            f"{hours}",
            DUE - timedelta(hours=hours),
        )
    assert days.forget_requests(DUE) == 2
    assert hand("SELECT idempotency_key FROM repeated_requests ORDER BY 1") == [("1",), ("23",)]


def test_days_are_listed_with_rows_and_bytes_and_dropped_with_their_seal(
    days, ledger, hand, tmp_path, database_url
):
    sealed_with(days, tmp_path, answer(), answer())
    spooled(tmp_path, answer(NEXT))
    days.drain(tmp_path)
    with closing(KeptRows(database_url)) as kept:
        items = [each for each in kept.items() if each.kind in (Kind.ANSWERS, Kind.ANSWER_PAYLOADS)]
        assert [(each.kind, each.key, each.count) for each in items] == [
            (Kind.ANSWERS, f"{DAY}", 2),
            (Kind.ANSWERS, f"{NEXT}", 1),
            (Kind.ANSWER_PAYLOADS, f"{DAY}", 2),
            (Kind.ANSWER_PAYLOADS, f"{NEXT}", 1),
        ]
        assert items[0].at == datetime(NEXT.year, NEXT.month, NEXT.day, tzinfo=UTC)
        assert all(each.bytes > 8_000 for each in items)
        kept.remove([items[0], items[3]])
        left = [(each.kind, each.key) for each in kept.items()]
    assert left == [(Kind.ANSWERS, f"{NEXT}"), (Kind.ANSWER_PAYLOADS, f"{DAY}")]
    assert hand("SELECT day FROM answer_seals") == []
    assert detail(ledger) == (True, "0 rows of 0 days, unchanged; 1 day is not sealed yet")
    assert all(not table.changed for table in ledger.stored_rows())
    assert hand("SELECT * FROM row_hashes WHERE table_name = 'answer_seals'") == []


@pytest.mark.parametrize("half", ["pending", "detached"])
def test_a_removal_that_was_killed_leaves_verify_clean_and_is_gone_on_with(
    days, ledger, hand, tmp_path, database_url, half
):
    sealed_with(days, tmp_path, answer(), answer(NEXT))
    name = partition_of("answers", DAY)
    if half == "detached":
        hand(f"ALTER TABLE answers DETACH PARTITION {name} CONCURRENTLY")
    else:
        _killed_while_detaching(database_url, name)
        assert hand("SELECT count(*) FROM answers") == [(1,)]
    assert detail(ledger)[0]
    with closing(KeptRows(database_url)) as kept:
        kept.remove([Item(Kind.ANSWERS, f"{DAY}", DUE)])
    assert detail(ledger) == (True, "0 rows of 0 days, unchanged; 1 day is not sealed yet")
    assert hand("SELECT to_regclass(%s)::text", name) == [(None,)]


def _killed_while_detaching(database_url, name):
    """Detach, and be cancelled while a reader of the table is waited for."""
    url = database_url.replace("+psycopg2", "")
    with closing(psycopg2.connect(url)) as reader, closing(psycopg2.connect(url)) as detaching:
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM answers")
        detaching.autocommit = True
        with detaching.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                cursor.execute(f"ALTER TABLE answers DETACH PARTITION {name} CONCURRENTLY")


def test_the_service_inserts_while_days_are_made_and_dropped_and_a_reader_reads(
    days, tmp_path, database_url
):
    """A reader of 2 s, such as a backup, is waited for by the drop alone; each insertion takes less than 500 ms."""
    sealed_with(days, tmp_path, answer())
    days.prepare(NEXT)
    url = database_url.replace("+psycopg2", "")
    slowest, stopped = [0.0], threading.Event()

    def insert():
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not stopped.is_set():
                    began = datetime.now(UTC)
                    cursor.execute(
                        "INSERT INTO answers VALUES (%s, gen_random_uuid(), '', '', '', '', '', '', '', now(), 1, "
                        "'', 1, '', '', '', '')",
                        (NEXT,),
                    )
                    slowest.append((datetime.now(UTC) - began).total_seconds())

    inserting = threading.Thread(target=insert)
    inserting.start()
    engine = ledger_engine(database_url)
    try:
        with closing(psycopg2.connect(url)) as reader:
            with reader.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM answers")
            dropping = threading.Thread(target=drop_day, args=(engine, "answers", DAY))
            dropping.start()
            days.prepare(NEXT + timedelta(days=30))
            dropping.join(1.0)
            assert dropping.is_alive()
            reader.rollback()
        dropping.join(10)
        assert not dropping.is_alive()
    finally:
        stopped.set()
        inserting.join()
        engine.dispose()
    assert len(slowest) > 50
    assert max(slowest) < 0.5


def test_the_name_of_a_partition_says_its_day():
    assert partition_of("answer_payloads", DAY) == "answer_payloads_day_20261120"
    assert day_of("answer_payloads_day_20261120") == DAY
