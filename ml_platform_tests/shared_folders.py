"""Folders that are filled once in a run of the tests, all its workers together, and changed by nobody."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ml_platform import values

Made = TypeVar("Made")


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder ``name`` of the run, which the first that asks for it lets ``make`` fill; the others wait.

    Nobody may change what is in it.
    """
    base = factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    root.mkdir(exist_ok=True)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = root / f"{name}.done"
        if not done.exists():
            make(root / name)
            done.touch()
    return root / name


def made_once(
    factory: pytest.TempPathFactory, name: str, kind: type[Made], make: Callable[[Path], Made]
) -> Made:
    """The dataclass ``kind`` that ``make`` returns for the empty folder ``name``, for all workers of the run."""

    def fill(folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)  # of one that was stopped in the middle
        folder.mkdir()
        folder.with_suffix(".json").write_text(values.to_json(make(folder)), encoding="utf-8")

    kept = shared(factory, name, fill).with_suffix(".json")
    return values.from_json(kind, kept.read_text(encoding="utf-8"))
