"""A small service for the tests of its routes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_platform_tests.api.routes.small_service import SmallHome, Story, serving, small_home


@pytest.fixture
def small(tmp_path: Path, database_url: str) -> SmallHome:
    """A home with one version in production, on a PostgreSQL of its own."""
    return small_home(tmp_path, database_url)


@pytest.fixture
def run(small: SmallHome) -> Callable[[Story], None]:
    """Runs a story on a worker that serves `small`."""

    def told(story: Story) -> None:
        async def whole() -> None:
            async with serving(small) as service:
                await story(service)

        asyncio.run(whole())

    return told
