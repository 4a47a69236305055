"""Outcomes and feedback by the id of an answer: stored once, for its user alone, and in the next training data."""

import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
import sqlalchemy as sa
import uuid6

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.answer_log import INSERT
from ml_platform.serving.answer_row import AnswerRow
from ml_platform.serving.feedback import FeedbackKind, days_of
from ml_platform.serving.keys import Scope
from ml_platform_tests.api.running import bearer, key_for
from ml_platform_tests.api.service import service

OUTCOMES, FEEDBACK = "/api/ml/outcomes", "/api/ml/feedback"
ANN, ANNS = key_for("ann", Scope.FEEDBACK)
BOB, BOBS = key_for("bob", Scope.FEEDBACK)
COLLECTOR, COLLECTORS = key_for("collector", Scope.FEEDBACK, Scope.ACT_FOR)
SENDER, SENDERS = key_for("ann", Scope.EVENTS)
KEYS = (ANN, BOB, COLLECTOR, SENDER)
GONE = "postgresql://nobody@127.0.0.1:1/nowhere"


def answered(url, model="pattern_classifier", row_id="e1", user="ann", origin="served", late=False):
    """The id of an answer that stands in the log; with ``late`` its id was made on the day after."""
    now = datetime.now(UTC)
    day = now.date() - timedelta(days=1) if late else now.date()
    row = AnswerRow(
        day=str(day),
        prediction_id=str(uuid6.uuid7()),
        model=model,
        version="1",
        arm="champion",
        origin=origin,
        user_id=user,
        key_id="k",
        row_id=row_id,
        predicted_at=now,
        milliseconds=1.0,
        prediction="fix",
        confidence=0.5,
        fallback="",
        failed_version="",
        data_version="d",
        feature_version="f",
        features="{}",
        scores="[]",
    )
    days = AnswerDays(url)
    days.prepare(date.fromisoformat(row.day))
    days.close()
    engine = ledger_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(INSERT, (msgspec.json.encode([row]).decode(),))
    engine.dispose()
    return row.prediction_id


@pytest.fixture
def asked(tmp_path, database_url):
    return service(tmp_path, database_url, KEYS)


@pytest.fixture
def stored(database_url):
    engine = sa.create_engine(database_url)

    def rows(table):
        with engine.connect() as connection:
            found = connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY received_at"))
            return found.mappings().all()

    yield rows
    engine.dispose()


@pytest.mark.parametrize("late", [False, True])
def test_an_outcome_is_stored_with_what_it_is_about(asked, stored, database_url, late):
    prediction = answered(database_url, late=late)
    body = {
        "prediction_id": prediction,
        "label": "feature",
        "known_at": "2026-05-01T12:00:00+02:00",
    }
    response = asked.post(OUTCOMES, body, ANNS)
    assert response.status_code == 202
    assert response.json() == {
        "prediction_id": prediction,
        "model": "pattern_classifier",
        "row_id": "e1",
        "recorded": True,
    }
    (row,), (waits,) = stored("feedback"), stored("inbox")
    assert (row["kind"], row["label"], row["value"]) == ("outcome", "feature", None)
    assert (row["at"], row["key_id"]) == (datetime(2026, 5, 1, 10, tzinfo=UTC), ANN.key_id)
    assert (waits["table_name"], waits["row_id"], waits["user_id"]) == ("feedback", "e1", "ann")
    assert json.loads(waits["body"]) == {
        "model": "pattern_classifier",
        "kind": "outcome",
        "label": "feature",
        "at": "2026-05-01T10:00:00Z",
    }


