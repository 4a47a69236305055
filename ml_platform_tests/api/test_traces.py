"""Traces of the service at a real receiver: what a span says, whose child it is, and what it never says."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time

import msgspec
import pytest

from ml_platform.adapters.serving import traces as traces_module
from ml_platform.adapters.serving.feature_socket import Question, Reply, make_room
from ml_platform.adapters.serving.traces import NO_TRACES, traces_from
from ml_platform_tests.api.services import FEATURES, LEAST, MODEL, served
from ml_platform_tests.api.trace_receiver import receiver

PREDICT = "POST /api/ml/predict"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ERROR = 2
SOMEBODYS = "01a206c2-d305-7b9e-adb2-27b6addb77b9"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Spans are sent ten times a second, and nothing of the machine's own settings counts."""
    for name in traces_module.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")


@pytest.fixture
def received(monkeypatch):
    with receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        yield received


def in_service(home, what):
    async def run():
        async with served(home) as service:
            try:
                return await what(service)
            finally:
                await asyncio.to_thread(service.worker.traces.close)

    return asyncio.run(run())


def test_a_request_is_a_child_of_its_callers_span_with_children_of_its_own(home, received):
    key = home.key()

    async def ask(service):
        await service.ask(key, traceparent=f"00-{TRACE}-{PARENT}-01")

    in_service(home, ask)
    spans = received.spans(4)
    (request,) = spans.pop(PREDICT)
    assert (request.trace, request.parent, request.status) == (TRACE, PARENT, 0)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/ml/predict",
        "http.response.status_code": 200,
        "ml_platform.model": MODEL,
        "ml_platform.version": "1",
        "ml_platform.arm": "champion",
        "ml_platform.fallback": "",
    }
    assert spans.keys() == {"validate", "score", "log"}
    for (child,) in spans.values():
        assert (child.trace, child.parent, child.attributes) == (TRACE, request.span, {})


def test_requests_at_the_same_time_keep_their_children(home, received):
    key = home.key()

    async def ask(service):
        await asyncio.gather(*(service.ask(key, Idempotency_Key=f"k{n}") for n in range(8)))

    in_service(home, ask)
    spans = received.spans(32)
    requests = {each.span: each.trace for each in spans.pop(PREDICT)}
    assert len(set(requests.values())) == 8
    for children in spans.values():
        assert {each.parent: each.trace for each in children} == requests


def test_a_refusal_is_recorded_and_nothing_of_what_was_sent(home, received):
    key = home.key("ada-lovelace")
    features = {**FEATURES, "tool": "a-private-value", "a-private-name": 1}

    async def ask(service):
        body = {**LEAST, "features": features, "row_id": "a-private-row"}
        response = await service.ask(key, body, Idempotency_Key="a-private-repeat")
        await service.client.get(
            f"/api/ml/predictions/{SOMEBODYS}", headers={"Authorization": f"Bearer {key}"}
        )
        await service.client.get("/a-private-path?a-private-query=1")
        return response

    assert in_service(home, ask).status_code == 422
    spans = received.spans(5)
    (request,) = spans[PREDICT]
    assert request.attributes["http.response.status_code"] == 422
    assert (request.status, request.events) == (0, 0)
    assert spans["score"][0].parent == request.span
    (page,) = spans["GET /api/ml/predictions/{prediction_id}"]
    assert page.attributes["http.response.status_code"] == 404
    assert spans["GET"][0].attributes["http.response.status_code"] == 404
    sent = b"".join(received.bodies)
    for private in ("a-private", "ada-lovelace", "mlp_", home.keys[0].key_id, SOMEBODYS):
        assert private.encode() not in sent


def test_a_failure_is_an_error(home, received):
    key = home.key()

    async def ask(service):
        service.worker.log._spool._most = 10
        return await service.ask(key)

    home.database_url = ""
    assert in_service(home, ask).status_code == 503
    (request,) = received.spans(4)[PREDICT]
    assert (request.status, request.attributes["http.response.status_code"]) == (ERROR, 503)


@pytest.mark.parametrize(
    "header",
    ["", "00-x-y-01", f"ff-{TRACE}-{PARENT}-01", "00-" + "0" * 32 + f"-{PARENT}-01", "é" * 99],
)
def test_a_header_that_is_none_begins_a_trace(home, received, header):
    key = home.key()

    async def ask(service):
        sent = {"Authorization": f"Bearer {key}", "traceparent": header.encode()}
        return await service.client.post("/api/ml/predict", json=LEAST, headers=sent)

    assert in_service(home, ask).status_code == 200
    (request,) = received.spans(4)[PREDICT]
    assert (request.parent, request.trace == TRACE) == ("", False)


