"""Routes to predictions: own ones page by page, others' for keys that act for them alone."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pandas as pd
import pytest
import sqlalchemy as sa
import uuid6

from ml_platform.adapters.ledger.engine import ledger_engine
from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.adapters.serving.answer_log import INSERT
from ml_platform.adapters.serving.answer_reader import AnswerReader
from ml_platform.serving.answer_row import AnswerRow, Origin
from ml_platform.serving.answer_views import AnswerFilter
from ml_platform.serving.keys import PERSON_SCOPES, Scope
from ml_platform_tests.api.routes.small_service import SmallHome, SmallService, Story

Run = Callable[[Story], None]
PREDICTIONS = "/api/ml/predictions"
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)


def logged(url: str, *rows: AnswerRow) -> None:
    """Write rows as a worker does."""
    days = AnswerDays(url)
    for day in {row.predicted_at.date() for row in rows}:
        days.prepare(day)
    days.close()
    engine = ledger_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(INSERT, (msgspec.json.encode(rows).decode(),))
    engine.dispose()


def answer(at: datetime, **fields: object) -> AnswerRow:
    """An answer to ann whose id was made at that moment."""
    milliseconds = int(at.timestamp() * 1000)
    number = (milliseconds << 80) | (uuid6.uuid7().int & ((1 << 80) - 1))
    row = AnswerRow(
        day=f"{at:%Y-%m-%d}",
        prediction_id=str(uuid.UUID(int=number)),
        model="example",
        version="1",
        arm="champion",
        origin="served",
        user_id="ann",
        key_id="k",
        row_id="",
        predicted_at=at,
        milliseconds=1.0,
        prediction="a",
        confidence=0.5,
        fallback="",
        failed_version="",
        data_version="",
        feature_version="",
        features="{}",
        scores="[]",
    )
    return msgspec.structs.replace(row, **fields)


def test_a_person_sees_every_own_prediction_once_page_by_page(small: SmallHome, run: Run) -> None:
    at_midnight = [NOON + timedelta(hours=12, milliseconds=place - 3) for place in range(6)]
    same_moment = [answer(NOON) for _ in range(3)]
    rows = [*map(answer, at_midnight), *same_moment]
    others = [answer(NOON, user_id="bob"), answer(NOON, origin=Origin.SHADOW)]
    logged(small.database, *rows, *others)

    async def story(service: SmallService) -> None:
        key, seen, after = small.person("ann"), list[str](), ""
        for _ in range(10):
            page = (await service.get(PREDICTIONS, key, limit=2, **after_of(after))).json()
            seen += [each["prediction_id"] for each in page["predictions"]]
            after = page["next"]
            if after is None:
                break
        assert len(seen) == len(rows)
        assert set(seen) == {row.prediction_id for row in rows}
        newest = [row.prediction_id for row in sorted(rows, key=lambda row: row.predicted_at)][::-1]
        assert seen[:6] == newest[:6]

    run(story)


def after_of(after: str) -> dict[str, str]:
    return {"after": after} if after else {}


def test_filters_by_model_and_time_leave_the_rest_out(small: SmallHome, run: Run) -> None:
    early, late = answer(NOON), answer(NOON + timedelta(days=1))
    logged(small.database, early, late, answer(NOON, model="untrained"))

    async def story(service: SmallService) -> None:
        key = small.person("ann")

        async def ids(**params: str) -> list[str]:
            found = await service.get(PREDICTIONS, key, **params)
            assert found.status_code == 200, found.text
            return [each["prediction_id"] for each in found.json()["predictions"]]

        assert await ids(model="example") == [late.prediction_id, early.prediction_id]
        since = {"from": "2026-05-03T00:00:00Z"}
        assert await ids(**since) == [late.prediction_id]
        assert await ids(model="example", to="2026-05-03T12:00:00+00:00") == [early.prediction_id]
        assert (await service.get(PREDICTIONS, key, model="nope")).status_code == 404

    run(story)


def test_others_predictions_need_a_key_that_acts_for_them(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        ann, bob = small.person("ann"), small.person("bob")
        helper = small.key("helper", *PERSON_SCOPES, Scope.ACT_FOR)
        mine = (await service.predict(ann))["prediction_id"]
        assert (await service.get(f"{PREDICTIONS}/{mine}", ann)).status_code == 200
        foreign = await service.get(f"{PREDICTIONS}/{mine}", bob)
        nothing = await service.get(f"{PREDICTIONS}/{uuid6.uuid7()}", bob)
        assert (foreign.status_code, nothing.status_code) == (404, 404)
        assert foreign.json()["title"] == nothing.json()["title"]
        assert (await service.get(f"{PREDICTIONS}/{mine}", helper)).status_code == 200
        assert (await service.get(PREDICTIONS, bob, user_id="ann")).status_code == 403
        page = (await service.get(PREDICTIONS, helper, user_id="ann")).json()
        assert [each["prediction_id"] for each in page["predictions"]] == [mine]
        assert (await service.get(PREDICTIONS, bob)).json() == {"predictions": [], "next": None}
        cursor = await service.get(PREDICTIONS, bob, after=mine)
        assert cursor.status_code == 422

    run(story)


def test_a_prediction_tells_what_it_was_asked_with(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        ann = small.person("ann")
        given = await service.predict(ann, row_id="r1")
        found = (await service.get(f"{PREDICTIONS}/{given['prediction_id']}", ann)).json()
        assert found["features"] == '{"x":1.0}'
        assert found["answer"]["row_id"] == "r1"
        assert found["answer"]["prediction"] == given["prediction"]
        assert (found["answer"]["outcome"], found["data_version"]) == (None, "f" * 64)

    run(story)


def test_what_was_reported_of_an_answer_is_shown_with_it(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        ann = small.person("ann")
        first, second = [(await service.predict(ann, row_id="r9"))["prediction_id"] for _ in "ab"]
        report = {"prediction_id": first, "label": "b", "known_at": f"{NOON:%Y-%m-%dT%H:%M:%SZ}"}
        assert (await service.post("/api/ml/outcomes", ann, report)).status_code == 202
        listed = (await service.get(PREDICTIONS, ann)).json()["predictions"]
        shown = {each["prediction_id"]: each for each in listed}
        assert shown[first]["outcome"] == "b"
        assert datetime.fromisoformat(shown[first]["outcome_known_at"]) == NOON
        assert (shown[second]["outcome"], shown[second]["outcome_known_at"]) == (None, None)

    run(story)


def test_an_outcome_is_shown_of_rows_of_one_s_own_alone(small: SmallHome, run: Run) -> None:
    """Who asks names the row himself: naming somebody else's must not tell what came of it."""
    columns = {"model": "example", "version": "1", "prediction": "a", "confidence": 0.5}
    row = {**columns, "row_id": "r1", "user_id": "ann", "occurred_at": NOON, "predicted_at": NOON}
    small.platform.ledger.log_predictions(pd.DataFrame([row]))
    outcome = {"model": "example", "row_id": "r1", "label": "b", "known_at": NOON}
    small.platform.ledger.log_outcomes(pd.DataFrame([outcome]))

    async def story(service: SmallService) -> None:
        ann, bob = small.person("ann"), small.person("bob")
        for key, expected in ((ann, "b"), (bob, None)):
            given = await service.predict(key, row_id="r1")
            one = (await service.get(f"{PREDICTIONS}/{given['prediction_id']}", key)).json()
            assert one["answer"]["outcome"] == expected
            listed = (await service.get(PREDICTIONS, key)).json()["predictions"]
            assert [each["outcome"] for each in listed] == [expected]

    run(story)


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "201"), ("after", "x"), ("from", "yesterday"), ("to", "0001-01-01")],
)
def test_a_parameter_that_is_none_is_named(
    small: SmallHome, run: Run, name: str, value: str
) -> None:
    async def story(service: SmallService) -> None:
        refused = await service.get(PREDICTIONS, small.person("ann"), **{name: value})
        assert refused.status_code == 422
        assert name in refused.text
        assert refused.headers["content-type"] == "application/problem+json"

    run(story)


