"""The same questions to both clients."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ml_platform.client import AsyncClient, Client

ID, SECRET = "k" * 12, "0123456789abcdef" * 4
KEY = f"mlp_{ID}_{SECRET}"
Question = Callable[[Any], Any]
Asking = Callable[..., Any]


def blocking(url: str, question: Question, **options: Any) -> Any:
    with Client(url, KEY, **options) as client:
        return question(client)


def awaited(url: str, question: Question, **options: Any) -> Any:
    async def ask() -> Any:
        async with AsyncClient(url, KEY, **options) as client:
            return await question(client)

    return asyncio.run(ask())


each_client = pytest.mark.parametrize("ask", [blocking, awaited])


def predict(client: Any) -> Any:
    return client.predict("m", {"x": 1.5, "words": ["a"], "none": None})


def predict_many(client: Any) -> Any:
    return client.predict_many("m", [{"x": 1.0}, {"x": 2.0}])