def test_a_caller_that_does_not_sample_gets_no_spans(home, received):
    key = home.key()

    async def ask(service):
        await service.ask(key, traceparent=f"00-{TRACE}-{PARENT}-00")
        await service.ask(key)

    in_service(home, ask)
    assert [each.trace == TRACE for each in received.spans(4)[PREDICT]] == [False]


def test_a_batch_is_one_span_that_says_how_many_rows(home, received):
    key = home.key()
    rows = [{"features": FEATURES}] * 30

    async def ask(service):
        await service.ask(key, {"model": MODEL, "rows": rows}, "/api/ml/predict/batch")
        await service.ask(key, {"model": "private", "rows": rows}, "/api/ml/predict/batch")

    in_service(home, ask)
    spans = received.spans(2)
    of_rows = [
        {name: each.attributes.get(f"ml_platform.{name}") for name in ("model", "rows", "arm")}
        for each in spans.pop("POST /api/ml/predict/batch")
    ]
    assert of_rows == [
        {"model": MODEL, "rows": 30, "arm": None},
        {"model": None, "rows": None, "arm": None},
    ]
    assert spans == {}


def test_the_process_of_features_gets_the_span_that_it_works_for(home, received):
    key = home.key()
    asked = []

    async def answer(reader, writer):
        question = decoder.decode(await reader.readuntil(b"\n"))
        asked.append(question)
        with features_traces.elsewhere("compute features", question.trace):
            writer.write(msgspec.json.encode(Reply([dict(FEATURES)])) + b"\n")
        await writer.drain()

    async def ask(service):
        path = make_room(home.folder / "serving")
        server = await asyncio.start_unix_server(answer, str(path))
        async with server:
            return await service.ask(key, {"model": MODEL, "about": {"tool": "a-private-tool"}})

    decoder = msgspec.json.Decoder(Question)
    features_traces = traces_from(os.environ, "features")
    assert in_service(home, ask).status_code == 200
    features_traces.close()
    spans = received.spans(6)
    (request,), (stage,), (work,) = (
        spans[name] for name in (PREDICT, "features", "compute features")
    )
    assert spans["validate"][0].span == stage.parent
    assert (work.trace, work.parent) == (request.trace, stage.span)
    assert b"a-private" not in b"".join(received.bodies)


@contextlib.contextmanager
def away(kind):
    """An address where nobody answers: nothing listens there, or what listens hangs."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
        if kind == "gone":
            place.close()
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("kind", ["gone", "hanging"])
def test_a_receiver_that_is_away_costs_spans_and_no_request(home, monkeypatch, kind):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    key = home.key()

    async def ask(service):
        began = time.monotonic()
        answers = [await service.ask(key) for _ in range(40)]
        processor = service.worker.traces._provider._active_span_processor._span_processors[0]
        waiting = len(processor._batch_processor._queue)
        return [answer.status_code for answer in answers], time.monotonic() - began, waiting

    with away(kind) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        began = time.monotonic()
        statuses, seconds, waiting = in_service(home, ask)
        whole = time.monotonic() - began
    assert statuses == [200] * 40
    assert seconds < 2
    assert waiting <= 16
    assert whole < seconds + traces_module.CLOSE_SECONDS + 2


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "True"},
    ],
)
def test_without_a_receiver_there_are_no_traces(environment):
    assert traces_from(environment, "worker") is NO_TRACES


def test_a_variable_that_cannot_be_used_takes_the_traces_away_and_not_the_service(
    monkeypatch, caplog
):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    url = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert traces_from(url, "worker") is NO_TRACES
    assert "a variable OTEL_... cannot be used: max_queue_size" in caplog.text


def test_without_a_receiver_nothing_that_sends_is_imported(tmp_path):
    code = (
        "import sys; from pathlib import Path; from ml_platform_tests.api.services import Home; "
        "from ml_platform.api.app import Service; from ml_platform.api.worker import Worker; "
        "import ml_platform.api.features, ml_platform.api.routes; "
        "Service(Worker(Home(Path(sys.argv[1])).options())); "
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter', 'google.protobuf', 'requests'); "
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
