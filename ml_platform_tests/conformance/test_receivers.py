"""Every receiver of messages gets the same thing, or the sender learns that it did not."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from ml_platform.adapters.notifications import log_message, receivers
from ml_platform.errors import ServiceError
from ml_platform.monitoring.alerts import Alert, AlertLevel
from ml_platform.reporting.messages import Message, message_of_alert

ALERT = Alert(
    alert_id="model:1:2024-06-01",
    model="model",
    level=AlertLevel.CRITICAL,
    title="model 1: drift significant",
    causes=("dwell is higher", "tool is missing"),
    at=datetime(2024, 6, 1, tzinfo=UTC),
)
MESSAGE = message_of_alert(ALERT)
Sent = tuple[Callable[[Message], None], Callable[[], list[str]]]


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


class Mailbox(ThreadingTCPServer):
    """A real local server of mail, as little as SMTP asks for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Postman)
        self.mails: list[str] = []


class Postman(StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                mail = message_from_bytes(b"".join(lines))
                parts = [part.get_payload(decode=True) for part in mail.walk()]
                texts = [part.decode() for part in parts if isinstance(part, bytes)]
                self.server.mails.append("\n".join([str(mail["Subject"]), *texts]))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 good\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(params=["log", "webhook", "chat", "mail"])
def sent(
    request: pytest.FixtureRequest, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> Sent:
    """What sends a message, and the texts that arrived at the other end."""
    if request.param == "log":
        return log_message, lambda: list(caplog.messages)
    if request.param == "webhook":
        (webhook,) = receivers(receiver.url, ())
        return webhook.send, lambda: [json.dumps(body) for body in receiver.bodies]
    if request.param == "chat":
        address = receiver.url.replace("http://", "json://")
        (chat,) = receivers(None, (address,))
        return chat.send, lambda: [json.dumps(body) for body in receiver.bodies]
    box: Mailbox = request.getfixturevalue("mailbox")
    port = box.server_address[1]
    address = (
        f"mailto://127.0.0.1:{port}/?from=platform@here.example&to=me@there.example&mode=insecure"
    )
    (mail,) = receivers(None, (address,))
    return mail.send, lambda: box.mails


def test_each_message_arrives_with_its_causes(sent: Sent) -> None:
    send, received = sent
    send(MESSAGE)
    send(MESSAGE)
    texts = received()
    assert len(texts) == 2
    for text in texts:
        assert ALERT.title in text
        assert all(cause in text for cause in ALERT.causes)


@pytest.mark.parametrize("sent", ["webhook", "chat", "mail"], indirect=True)
def test_a_message_keeps_its_id(sent: Sent) -> None:
    send, received = sent
    send(MESSAGE)
    send(MESSAGE)
    assert all("alert:model:1:2024-06-01" in text for text in received())


def test_the_webhook_gets_a_text_and_the_fields(receiver: Receiver) -> None:
    receivers(receiver.url, ())[0].send(MESSAGE)
    (body,) = receiver.bodies
    assert body["text"] == (
        "model 1: drift significant\n- dwell is higher\n- tool is missing\n"
        "Runbook: docs/runbooks/mlflow_changed.md"
    )
    assert (body["level"], body["alert_id"]) == ("critical", ALERT.alert_id)
    assert body["message_id"] == f"alert:{ALERT.alert_id}"
    assert (body["model"], body["title"]) == (ALERT.model, ALERT.title)
    assert tuple(body["causes"]) == ALERT.causes


def test_the_log_has_levels(caplog: pytest.LogCaptureFixture) -> None:
    log_message(MESSAGE)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


@pytest.mark.parametrize("sent", ["webhook", "chat"], indirect=True)
def test_what_does_not_arrive_is_an_error(sent: Sent, receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(ServiceError, match="The message alert:model:1:2024-06-01 was not taken: "):
        sent[0](MESSAGE)


def test_a_receiver_that_is_not_there_is_an_error_that_hides_its_address() -> None:
    addresses = ("mailto://me:canary@127.0.0.1:9/?to=a@b.example", "json://u:canary@127.0.0.1:9")
    for each in receivers("http://127.0.0.1:9/canary", addresses):
        with pytest.raises(ServiceError) as refused:
            each.send(MESSAGE)
        assert "canary" not in f"{refused.value} {refused.value.__cause__} {each.name}"


def test_an_address_that_cannot_be_used_refuses_every_message_and_is_not_shown() -> None:
    webhook, other = receivers("ftp://canary", ("astrology://canary",))
    with pytest.raises(ServiceError, match="ML_PLATFORM_WEBHOOK_URL is no http or https") as first:
        webhook.send(MESSAGE)
    with pytest.raises(ServiceError, match="address 1 of ML_PLATFORM_NOTIFY") as second:
        other.send(MESSAGE)
    assert "canary" not in f"{first.value}{second.value}"


@pytest.mark.parametrize("scheme", ["http", "json"])
def test_no_redirect_is_followed(scheme: str) -> None:
    """A redirect followed would be a GET that the receiver takes for nothing, counted as delivered."""
    with Receiver() as elsewhere, Receiver(status=302) as server:
        server.location = elsewhere.url
        for each in (elsewhere, server):
            threading.Thread(target=each.serve_forever, daemon=True).start()
        address = server.url.replace("http", scheme, 1)
        (receiver,) = receivers(None, (address,)) if scheme == "json" else receivers(address, ())
        with pytest.raises(ServiceError, match="302" if scheme == "http" else "refused"):
            receiver.send(MESSAGE)
        assert (len(server.bodies), elsewhere.bodies, elsewhere.gets) == (1, [], 0)
        elsewhere.shutdown()
        server.shutdown()


@pytest.mark.parametrize("scheme", ["http", "json"])
def test_a_receiver_that_drips_its_answer_does_not_hold_up_the_sender(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                for byte in b"HTTP/1.1 204 No Content" + b" " * 1000:
                    connection.send(bytes([byte]))
                    time.sleep(0.1)

        threading.Thread(target=drip, daemon=True).start()
        address = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/hook"
        named = {"webhook_url": address, "addresses": ()}
        if scheme == "json":
            named = {"webhook_url": None, "addresses": (address,)}
        (receiver,) = receivers(**named, timeout=0.5)
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"no answer within 0\.5 s"):
            receiver.send(MESSAGE)
        assert time.monotonic() - began < 5
