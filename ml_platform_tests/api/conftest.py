"""A home whose service answers by small real artifacts, with a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_platform_tests.api.page_service import HOSTILE, Trial, trial
from ml_platform_tests.api.services import Home


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Home:
    """A home with a champion of version 1, rules, and nothing else."""
    home = Home(tmp_path, database_url)
    home.serve(champion=home.version("1", 0.9), rules=home.version("rules@0", 0.6), revision=1)
    return home


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Iterator[Trial]:
    """The application of a worker whose catalogue has a model with a plain name and one with a hostile one."""
    with trial(tmp_path, database_url, "example", HOSTILE) as made:
        yield made
