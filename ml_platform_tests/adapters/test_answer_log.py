"""Requests that may be sent again, in groups: each is logged once by all workers, and its first answer is known."""

import asyncio
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg2
import pytest

from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.answer_log import AnswerLog, FirstResponse, Repeatable
from ml_platform.adapters.serving.async_postgres import AsyncPostgres
from ml_platform.adapters.serving.spool import Spool
from ml_platform_tests.adapters.answer_rows import answer

TODAY = datetime.now(UTC).date()


@pytest.fixture
def database(database_url):
    days = AnswerDays(database_url)
    days.prepare(TODAY)
    days.close()
    return database_url.replace("postgresql+psycopg2", "postgresql")


@asynccontextmanager
async def worker_log(database, folder):
    postgres, queries = (AsyncPostgres(database, seconds=20) for _ in range(2))
    log = AnswerLog(postgres, queries, Spool(folder / uuid.uuid4().hex))
    log.start()
    try:
        yield log
    finally:
        await log.stop()


def request(key, body="body"):
    return Repeatable("key", key, body)


async def once(log, key, body="body"):
    """A row of a request, and who was first: ``None``, or the answer of another one."""
    row = answer(TODAY)
    return row, await log.write_once(row, request(key, body), f"answer {row.prediction_id}")


def ids(database):
    connection = psycopg2.connect(database)
    cursor = connection.cursor()
    cursor.execute(
        "SELECT a.prediction_id::text FROM answers a JOIN answer_payloads USING (prediction_id)"
    )
    found = [each for (each,) in cursor.fetchall()]
    connection.close()
    return found


def test_one_group_tells_each_row_whether_it_was_the_first(database, tmp_path):
    async def run():
        async with worker_log(database, tmp_path) as log:
            before, _ = await once(log, "known")
            plain = [answer(TODAY) for _ in range(3)]
            groups = log.counts.groups
            found, *_ = await asyncio.gather(
                asyncio.gather(*(once(log, name) for name in ("a", "known", "b"))),
                *(log.write(row) for row in plain),
            )
            assert log.counts.groups == groups + 1
            assert log.counts.committed == 6
            return before, plain, found

    before, plain, ((a, first_a), (_, known), (b, first_b)) = asyncio.run(run())
    assert (first_a, first_b) == (None, None)
    assert known == FirstResponse("body", f"answer {before.prediction_id}")
    expected = [before, *plain, a, b]
    assert sorted(ids(database)) == sorted(row.prediction_id for row in expected)


def test_the_same_request_twice_in_one_moment_waits_for_the_next_group(database, tmp_path):
    async def run():
        async with worker_log(database, tmp_path) as log:
            return await asyncio.gather(*(once(log, "k", f"body {n}") for n in range(5)))

    (row, first), *others = asyncio.run(run())
    assert first is None
    assert {answered for _, answered in others} == {
        FirstResponse("body 0", f"answer {row.prediction_id}")
    }
    assert ids(database) == [row.prediction_id]


def held(database, name):
    """Let a transaction hold a request until the function that is returned is called."""
    connection = psycopg2.connect(database)
    connection.cursor().execute(
        "INSERT INTO repeated_requests VALUES ('key', %s, now(), 'body', '')", (name,)
    )
    return connection.close


def test_workers_with_the_same_requests_wait_for_each_other_in_no_circle(database, tmp_path):
    names = [f"k{number}" for number in range(40)]

    async def run():
        async with worker_log(database, tmp_path) as one, worker_log(database, tmp_path) as other:
            await asyncio.gather(once(one, "connects"), once(other, "connects as well"))
            let_go = held(database, names[len(names) // 2])  # until both have begun
            asked = asyncio.gather(
                *(once(one, name) for name in names for _ in range(2)),
                *(once(other, name) for name in reversed(names) for _ in range(2)),
            )
            await asyncio.sleep(0.5)
            let_go()
            found = await asked
            return found, one.counts.spooled + other.counts.spooled

    found, spooled = asyncio.run(run())
    assert spooled == 0
    first = [row.prediction_id for row, answered in found if answered is None]
    assert len(first) == len(names)
    assert set(first) <= set(ids(database))
    assert len(ids(database)) == len(first) + 2
    said = {answered.response for _, answered in found if answered is not None}
    assert said == {f"answer {prediction_id}" for prediction_id in first}


def test_a_first_answer_that_cannot_be_read_costs_a_second_row_and_no_answer(database, tmp_path):
    async def run():
        async with worker_log(database, tmp_path) as log:
            before, _ = await once(log, "k")
            log._queries.move_to("")
            again, first = await once(log, "k")
            assert first is None
            return {before.prediction_id, again.prediction_id}

    written = asyncio.run(run())
    assert set(ids(database)) == written