def test_the_same_report_counts_once(asked, stored, database_url):
    prediction = answered(database_url)
    reports = [
        (FEEDBACK, {"kind": "applied"}),
        (FEEDBACK, {"kind": "applied", "at": "2026-05-01T10:00:00Z"}),
        (FEEDBACK, {"kind": "dwell", "value": 3.5, "at": "2026-05-01T10:00:00Z"}),
        (FEEDBACK, {"kind": "dwell", "value": 3.5, "at": "2026-05-01T10:01:00Z"}),
        (OUTCOMES, {"label": "fix"}),
        (OUTCOMES, {"label": "feature"}),
    ]

    async def work(client):
        return [
            (
                await client.post(
                    path, json={"prediction_id": prediction, **body}, headers=bearer(ANNS)
                )
            ).json()["recorded"]
            for path, body in reports * 2
        ]

    assert asked.run(work) == [True] * 6 + [False] * 6
    assert len(stored("feedback")) == len(stored("inbox")) == 6


@pytest.mark.parametrize("path", [OUTCOMES, FEEDBACK])
def test_nobody_learns_of_an_answer_that_is_not_theirs(asked, stored, database_url, path):
    said = {"label": "fix"} if path == OUTCOMES else {"kind": "thumbs_up"}
    prediction = answered(database_url)
    shadow = answered(database_url, origin="shadow")
    unknown = [
        str(uuid6.uuid7()),
        str(uuid4()),
        str(UUID(int=0)),
        str(UUID(int=2**128 - 1)),
        shadow,
    ]
    details = set()
    for asked_for, text in [*((each, COLLECTORS) for each in unknown), (prediction, BOBS)]:
        response = asked.post(path, {"prediction_id": asked_for, **said}, text)
        assert response.status_code == 404
        details.add(response.json()["detail"].replace(asked_for, "ID"))
    assert details == {"There is no answer ID of yours."}
    assert stored("feedback") == stored("inbox") == []
    assert asked.post(path, {"prediction_id": prediction, **said}, COLLECTORS).status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (OUTCOMES, {}, 422),
        (OUTCOMES, {"prediction_id": "x", "label": "a"}, 422),
        (OUTCOMES, {"prediction_id": str(uuid4()), "label": ""}, 422),
        (OUTCOMES, {"prediction_id": str(uuid4()), "label": "a\nb"}, 422),
        (OUTCOMES, {"prediction_id": str(uuid4()), "label": "a", "known_at": "2026-05-01T10:00:00"}, 422),
        (OUTCOMES, {"prediction_id": str(uuid4()), "label": "a", "known_at": "2999-05-01T10:00:00Z"}, 422),
        (FEEDBACK, {"prediction_id": str(uuid4()), "kind": "liked"}, 422),
        (FEEDBACK, {"prediction_id": str(uuid4()), "kind": "dwell"}, 422),
        (FEEDBACK, {"prediction_id": str(uuid4()), "kind": "dwell", "value": -1}, 422),
        (FEEDBACK, {"prediction_id": str(uuid4()), "kind": "edit", "value": 1}, 422),
        (FEEDBACK, {"prediction_id": str(uuid4()), "kind": "edit", "at": "1960-01-01T00:00:00Z"}, 422),
        (FEEDBACK, [], 422),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(asked, path, body, status):
    response = asked.post(path, body, ANNS)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert asked.post(path, body, SENDERS).status_code == 403


def test_without_postgresql_a_report_may_be_sent_again(tmp_path):
    gone = service(tmp_path, GONE, KEYS)
    response = gone.post(FEEDBACK, {"prediction_id": str(uuid6.uuid7()), "kind": "edit"}, ANNS)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


def test_the_day_of_an_answer_is_known_from_its_id():
    made = uuid6.uuid7()
    today = datetime.now(UTC).date()
    assert days_of(UUID(str(made)))[0] - today <= timedelta(days=1)
    assert days_of(UUID("018bcfe5-6800-7000-8000-000000000000")) == (
        date(2023, 11, 14),
        date(2023, 11, 13),
    )
    assert days_of(uuid4()) == ()
    assert days_of(UUID("ffffffff-ffff-7000-8000-000000000000")) == ()


def test_every_kind_is_taken(asked, database_url):
    prediction = answered(database_url)
    for kind in FeedbackKind:
        value = {"value": 2} if kind is FeedbackKind.DWELL else {}
        body = {"prediction_id": prediction, "kind": kind.value, **value}
        assert asked.post(FEEDBACK, body, ANNS).json()["recorded"]
