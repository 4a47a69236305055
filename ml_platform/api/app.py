"""All routes of the service: one is bare ASGI for its speed, the others are FastAPI's.

The others are imported, in a thread, while that one answers already: they take longer than all the rest of a start.
"""

import asyncio
import gc
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from ml_platform.api.hot_path import HotPath, Receive, Scope_, Send, send_problem
from ml_platform.api.problems import Kind, Refused

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ml_platform.api.worker import Worker

PREDICT = "/api/ml/predict"


class Service:
    """The ASGI application of one worker."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._traces = worker.traces
        self._predict = HotPath(worker.answering, worker.asking, worker.access, worker.traces)
        self._building: asyncio.Task[FastAPI] | None = None

    def others(self) -> "asyncio.Task[FastAPI]":
        """FastAPI's routes, from the first call on."""
        if self._building is None:
            self._building = asyncio.create_task(asyncio.to_thread(self._build))
        return self._building

    def _build(self) -> "FastAPI":
        from ml_platform.api.routes import fastapi_app

        app = fastapi_app(self._worker, self._predict)
        gc.collect()
        gc.freeze()  # what was imported stays: no later collection needs to look at it
        return app

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """Hand a request to its route, within a span if there are traces."""
        if self._traces.is_on and scope["type"] == "http":
            await self._traced(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope_, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PREDICT and scope["method"] == "POST":
            await self._predict(scope, receive, send)
        elif scope["type"] == "http" and not scope["path"].isprintable():
            # An end of line behind a path would pass for the path itself.
            await send_problem(send, Refused(Kind.NOT_FOUND, "The path has control characters."))
        else:
            app = await asyncio.shield(self.others())
            await app(scope, receive, send)

    async def _traced(self, scope: Scope_, receive: Receive, send: Send) -> None:
        status = 0

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with self._traces.request(scope["method"], dict(scope["headers"])) as span:
            try:
                await self._answer(scope, receive, watched)
            finally:
                span.end(_declared_path(scope), status)


def _declared_path(scope: Scope_) -> str:
    """The path as its route declares it: one that was sent may hold somebody's id."""
    if scope["path"] == PREDICT:
        return PREDICT
    return str(getattr(scope.get("route"), "path", ""))
