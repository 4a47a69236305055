"""MLflow's application as the server of a home runs it: its pages open as those of model training.

MLflow 3.17 opens every experiment among traces of language models, whatever kind of experiment its tags name, until
the reader presses "Model training". What the reader presses is kept in the browser; here its first value is set.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mlflow.server.fastapi_app import app as mlflow_app

Message = MutableMapping[str, Any]
_FIRST_CHOICE = (
    b"<script>if(localStorage.getItem('mlflow.workflowType_v1')===null)"
    b"localStorage.setItem('mlflow.workflowType_v1','\"machine_learning\"')</script>"
)
_HEAD = b"<head>"


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer as MLflow does; its one page gets a line of script."""
    if scope["type"] == "http" and scope["path"] == "/":
        send = _Page(send).send
    await mlflow_app(scope, receive, send)


class _Page:
    """A response that is held back until it is whole, so that a line can be put into it."""

    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = self._body.replace(_HEAD, _HEAD + _FIRST_CHOICE, 1)
        # Neither length nor hash of the file is that of what is sent.
        kept = [
            (name, value)
            for name, value in self._start["headers"]
            if name.lower() not in (b"content-length", b"etag", b"last-modified")
        ]
        length = (b"content-length", str(len(body)).encode())
        await self._send({**self._start, "headers": [*kept, length]})
        await self._send({"type": "http.response.body", "body": body})
