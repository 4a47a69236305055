"""A home in which an undisturbed run of three small days has ended, made once for all tests that ask for it."""

from pathlib import Path

import pytest

from ml_platform import values
from ml_platform_tests.end_to_end.command import AS_OF
from ml_platform_tests.end_to_end.killing import Killed, outcome
from ml_platform_tests.end_to_end.shared_homes import copied
from ml_platform_tests.shared_folders import shared

MODEL = "sequence_ngram"
"""It is fitted in a second: what is between the steps does not depend on the model."""
THREE_DAYS = ("--models", MODEL, "--days", "3", "--users", "120", "--as-of", AS_OF)
_OUTCOME = "outcome.json"


def finished_home(factory: pytest.TempPathFactory, to: Path) -> Path:
    """A copy of the home."""
    return copied(_made(factory) / "home", to)


def undisturbed(factory: pytest.TempPathFactory) -> Killed:
    """What the run left."""
    return values.from_json(Killed, (_made(factory) / _OUTCOME).read_text(encoding="utf-8"))


def _made(factory: pytest.TempPathFactory) -> Path:
    return shared(factory, "three-days", _run)


def _run(folder: Path) -> None:
    found = outcome(folder / "home", THREE_DAYS, fresh=True)
    (folder / _OUTCOME).write_text(values.to_json(found), encoding="utf-8")
