"""The client and the real application of the service: they mean the same by every word."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ml_platform.client import AsyncClient, ClientError, PredictAnswer, Problem, Row
from ml_platform.serving.keys import Scope
from ml_platform.serving.table import ServedModel
from ml_platform_tests.client.services import (
    MODEL,
    features,
    logged,
    service,
    trigger_predictor,
)

T = TypeVar("T")


def run(
    home: Path, *models: ServedModel, ask: Callable[[AsyncClient], Awaitable[T]], **options: object
) -> T:
    async def work() -> T:
        async with service(home, *models, **options) as (_, client):  # type: ignore[arg-type]
            return await ask(client)

    return asyncio.run(work())


def test_an_answer_with_everything_asked_for_is_logged_as_it_is_told(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        trigger_predictor(tmp_path),
        ask=lambda client: client.predict(
            MODEL, features(9), user_id="bob", row_id="run", scores=True
        ),
    )
    assert answer == PredictAnswer(
        answer.prediction_id,
        MODEL,
        "7",
        "champion",
        "yes",
        0.9,
        False,
        scores={"no": pytest.approx(0.1), "yes": 0.9},
    )
    (row,) = logged(tmp_path)
    assert row["prediction_id"] == answer.prediction_id
    assert (row["user_id"], row["row_id"]) == ("bob", "run")


def test_an_idempotency_key_gives_the_first_answer_again(tmp_path: Path) -> None:
    async def ask(client: AsyncClient) -> tuple[PredictAnswer, ...]:
        return (
            await client.predict(MODEL, features(9), idempotency_key="one"),
            await client.predict(MODEL, features(9), idempotency_key="one"),
            await client.predict(MODEL, features(9)),
        )

    first, again, other = run(tmp_path, trigger_predictor(tmp_path), ask=ask)
    assert first == again
    assert first.prediction_id != other.prediction_id


def test_a_batch_has_an_answer_or_a_problem_for_each_row(tmp_path: Path) -> None:
    rows = [features(9), Row({"hour_sin": 1.0}), Row(features(2), "bob", "row")]
    first, second, third = run(
        tmp_path,
        trigger_predictor(tmp_path),
        ask=lambda client: client.predict_many(MODEL, rows),
    )
    assert isinstance(first, PredictAnswer)
    assert isinstance(third, PredictAnswer)
    assert (first.confidence, third.prediction) == (0.9, "no")
    assert isinstance(second, Problem)
    assert (second.kind, second.status) == ("refused", 422)
    assert set(second.errors) == {"workflow is missing", "hour_cos is missing"}


def test_a_job_is_asked_about_until_it_is_over(tmp_path: Path) -> None:
    async def ask(client: AsyncClient) -> None:
        job_id = await client.submit(MODEL, [features(hour) for hour in range(24)])
        while not (job := await client.job(job_id)).is_over:
            await asyncio.sleep(0.02)
        assert (job.status, job.done, job.total) == ("done", 24, 24)
        chances = [each.confidence for each in job.answers if isinstance(each, PredictAnswer)]
        assert chances == [0.1] * 6 + [0.9] * 6 + [0.52] * 6 + [0.3] * 6
        with pytest.raises(ClientError) as unknown:
            await client.job("../../etc/passwd")
        assert (unknown.value.status, unknown.value.kind) == (404, "not_found")

    run(tmp_path, trigger_predictor(tmp_path), ask=ask)


def test_a_refusal_is_the_problem_document_of_the_service(tmp_path: Path) -> None:
    async def ask(client: AsyncClient) -> None:
        with pytest.raises(ClientError) as unknown:
            await client.predict("nobody", {})
        assert (unknown.value.kind, unknown.value.status) == ("not_found", 404)
        assert unknown.value.remedy == f"ask one of {MODEL}"
        with pytest.raises(ClientError) as faulty:
            await client.predict(MODEL, features(9) | {"hour_sin": "x"})
        assert faulty.value.problem.errors == ("hour_sin is 'x', not a finite number",)

    run(tmp_path, trigger_predictor(tmp_path), ask=ask)
    with pytest.raises(ClientError) as forbidden:
        run(
            tmp_path,
            ask=lambda client: client.predict(MODEL, {}),
            scopes=frozenset({Scope.READ}),
        )
    assert (forbidden.value.kind, forbidden.value.status) == ("forbidden", 403)
