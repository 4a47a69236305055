"""Both clients against servers that answer, drop, stall and refuse, on real sockets."""

import asyncio
import json
import pickle
import socket
import time

import numpy as np
import pytest

from ml_platform.client import AsyncClient, Client, ClientError, PredictAnswer, Problem, Row
from ml_platform_tests.client.both import (
    KEY,
    Asking,
    blocking,
    each_client,
    predict,
    predict_many,
)
from ml_platform_tests.client.servers import (
    ANSWER,
    Act,
    answers,
    drips,
    drops,
    drops_in_the_middle,
    good,
    problem,
    response,
    server,
    silent,
)

EXPECTED = PredictAnswer("p", "m", "3", "champion", "yes", 0.75, False)


@each_client
def test_an_answer_is_a_frozen_value_whatever_a_later_release_adds(ask: Asking) -> None:
    with server(good) as served:
        assert ask(served.url, predict) == EXPECTED
    (request,) = served.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/ml/predict HTTP/1.1\r\n")
    assert served.header("authorization") == [f"Bearer {KEY}"]
    assert json.loads(body) == {"model": "m", "features": {"x": 1.5, "words": ["a"], "none": None}}


@each_client
@pytest.mark.parametrize("act", [drops, drops_in_the_middle, problem(503), problem(429)])
def test_what_may_pass_is_tried_again_under_the_same_idempotency_key(ask: Asking, act: Act) -> None:
    with server(act, act, good) as served:
        assert ask(served.url, predict) == EXPECTED
    assert len(served.requests) == 3
    assert len(set(served.header("idempotency-key"))) == 1


def test_each_call_has_an_idempotency_key_of_its_own_unless_its_caller_names_one() -> None:
    with server(good) as served, Client(served.url, KEY) as client:
        predict(client)
        predict(client)
        client.predict("m", {}, idempotency_key="mine")
        with pytest.raises(ValueError, match="printable ASCII"):
            client.predict("m", {}, idempotency_key="a\r\nb")
    first, second, third = served.header("idempotency-key")
    assert first != second
    assert third == "mine"


@each_client
@pytest.mark.parametrize("status", [502, 504])
def test_a_batch_that_may_have_been_answered_is_not_sent_again(ask: Asking, status: int) -> None:
    for act in (drops, answers(response(status, b"<html>", kind="text/html"))):
        with server(act, good) as served, pytest.raises(ClientError):
            ask(served.url, predict_many)
        assert len(served.requests) == 1


@each_client
def test_a_batch_that_was_refused_for_now_is_sent_again(ask: Asking) -> None:
    body = b'{"answers":[%s,{"problem":{"type":"about:blank#refused","title":"t","status":422,"detail":"d"}}]}'
    with server(problem(503), answers(response(200, body % ANSWER))) as served:
        first, second = ask(served.url, predict_many)
    assert first == EXPECTED
    assert second == Problem("about:blank#refused", "t", 422, "d")


@each_client
def test_retry_after_is_waited_for(ask: Asking) -> None:
    with server(problem(429, "Retry-After: 1"), good) as served:
        since = time.monotonic()
        assert ask(served.url, predict) == EXPECTED
        assert 1.0 <= time.monotonic() - since < 2.0


@each_client
def test_a_wait_that_is_longer_than_the_time_is_not_begun(ask: Asking) -> None:
    with server(problem(503, "Retry-After: 60")) as served:
        since = time.monotonic()
        with pytest.raises(ClientError) as refused:
            ask(served.url, predict, timeout=2.0)
        assert time.monotonic() - since < 1.0
    assert refused.value.retry_after == 60.0
    assert refused.value.attempts == 1
    assert str(refused.value) == "Not now. (a; b) Remedy: wait"
    assert (refused.value.kind, refused.value.status) == ("unavailable", 503)
    assert (refused.value.detail, refused.value.remedy) == ("Not now.", "wait")


@each_client
@pytest.mark.parametrize("act", [silent, drips])
def test_all_attempts_together_end_in_time(ask: Asking, act: Act) -> None:
    with server(drops, act) as served:
        since = time.monotonic()
        with pytest.raises(ClientError, match=r"no answer within 0\.8 seconds") as late:
            ask(served.url, predict, timeout=0.8)
        assert time.monotonic() - since < 1.5
    assert late.value.kind == "too_late"
    assert late.value.attempts == 2


