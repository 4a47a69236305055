"""Jobs of a home by name, as the processes of their steps find them."""

from functools import lru_cache
from typing import Any

import dagster as dg

from ml_platform.defs.build import build_definitions
from ml_platform.home import read_home
from ml_platform.settings import read_settings


def home_definitions() -> dg.Definitions:
    """The definitions for the home that the environment names, built once for each position of its clock."""
    return _definitions(*_home_and_clock())


def find_job(name: str) -> dg.JobDefinition:
    """The job ``name`` of the home that the environment names."""
    return home_definitions().resolve_job_def(name)


def job_for_processes(name: str) -> Any:
    """The job ``name`` in the form that Dagster hands to other processes, which look it up in this module."""
    home, as_of = _home_and_clock()
    at = {"name": name, "home": home, "as_of": as_of}
    return dg.build_reconstructable_job(__name__, _find_job_at.__name__, reconstructable_kwargs=at)


def _find_job_at(name: str, home: str, as_of: str) -> dg.JobDefinition:
    """The job of a home at one position of its clock: Dagster remembers the job by these arguments."""
    return _definitions(home, as_of).resolve_job_def(name)


def _home_and_clock() -> tuple[str, str]:
    settings = read_settings()
    state = read_home(settings)
    return str(settings.home), state.as_of.isoformat() if state else ""


@lru_cache(maxsize=1)
def _definitions(_home: str, _as_of: str) -> dg.Definitions:
    return build_definitions()
