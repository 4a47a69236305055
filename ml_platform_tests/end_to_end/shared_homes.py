"""Homes that are made once in a run of the tests, all its workers together, and copied for each that asks."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import dagster as dg
import pytest

from ml_platform.adapters.plugins import home_project
from ml_platform.adapters.services import services
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import tuned_key
from ml_platform.cli.instance import dagster_instance
from ml_platform.settings import read_settings
from ml_platform_tests.shared_folders import shared


def copied(folder: Path, to: Path) -> Path:
    """A copy to be changed, owners and times included; ``to`` is not there yet."""
    subprocess.run(["cp", "-a", str(folder), str(to)], check=True)
    return to


def fresh_home(factory: pytest.TempPathFactory, to: Path) -> Path:
    """A home in which nothing was run, but whose databases have their tables and whose dbt project is parsed.

    A run in it differs from one in no folder at all by the 15 s of processor time that these take.
    """
    return copied(shared(factory, "fresh", _prepare), to)


@contextmanager
def opened(home: Path, *, tracking: bool = True) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of a home in this process, whose environment is that of the home.

    Its database runs, which commands use meanwhile instead of starting it, and with ``tracking`` MLflow; without,
    a command that starts MLflow would wait for the end of the block.
    """
    with patch.dict(os.environ, {"ML_PLATFORM_HOME": str(home)}):
        settings = read_settings()
        with (
            services(settings, tracking=tracking) as running,
            dagster_instance(settings, running) as instance,
        ):
            yield instance


def tune(home: Path, parameters: Mapping[str, Mapping[str, float]]) -> None:
    """Let models of a home be fitted with these parameters, by name, as `ml-platform tune` leaves them."""
    with patch.dict(os.environ, {"ML_PLATFORM_HOME": str(home)}):
        settings = read_settings()
        with services(settings, tracking=False):
            ledger = Connections(settings).ledger
            for model, values in parameters.items():
                ledger.set_state(tuned_key(model), {"parameters": dict(values)})


def _prepare(home: Path) -> None:
    with opened(home):
        platform = Connections(read_settings())
        home_project(platform.settings)
        assert platform.tracking.alias("nothing", "champion") is None