def test_an_id_from_the_end_of_time_is_not_found(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        for identity in ("ffffffff-ffff-7fff-bfff-ffffffffffff", str(uuid.UUID(int=0))):
            found = await service.get(f"{PREDICTIONS}/{identity}", small.person("ann"))
            assert found.status_code == 404

    run(story)


def test_figures_split_hours_causes_and_quantiles(small: SmallHome) -> None:
    rows = [answer(NOON - timedelta(minutes=place), milliseconds=1.0) for place in range(98)]
    slow = [answer(NOON, milliseconds=100.0, fallback="failed") for _ in range(2)]
    shadow = answer(NOON, origin=Origin.SHADOW)
    logged(small.database, *rows, *slow, shadow)
    reader = AnswerReader(small.database)
    hour, day = reader.statistics(NOON)
    assert (hour.answers, day.answers) == (63, 100)
    assert hour.fallbacks == day.fallbacks == {"failed": 2}
    assert day.p50_ms == pytest.approx(1.0, rel=0.011)
    assert day.p99_ms == pytest.approx(100.0, rel=0.011)
    assert hour.per_second == pytest.approx(63 / 3600, abs=1e-4)
    reader.close()


def test_a_page_reads_few_rows_of_a_long_history(small: SmallHome) -> None:
    rows = [answer(NOON + timedelta(seconds=place)) for place in range(2_000)]
    logged(small.database, *rows)
    reader = AnswerReader(small.database)
    page = reader.page(AnswerFilter("ann", limit=5, after=rows[1000].prediction_id))
    assert [each.predicted_at for each in page.predictions] == [
        row.predicted_at for row in reversed(rows[995:1000])
    ]
    with reader._engine.connect() as connection:
        connection.execute(sa.text("ANALYZE answers"))
        plan = connection.execute(
            sa.text(
                "EXPLAIN SELECT * FROM answers WHERE user_id = 'ann' AND origin <> 'shadow' "
                "ORDER BY predicted_at DESC, prediction_id DESC LIMIT 5"
            )
        )
        assert "user_id_predicted_at" in "\n".join(row[0] for row in plan)
    reader.close()
