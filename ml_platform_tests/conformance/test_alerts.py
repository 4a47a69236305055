"""Every sink of alerts delivers the same thing, or says that it did not."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ml_platform.adapters.alerts import AlertSink, LogAlerts, WebhookAlerts
from ml_platform.adapters.in_memory.alerts import InMemoryAlerts
from ml_platform.errors import ServiceError, UsageError
from ml_platform.monitoring.alerts import Alert, AlertLevel

ALERT = Alert(
    alert_id="model:1:2024-06-01",
    model="model",
    level=AlertLevel.CRITICAL,
    title="model 1: drift significant",
    causes=("dwell is higher", "tool is missing"),
    at=datetime(2024, 6, 1, tzinfo=UTC),
)
Received = Callable[[], list[str]]


class Receiver(HTTPServer):
    """A real local receiver of webhooks."""

    def __init__(self, status: int = 204) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.bodies: list[dict[str, Any]] = []
        self.location = ""
        self.gets = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.bodies.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.gets += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(params=["memory", "log", "webhook"])
def sink(
    request: pytest.FixtureRequest, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> tuple[AlertSink, Received]:
    """A sink, and the texts that arrived at its other end."""
    if request.param == "memory":
        memory = InMemoryAlerts()
        return memory, lambda: [f"{entry.title} {entry.causes}" for entry in memory.sent]
    if request.param == "log":
        return LogAlerts(logging.getLogger("alerts.test")), lambda: list(caplog.messages)
    return WebhookAlerts(receiver.url), lambda: [json.dumps(body) for body in receiver.bodies]


def test_each_alert_arrives_once_with_its_causes(sink: tuple[AlertSink, Received]) -> None:
    sender, received = sink
    sender.send(ALERT)
    sender.send(ALERT)
    texts = received()
    assert len(texts) == 2
    for text in texts:
        assert ALERT.title in text
        assert all(cause in text for cause in ALERT.causes)


def test_the_webhook_gets_a_text_and_the_fields(receiver: Receiver) -> None:
    WebhookAlerts(receiver.url).send(ALERT)
    (body,) = receiver.bodies
    assert body["text"] == "model 1: drift significant\n- dwell is higher\n- tool is missing"
    assert (body["level"], body["alert_id"]) == ("critical", ALERT.alert_id)


def test_the_log_has_levels(caplog: pytest.LogCaptureFixture) -> None:
    LogAlerts(logging.getLogger("alerts.test")).send(ALERT)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_an_alert_that_does_not_arrive_is_an_error(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(
        ServiceError, match="did not take the alert model:1:2024-06-01: HTTP Error 500"
    ):
        WebhookAlerts(receiver.url).send(ALERT)
    with pytest.raises(ServiceError, match="refused"):
        WebhookAlerts("http://127.0.0.1:9/hook", timeout=2).send(ALERT)
    with pytest.raises(UsageError, match="'ftp://x' is no http"):
        WebhookAlerts("ftp://x")


def test_a_webhook_follows_no_redirect() -> None:
    """A redirect followed would be a GET that the receiver takes for nothing, counted as delivered."""
    with Receiver() as elsewhere, Receiver(status=302) as server:
        server.location = elsewhere.url
        for each in (elsewhere, server):
            threading.Thread(target=each.serve_forever, daemon=True).start()
        with pytest.raises(ServiceError, match="302"):
            WebhookAlerts(server.url).send(ALERT)
        assert (len(server.bodies), elsewhere.bodies, elsewhere.gets) == (1, [], 0)
        elsewhere.shutdown()
        server.shutdown()


def test_a_receiver_that_drips_its_answer_does_not_hold_up_the_sender() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                for byte in b"HTTP/1.1 204 No Content" + b" " * 1000:
                    connection.send(bytes([byte]))
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"no answer within 0\.5 s"):
            WebhookAlerts(url, timeout=0.5).send(ALERT)
        assert time.monotonic() - began < 5
