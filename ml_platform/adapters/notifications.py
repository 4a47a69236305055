"""Receivers of messages: the log, a webhook of plain JSON, and mail or chat by Apprise.

Every delivery has one deadline for the whole call and follows no redirect. An address holds secrets: what is logged
or stored of one is its kind.
"""

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from queue import Empty, Queue
from threading import Thread

from ml_platform.errors import ServiceError
from ml_platform.reporting.messages import Message

TIMEOUT_SECONDS = 10.0
_LOG = logging.getLogger("ml_platform.alerts")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}


@dataclass(frozen=True)
class Receiver:
    """One receiver, by a name that tells nothing of its address."""

    name: str
    """Its kind and its place: 'webhook', 'mailto 2'. With a corrected address it is the same one."""
    send: Callable[[Message], None]
    """Delivers a message, or raises `ServiceError`."""


def receivers(
    webhook_url: str | None, addresses: tuple[str, ...], timeout: float = TIMEOUT_SECONDS
) -> tuple[Receiver, ...]:
    """The receivers that the settings name; none: messages go to the log alone.

    One whose address cannot be used is among them, and says so at each delivery: it holds up no other.

    Args:
        webhook_url: Gets each message as JSON.
        addresses: As Apprise writes them: ``mailto://``, ``slack://``, ``json://`` and some hundred others.
        timeout: Seconds for a whole delivery.
    """
    named = [_webhook(webhook_url, timeout)] if webhook_url else []
    others = [_by_apprise(number, text, timeout) for number, text in enumerate(addresses, 1)]
    return tuple(named + others)


def log_message(message: Message) -> None:
    """Write a message to the log: INFO, WARNING or CRITICAL, its subject and its lines in one."""
    _LOG.log(_LEVELS[message.level], "%s", "; ".join(message.text.splitlines()))


def _webhook(url: str, timeout: float) -> Receiver:
    if not url.startswith(("http://", "https://")):
        return Receiver("webhook", _unusable("ML_PLATFORM_WEBHOOK_URL is no http or https address"))
    return Receiver("webhook", partial(_in_time, partial(_post, url, timeout), timeout))


def _by_apprise(number: int, address: str, timeout: float) -> Receiver:
    from apprise import Apprise, AppriseAsset

    asset = AppriseAsset(app_id="ml-platform", app_desc="ml-platform", http_redirects=False)
    service = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if service is None:
        fault = f"address {number} of ML_PLATFORM_NOTIFY is of no kind that Apprise knows"
        return Receiver(f"address {number}", _unusable(fault))
    kind = address.partition(":")[0].lower()
    return Receiver(f"{kind} {number}", partial(_in_time, partial(_notify, service), timeout))


def _unusable(fault: str) -> Callable[[Message], None]:
    """What refuses every message, since the settings are wrong."""

    def refuse(message: Message) -> None:
        raise ServiceError(
            f"The message {message.message_id} was not sent: {fault}.",
            remedy="Correct the address: docs/monitoring.md shows its form.",
        )

    return refuse


def _in_time(deliver: Callable[[Message], None], timeout: float, message: Message) -> None:
    """Deliver within the deadline, however slowly a receiver answers."""
    outcome: Queue[str] = Queue()

    def attempt() -> None:
        try:
            deliver(message)
        except (OSError, HTTPException, ValueError, ServiceError) as error:
            outcome.put(_reason(error))
        else:
            outcome.put("")

    # The thread may outlive the deadline by one read, and never holds up the end of the process.
    Thread(target=attempt, daemon=True).start()
    try:
        fault = outcome.get(timeout=timeout)
    except Empty:
        fault = f"no answer within {timeout:g} s"
    if fault:
        raise ServiceError(
            f"The message {message.message_id} was not taken: {fault}.",
            remedy="Check the receiver and its address; the message is sent again.",
        )


def _reason(error: Exception) -> str:
    """Why a delivery failed, without the address, which some errors hold."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        return type(error.reason).__name__
    return str(error) if isinstance(error, ServiceError) else type(error).__name__


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A handler that follows no redirect: an answer of 3xx stays one, which is no 2xx and hence an error."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(url: str, timeout: float, message: Message) -> None:
    body = {
        **message.fields,
        "text": message.text,
        "subject": message.subject,
        "level": message.level,
        "message_id": message.message_id,
        "at": message.at.isoformat(),
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.message_id}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    with _OPENER.open(request, timeout=timeout):
        pass


def _notify(service: object, message: Message) -> None:
    from apprise import NotifyType

    kinds = {
        "info": NotifyType.INFO,
        "warning": NotifyType.WARNING,
        "critical": NotifyType.FAILURE,
    }
    body = f"{message.text}\n\n[{message.message_id}]"
    taken = service.notify(  # type: ignore[attr-defined]
        body=body, title=message.subject, notify_type=kinds[message.level]
    )
    if not taken:
        raise ServiceError("the receiver refused it", remedy="see its own log")