@each_client
@pytest.mark.parametrize("status", [301, 400, 401, 404, 409, 413, 422, 500])
def test_what_would_be_refused_again_is_not_sent_again(ask: Asking, status: int) -> None:
    redirect = problem(status, "Location: http://127.0.0.1:1/")
    with server(redirect) as served, pytest.raises(ClientError) as refused:
        ask(served.url, predict)
    assert (refused.value.status, len(served.requests)) == (status, 1)


@each_client
def test_a_service_that_is_not_there_is_said_in_one_line(ask: Asking) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ClientError) as gone:
        ask(f"http://127.0.0.1:{port}", predict, retries=2)
    assert str(gone.value) == (
        "The service did not answer: no connection. Remedy: is it running (`ml-platform serve`), "
        "and is the address right?"
    )
    assert (gone.value.kind, gone.value.status, gone.value.attempts) == ("unreachable", 0, 3)


@each_client
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "The answer cannot be read"),
        (b'{"model":"m"}', "missing required field"),
        (ANSWER.replace(b"0.75", b'"high"'), "Expected `float`"),
    ],
)
def test_what_is_no_answer_of_the_service_is_an_error_of_the_client(
    ask: Asking, body: bytes, said: str
) -> None:
    with server(answers(response(200, body))) as served, pytest.raises(ClientError) as error:
        ask(served.url, predict)
    assert said in str(error.value)
    assert error.value.kind == "unreadable"


def test_connections_are_kept() -> None:
    connections = []

    def keeps(connection: socket.socket) -> None:
        connections.append(connection)
        text = response(200, ANSWER).replace(b"Connection: close\r\n", b"")
        for _ in range(3):
            connection.sendall(text)
            connection.recv(65_536)

    with server(keeps) as served, Client(served.url, KEY) as client:
        assert [predict(client) for _ in range(3)] == [EXPECTED] * 3
    assert len(connections) == 1


def test_tasks_share_a_client() -> None:
    async def ask(url: str) -> list[PredictAnswer]:
        async with AsyncClient(url, KEY) as client:
            return list(await asyncio.gather(*(client.predict("m", {}) for _ in range(20))))

    with server(good) as served:
        assert asyncio.run(ask(served.url)) == [EXPECTED] * 20


def test_numbers_of_numpy_are_numbers_and_what_is_no_number_is_not_sent() -> None:
    with server(good) as served, Client(served.url, KEY) as client:
        client.predict("m", {"x": np.float32(0.5), "n": np.int64(3), "words": np.array(["a"])})
        for value in (float("nan"), np.float64("inf")):
            with pytest.raises(ValueError, match="send None where there is no number"):
                client.predict("m", {"x": value})
        client.predict_many("m", [Row({"x": 1}, "ada", "row"), {"x": 2}])
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in served.requests]
    assert bodies[0]["features"] == {"x": 0.5, "n": 3, "words": ["a"]}
    assert bodies[1]["rows"] == [
        {"features": {"x": 1}, "user_id": "ada", "row_id": "row"},
        {"features": {"x": 2}},
    ]


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("http://a", "mlp_short", "not of the form mlp_<id>_<secret>"),
        ("http://a", f"{KEY}\nx", "not of the form"),
        ("ftp://a", KEY, "must begin with http"),
        ("127.0.0.1:8000", KEY, "must begin with http"),
        ("http://me:password@a", KEY, "hold no password"),
        ("http://a:x", KEY, "no URL"),
    ],
)
def test_an_address_or_key_of_another_form_is_refused_at_once(
    url: str, key: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        Client(url, key)
    assert key not in str(refused.value)
    assert "password@" not in str(refused.value)


@pytest.mark.parametrize(("timeout", "retries"), [(0, 1), (-1, 1), (float("inf"), 1), (1, -1)])
def test_limits_that_bound_nothing_are_refused(timeout: float, retries: int) -> None:
    with pytest.raises(ValueError, match="retries must be 0 or more, and seconds finite"):
        Client("http://a", KEY, timeout=timeout, retries=retries)


def test_an_error_can_be_sent_to_another_process() -> None:
    with server(problem(422)) as served, pytest.raises(ClientError) as refused:
        blocking(served.url, predict)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)
