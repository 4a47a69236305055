"""What tests of the service share: a worker that logs, a client of it without a socket, keys, days to log into."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from ml_platform.adapters.serving.answer_days import AnswerDays
from ml_platform.api.app import Service
from ml_platform.api.options import WorkerOptions
from ml_platform.api.worker import Worker
from ml_platform.serving.keys import ApiKey, Scope, new_key

URL = "http://service"
SESSION_SECRET = b"s" * 32


def worker_options(home: Path, **fields: Any) -> WorkerOptions:
    """Those of the only worker of a home, which may be asked as often as one likes; ``fields`` are otherwise."""
    options = WorkerOptions(
        home=home,
        folder=home / "serving",
        tasks={},
        tables={},
        workers=1,
        rate=1e6,
        burst=1e6,
        supervisor=(0, 0.0),
        session_secret=SESSION_SECRET,
    )
    return replace(options, **fields)


@asynccontextmanager
async def running(options: WorkerOptions) -> AsyncIterator[Worker]:
    """A worker whose log runs."""
    worker = Worker(options)
    worker.log.start()
    try:
        yield worker
    finally:
        await asyncio.wait_for(worker.log.stop(), 10)


def client_of(worker: Worker, url: str = URL) -> httpx.AsyncClient:
    """A client without a socket between; an error that nobody has foreseen is an answer."""
    transport = httpx.ASGITransport(Service(worker), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=url)


def key_for(
    user: str,
    *scopes: Scope,
    born: datetime | None = None,
    lifetime: timedelta | None = None,
) -> tuple[ApiKey, str]:
    """A key, and the text that its holder sends."""
    return new_key(
        user,
        scopes,
        born or datetime.now(UTC),
        secrets.token_bytes,
        by="test",
        lifetime=lifetime,
    )


def bearer(text: str) -> dict[str, str]:
    """The header of a key's holder; none without a key."""
    return {"authorization": f"Bearer {text}"} if text else {}


def libpq(url: str) -> str:
    """SQLAlchemy's URL as libpq reads it."""
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)


def prepare_days(database_url: str) -> None:
    """Let answers of today be logged."""
    days = AnswerDays(database_url)
    days.prepare(datetime.now(UTC).date())
    days.close()
