"""A person whom the service has answered stands in no answer, payload, repeated request or spool any more."""

import json
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
import sqlalchemy as sa

from ml_platform.adapters.database_urls import connect
from ml_platform.adapters.forgetting.answer_rows import AnswerRows, ServiceFiles
from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.spool import Spool, line_of
from ml_platform.adapters.serving.state_file import read_state, write_state
from ml_platform.application.forget import forget
from ml_platform.application.verify import verify_home
from ml_platform.serving.keys import ApiKey
from ml_platform.serving.state import ServiceState
from ml_platform_tests.adapters.answer_rows import DAY, answer
from ml_platform_tests.application.person_homes import ANN, BOB, person_home, traces
from ml_platform_tests.serving.examples import key_of

TODAY = datetime.now(UTC).date()
LATER = DAY + timedelta(days=1)
ANNS_ROW = "request-ann-0001"


@pytest.fixture
def urls(postgres, database_url):
    server = postgres.ml_platform.rsplit("/", 1)[0]
    names = [f"test_{uuid.uuid4().hex}" for _ in range(2)]
    connection = connect(postgres.ml_platform, database="postgres")
    cursor = connection.cursor()
    for name in names:
        cursor.execute(f'CREATE DATABASE "{name}"')
    yield [database_url, *(f"{server}/{name}" for name in names)]
    for name in names:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    connection.close()


@pytest.fixture
def platform(tmp_path, urls):
    """A home with a sealed day and a day that is not sealed, and spools; Ann and Bob in each."""
    platform = person_home(tmp_path, *urls)
    folder = platform.settings.spool
    logged = [
        answer(day, user_id=user, features=json.dumps({"note": user}), row_id=row_id)
        for day in (DAY, TODAY)
        for user, row_id in ((ANN, ANNS_ROW), (ANN, ""), (BOB, "shared"), (ANN, "shared"))
    ]
    bobs = answer(user_id=BOB, features=json.dumps({"seen": f"by {ANN}"}))
    _spool(folder, *logged, bobs)
    with closing(AnswerDays(urls[0])) as days:
        days.drain(folder)
        assert days.seal(folder, datetime(LATER.year, LATER.month, LATER.day, 2, tzinfo=UTC)) == (
            DAY,
        )
    _spool(folder, answer(TODAY, user_id=ANN), answer(TODAY, user_id=BOB))
    refused = line_of(answer(user_id=ANN, day="no day")) + line_of(answer(user_id=BOB, day="none"))
    (folder / "1-a.spool.refused").write_bytes(refused)
    engine = ledger_engine(urls[0])
    with engine.begin() as connection:
        for number, row in enumerate((logged[0], logged[2])):
            connection.execute(
                sa.text("INSERT INTO repeated_requests VALUES ('k', :key, now(), 'x', :response)"),
                {"key": f"{number}", "response": f'{{"prediction_id":"{row.prediction_id}"}}'},
            )
        for row_id in (ANNS_ROW, "shared"):
            connection.execute(
                sa.text("INSERT INTO outcomes VALUES (:model, :row, 'fix', now())"),
                {"model": logged[0].model, "row": row_id},
            )
    engine.dispose()
    yield platform
    platform.ledger.close()


def _spool(folder, *rows):
    spool = Spool(folder)
    spool.append(rows)
    spool.close()


def forgotten(platform, *, apply=True, user=ANN):
    return forget(
        platform, user, apply=apply, actor="the officer", reason="17", progress=lambda line: None
    )


def rows(url, query):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found


def faults(platform):
    return [(each.subject, each.detail) for each in verify_home(platform) if not each.ok]


def test_nothing_of_the_person_is_left_and_everything_of_others(platform, urls):
    dry = forgotten(platform, apply=False)
    assert traces(platform.settings.home, ANN, *urls)
    done = forgotten(platform)
    assert done.finished
    (step,) = [each for each in done.steps if each.what.startswith("answers of the service")]
    assert step in dry.steps
    assert (step.what, step.things) == ("answers of the service (2 on the local disk)", 6 + 1 + 2)
    assert traces(platform.settings.home, ANN, *urls) == []
    assert traces(platform.settings.home, ANNS_ROW, *urls) == []
    assert rows(urls[0], "SELECT user_id, count(*) FROM answers GROUP BY 1") == [(BOB, 3)]
    payloads = [text for (text,) in rows(urls[0], "SELECT features FROM answer_payloads")]
    assert sorted(payloads) == [f'{{"note": "{BOB}"}}'] * 2 + ['{"seen": "by (forgotten)"}']
    assert rows(urls[0], "SELECT idempotency_key FROM repeated_requests") == [("1",)]
    assert rows(urls[0], "SELECT row_id FROM outcomes") == [("shared",)]
    files = ServiceFiles(platform.settings)
    spooled = sorted(path.name.rpartition(".")[2] for path in platform.settings.spool.iterdir())
    assert spooled == ["refused", "spool"]
    assert sum(path.stat().st_mode & 0o077 for path in platform.settings.spool.iterdir()) == 0
    assert files.spooled(BOB, frozenset(), None) == 2
    with closing(AnswerDays(urls[0])) as days:
        assert days.drain(platform.settings.spool) == 1


def test_sealed_days_are_whole_afterwards_and_still_tell_of_another_hand(platform, urls):
    forgotten(platform)
    assert faults(platform) == []
    assert rows(urls[0], "SELECT rows FROM answer_seals") == [(2,)]
    with closing(psycopg2.connect(urls[0].replace("+psycopg2", ""))) as connection:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE answers SET prediction = 'x' WHERE day = %s", (DAY,))
        connection.commit()
    (fault,) = faults(platform)
    assert fault[0] == "rows of answers"
    assert f"{DAY}: a row was changed" in fault[1]


def test_what_another_hand_did_before_is_not_covered_up(platform, urls):
    with closing(psycopg2.connect(urls[0].replace("+psycopg2", ""))) as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE answers SET prediction = 'x' WHERE day = %s AND user_id = %s", (DAY, BOB)
            )
        connection.commit()
    forgotten(platform)
    (fault,) = faults(platform)
    assert f"{DAY}: a row was changed" in fault[1]


def test_the_spool_of_a_process_at_work_is_said_to_remain(platform):
    writing = Spool(platform.settings.spool)
    writing.append([answer(TODAY, user_id=ANN)])
    done = forgotten(platform)
    assert not done.finished
    assert any("serving/spool/" in each.where and each.again for each in done.remains)
    writing.close()
    assert forgotten(platform).finished


def test_an_answer_without_the_id_of_a_row_is_only_that_persons(platform, urls):
    with closing(AnswerRows(urls[0])) as theirs:
        assert theirs.count("nobody", frozenset({""})) == 0
        theirs.remove("nobody", frozenset({""}))
        assert theirs.count("nobody", frozenset({ANNS_ROW})) == 2 + 1
    assert rows(urls[0], "SELECT count(*) FROM answers") == [(9,)]


def test_a_state_that_names_the_person_goes(platform):
    folder = platform.settings.serving
    bob: ApiKey = key_of(BOB)[0]
    write_state(folder, ServiceState(keys=(bob,)))
    forgotten(platform)
    assert read_state(folder) is not None
    write_state(folder, ServiceState(keys=(bob, key_of(ANN, 1)[0])))
    assert forgotten(platform).finished
    assert read_state(folder) is None
