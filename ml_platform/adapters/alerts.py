"""Receivers of alerts: the log or a webhook."""

import json
import logging
import urllib.request
from http.client import HTTPException
from queue import Empty, Queue
from threading import Thread
from typing import Protocol

from ml_platform.errors import ServiceError, UsageError
from ml_platform.monitoring.alerts import Alert, AlertLevel
from ml_platform.values import to_json

_TIMEOUT_SECONDS = 10.0


class AlertSink(Protocol):
    """Takes alerts; raises `ServiceError` when one could not be delivered."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert."""
        ...


class LogAlerts:
    """Writes alerts to a logger: WARNING as warning, CRITICAL as critical."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("ml_platform.alerts")

    def send(self, alert: Alert) -> None:
        """Log the title and the causes, one line."""
        level = logging.CRITICAL if alert.level is AlertLevel.CRITICAL else logging.WARNING
        self._logger.log(
            level, "%s: %s", alert.title, "; ".join(alert.causes), extra={"alert": alert}
        )


class WebhookAlerts:
    """Posts each alert as JSON; ``text`` is what chat systems show.

    A redirect is a refusal, since following one would turn the POST into a GET. The timeout is that of the whole
    call: name, connection, request and answer, however slowly a receiver sends its bytes.
    """

    def __init__(self, url: str, *, timeout: float = _TIMEOUT_SECONDS) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"The webhook {url!r} is no http or https address.",
                remedy="Set ML_PLATFORM_WEBHOOK_URL to the address alerts are posted to, or unset it.",
            )
        self._url, self._timeout = url, timeout

    def send(self, alert: Alert) -> None:
        """Post the alert; any answer but 2xx, or none within the timeout (seconds), is a `ServiceError`."""
        text = "\n".join((alert.title, *(f"- {cause}" for cause in alert.causes)))
        body = {"text": text, **json.loads(to_json(alert))}
        request = urllib.request.Request(
            self._url,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        outcome: Queue[BaseException | None] = Queue()
        # The thread may outlive the deadline by one read, and never holds up the end of the process.
        Thread(target=_post, args=(request, self._timeout, outcome), daemon=True).start()
        try:
            error = outcome.get(timeout=self._timeout)
        except Empty:
            error = TimeoutError(f"no answer within {self._timeout:g} s")
        if error is not None:
            raise ServiceError(
                f"The webhook did not take the alert {alert.alert_id}: {error}.",
                remedy="Check ML_PLATFORM_WEBHOOK_URL and the receiver; the report itself is stored.",
            ) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A handler that follows no redirect: an answer of 3xx stays one, which is no 2xx and hence an error."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(
    request: urllib.request.Request, timeout: float, outcome: "Queue[BaseException | None]"
) -> None:
    """Send the request and put the error, or ``None`` for an answer of 2xx, into ``outcome``."""
    try:
        with _OPENER.open(request, timeout=timeout):
            outcome.put(None)
    except (OSError, HTTPException, ValueError) as error:
        outcome.put(error)
