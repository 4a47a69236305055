"""Traffic as PostgreSQL sums it, of rows that are logged as the service logs them."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.answer_log import INSERT
from ml_platform.adapters.serving.traffic import TrafficLog
from ml_platform.errors import ServiceError
from ml_platform.serving.answer_row import AnswerRow
from ml_platform.serving.router import Fallback
from ml_platform.serving.traffic import last_hours

NOW = datetime(2026, 5, 2, 0, 20, tzinfo=UTC)
"""Twenty minutes after midnight: the hour before lies in the partition of the day before."""


def row(number: int = 0, **fields: object) -> AnswerRow:
    given = {
        "prediction_id": f"00000000-0000-0000-0000-{number:012d}",
        "model": "m",
        "version": "1",
        "arm": "champion",
        "origin": "served",
        "user_id": "u",
        "key_id": "k",
        "row_id": "",
        "predicted_at": NOW,
        "milliseconds": 1.05,
        "prediction": "a",
        "confidence": 0.5,
        "fallback": "",
        "failed_version": "",
        "data_version": "",
        "feature_version": "",
        "features": f'{{"x":{number}}}',
        "scores": "[]",
        **fields,
    }
    return AnswerRow(day=f"{given['predicted_at']:%Y-%m-%d}", **given)


@pytest.fixture
def engine(database_url):
    days = AnswerDays(database_url)
    days.prepare(NOW.date())
    days.close()
    engine = sa.create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def log(database_url):
    log = TrafficLog(database_url)
    yield log
    log.close()


def insert(engine, *rows):
    with engine.begin() as connection:
        connection.exec_driver_sql(INSERT, (msgspec.json.encode(rows).decode(),))


def test_answers_are_summed_by_hour_version_and_cause(engine, log):
    insert(
        engine,
        row(1),
        row(2, milliseconds=10.0),
        row(3, predicted_at=NOW - timedelta(minutes=40)),
        row(4, fallback=Fallback.NO_CHAMPION, version="rules@1", arm="rules"),
        row(5, fallback=Fallback.CANARY_FAILED, failed_version="2"),
        row(6, arm="shadow", origin="shadow", version="2"),
        row(7, model="other"),
        row(8, predicted_at=NOW - timedelta(minutes=90)),
        row(9, milliseconds=0.0),
    )
    since, until = last_hours(NOW, 2)
    assert since == datetime(2026, 5, 1, 23, tzinfo=UTC)
    traffic = log.traffic(since, until)
    mine = traffic.of("m")
    assert [tally.answers for _, tally in mine.hours] == [1, 5]
    total = mine.total
    assert (total.answers, total.by_rules, total.fallbacks, total.errors) == (6, 1, 1, 1)
    assert sum(total.latencies.values()) == 6
    assert total.latencies[24] == 1
    assert traffic.total.answers == 7
    assert ("2", "shadow", 1) in [(v, arm, tally.answers) for v, arm, tally in mine.arms]
    assert log.traffic(since, until, "m").total == total


def test_classes_come_most_frequent_first_without_those_in_shadow(engine, log):
    insert(
        engine,
        row(1, prediction="b"),
        row(2, prediction="b"),
        row(3),
        row(4, arm="shadow", origin="shadow", prediction="c"),
        row(5, model="other", prediction="d"),
        row(6, prediction="e", predicted_at=NOW - timedelta(hours=20)),
    )
    assert log.classes("m", NOW - timedelta(hours=2)) == (("b", 2), ("a", 1))


def test_the_example_is_the_newest_row_that_somebody_asked(engine, log):
    insert(
        engine,
        row(1, predicted_at=NOW - timedelta(hours=1)),
        row(2),
        row(3, model="other", predicted_at=NOW + timedelta(minutes=1)),
        row(4, origin="shadow", arm="shadow", predicted_at=NOW + timedelta(minutes=1)),
    )
    assert log.example("m", NOW - timedelta(hours=2)) == '{"x":2}'
    assert log.example("nobody", NOW - timedelta(hours=2)) == ""


def test_a_query_that_takes_too_long_is_given_up(engine, log, monkeypatch):
    monkeypatch.setattr("ml_platform.adapters.serving.traffic.SECONDS", 1)
    insert(engine, row(1))
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE answers IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(ServiceError):
            log.traffic(*last_hours(NOW, 2))
