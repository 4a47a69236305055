"""The route of schedulers on the real application: the model is asked where there is one, else the rule decides."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ml_platform.adapters.serving.feature_socket import Question, Reply, make_room
from ml_platform.client import ClientError, ScheduleRule, ShouldRun, StartTime
from ml_platform.serving.table import ServedModel
from ml_platform_tests.client.services import features, logged, service, trigger_predictor

HOUR = timedelta(hours=1)
DAILY = ScheduleRule(every_hours=24)
MORNING, AFTERNOON, NIGHT = features(9), features(14), features(2)


def ask(home: Path, *models: ServedModel, rule: ScheduleRule = DAILY, **given: Any) -> ShouldRun:
    async def work() -> ShouldRun:
        async with service(home, *models) as (_, client):
            return await client.should_run("deploy", rule, **given)

    return asyncio.run(work())


def ago(hours: float) -> datetime:
    return datetime.now(UTC) - hours * HOUR


@pytest.mark.parametrize(
    ("start", "last", "run", "why", "confidence"),
    [
        (MORNING, 25, True, "model", 0.9),
        (NIGHT, 25, False, "model", 0.1),
        (NIGHT, 49, True, "rule", 0.1),
        (AFTERNOON, 25, True, "rule", 0.52),
        (AFTERNOON, 23, False, "rule", 0.52),
        (MORNING, 23, False, "rule", 0.9),
        (None, 25, True, "rule", None),
        (None, 23, False, "rule", None),
    ],
)
def test_the_model_is_asked_and_the_rule_keeps_its_limits(
    tmp_path: Path,
    start: dict[str, object] | None,
    last: float,
    run: bool,
    why: str,
    confidence: float | None,
) -> None:
    last_run = ago(last)
    decided = ask(tmp_path, trigger_predictor(tmp_path), last_run=last_run, features=start)
    assert (decided.run, decided.why) == (run, why)
    assert decided.confidence == confidence
    assert decided.due == last_run + 24 * HOUR


@pytest.mark.parametrize("last", [25, 23])
def test_without_a_model_the_rule_decides(tmp_path: Path, last: float) -> None:
    rules_alone = trigger_predictor(tmp_path, in_production=False)
    other = ServedModel("other", rules_alone.rules, None, None, 1)
    for models in ((), (other,), (rules_alone,)):
        decided = ask(tmp_path, *models, last_run=ago(last), features=NIGHT)
        assert (decided.run, decided.why, decided.confidence) == (last > 24, "rule", None)


def test_a_damaged_version_leaves_the_decision_to_the_rule(tmp_path: Path) -> None:
    model = trigger_predictor(tmp_path)
    for path in (tmp_path / "artifacts").rglob("*.json"):
        path.write_text("{}")
    decided = ask(tmp_path, model, last_run=ago(25), features=NIGHT)
    assert (decided.run, decided.why) == (True, "rule")


def test_a_better_time_within_the_horizon_is_waited_for(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    times = [StartTime(now + k * HOUR, features(14 if k < 5 else 9)) for k in range(1, 8)]
    given = {
        "rule": ScheduleRule(every_hours=24, threshold=0.4),
        "last_run": ago(25),
        "features": AFTERNOON,
        "times": times,
    }
    model = trigger_predictor(tmp_path)
    waits = ask(tmp_path, model, **given)
    assert (waits.run, waits.why, waits.because) == (False, "model", "a later time is better")
    assert waits.best_time == now + 5 * HOUR
    starts = ask(tmp_path, model, horizon_hours=4.0, **given)
    assert (starts.run, starts.why) == (True, "model")


def test_each_question_is_a_logged_prediction_for_its_person(tmp_path: Path) -> None:
    at = datetime.now(UTC) + HOUR
    decided = ask(
        tmp_path,
        trigger_predictor(tmp_path),
        last_run=ago(25),
        features=MORNING,
        times=[StartTime(at, NIGHT)],
        user_id="bob",
    )
    rows = logged(tmp_path)
    assert sorted(str(row["prediction_id"]) for row in rows) == sorted(decided.prediction_ids)
    assert {row["user_id"] for row in rows} == {"bob"}
    assert f"deploy@{at:%Y-%m-%dT%H:%MZ}" in {row["row_id"] for row in rows}


def features_as_of_now(questions: list[Question], home: Path) -> Any:
    """A process on the socket of features: it answers with those of the hour of each start."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                question = msgspec.json.decode(await reader.readuntil(b"\n"), type=Question)
                questions.append(question)
                starts = map(datetime.fromisoformat, question.about["starts"])
                reply = Reply([{**features(start.hour), "user_id": "ada"} for start in starts])
                writer.write(msgspec.json.encode(reply) + b"\n")

    return asyncio.start_unix_server(answer, str(make_room(home / "serving")))


@pytest.mark.parametrize(
    ("last", "asked", "run"), [(25, True, None), (23, False, False), (49, False, True)]
)
def test_without_features_those_of_now_and_of_the_hours_ahead_are_computed(
    tmp_path: Path, last: float, asked: bool, run: bool | None
) -> None:
    questions: list[Question] = []

    async def work() -> tuple[ShouldRun, datetime]:
        async with (
            await features_as_of_now(questions, tmp_path),
            service(tmp_path, trigger_predictor(tmp_path)) as (_, client),
        ):
            return await client.should_run("deploy", DAILY, last_run=ago(last)), ago(0)

    decided, now = asyncio.run(work())
    if not asked:
        assert (questions, decided.why, decided.run) == ([], "rule", run)
        return
    ((question),) = questions
    assert question.table == "start_time_features"
    assert question.about["workflow_id"] == "deploy"
    starts = [datetime.fromisoformat(each) for each in question.about["starts"]]
    assert len(starts) == len(decided.prediction_ids) == 25
    assert all(start.minute == 0 for start in starts[1:])
    assert decided.confidence == (0.1, 0.9, 0.52, 0.3)[starts[0].hour // 6]
    assert decided.best_time is not None
    assert 6 <= decided.best_time.hour < 12
    assert now - HOUR < decided.best_time <= now + 24 * HOUR
    assert len(logged(tmp_path)) == 25


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rule": ScheduleRule()}, "either an interval or times of day"),
        ({"rule": ScheduleRule(at=("25:00",))}, "'25:00' is no time of day"),
        ({"rule": ScheduleRule(at=("09:00",), zone="Nowhere")}, "no time zone 'Nowhere'"),
        ({"rule": ScheduleRule(every_hours=9000)}, "<= 8784"),
        ({"last_run": datetime(2100, 1, 1, tzinfo=UTC)}, "last_run is 2100-01-01"),
        ({"since": datetime(1, 1, 1, tzinfo=UTC)}, "since is 1-01-01"),
        ({"last_run": datetime(2026, 1, 1)}, "timezone component"),
        ({"times": [StartTime(datetime(1, 1, 1, tzinfo=UTC), {})]}, r"times\[0\] is"),
        ({"times": [StartTime(datetime.now(UTC), {})] * 49}, "length <= 48"),
        ({"features": {"workflow": "deploy"}}, "hour_sin is missing"),
        ({"horizon_hours": 169.0}, "<= 168"),
        ({"user_id": "bob\n"}, "printable characters"),
    ],
)
def test_a_question_that_cannot_be_used_is_refused(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match=said) as refused:
        ask(tmp_path, trigger_predictor(tmp_path), **given)
    assert refused.value.status == 422
