"""Bodies of many rows: larger than those of one row, bounded one by one and together."""

import asyncio
import json

import pytest

from ml_platform.api import bodies
from ml_platform.api.hot_path import BodyLimit
from ml_platform_tests.api.services import FEATURES, MODEL
from ml_platform_tests.api.test_one_answer import in_service

BATCH, JOBS = "/api/ml/predict/batch", "/api/ml/predict/jobs"


def body_of(size, rows=1):
    """A request of about so many bytes."""
    row = {"features": {**FEATURES, "tool": "x" * (size // rows)}}
    return json.dumps({"model": MODEL, "rows": [row] * rows}).encode()


async def in_parts(body, go=None):
    """The body without a length that is declared, the last byte once it may go."""
    for start in range(0, len(body) - 1, 65_536):
        yield body[start : min(start + 65_536, len(body) - 1)]
    if go is not None:
        await go.wait()
    yield body[-1:]


def post(service, key, path, content):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return service.client.post(path, content=content, headers=headers)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(("path", "status"), [(BATCH, 200), (JOBS, 202)])
def test_many_rows_may_be_larger_than_one(home, path, status, declared):
    key = home.key()
    body = body_of(2_000_000, rows=40)

    async def ask(service):
        response = await post(service, key, path, body if declared else in_parts(body))
        if path == BATCH:
            assert [each["prediction"] for each in response.json()["answers"]] == ["a"] * 40
        return response.status_code

    assert in_service(home, ask) == status


@pytest.mark.parametrize(
    ("path", "size", "most"),
    [
        (BATCH, 16_100_000, "16,000,000"),
        (JOBS, 16_100_000, "16,000,000"),
        ("/api/ml/predict", 1_100_000, "1,000,000"),
        ("/api/ml/events", 1_100_000, "1,000,000"),
        (f"/v2/models/{MODEL}/infer", 1_100_000, "1,000,000"),
    ],
)
def test_what_is_too_large_is_not_read_whole(home, path, size, most):
    key = home.key()
    body = body_of(size)

    async def ask(service):
        read = 0

        async def counted():
            nonlocal read
            async for part in in_parts(body):
                read += len(part)
                yield part

        answers = [
            await post(service, key, path, body),
            await post(service, key, path, counted()),
        ]
        return answers, read

    answers, read = in_service(home, ask)
    for answer in answers:
        assert (answer.status_code, most in answer.json()["detail"]) == (413, True)
    assert read < size


def test_a_worker_holds_a_few_large_bodies_at_a_time(home):
    key = home.key()
    large, small = body_of(1_500_000, rows=30), body_of(1_000)

    async def ask(service):
        go = asyncio.Event()
        held = [
            asyncio.create_task(post(service, key, BATCH, in_parts(large, go)))
            for _ in range(bodies.LARGE_AT_ONCE)
        ]
        await asyncio.sleep(0.3)
        refused = await post(service, key, JOBS, large)
        answered = await post(service, key, BATCH, small)
        go.set()
        first = [await each for each in held]
        return first, refused, answered, await post(service, key, BATCH, large)

    first, refused, answered, afterwards = in_service(home, ask)
    assert {each.status_code for each in first} == {200}
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert (answered.status_code, afterwards.status_code) == (200, 200)


def test_one_that_does_not_arrive_leaves_its_place_to_others(home, monkeypatch):
    monkeypatch.setattr(bodies, "MANY_ROWS", BodyLimit(16_000_000, 0.3))
    monkeypatch.setattr(bodies, "LARGE_AT_ONCE", 1)
    key = home.key()
    large = body_of(1_500_000, rows=30)

    async def ask(service):
        slow = await post(service, key, BATCH, in_parts(large, asyncio.Event()))
        wrong = await post(service, key, BATCH, b"[" * 1_500_000)
        return [each.status_code for each in (slow, wrong, await post(service, key, BATCH, large))]

    assert in_service(home, ask) == [408, 422, 200]
