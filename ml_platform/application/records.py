"""Frozen records that one step leaves for the next: canonical JSON files under ``<home>/records``.

The name of a record is the key of the asset that leaves it, such as ``pattern_classifier/training_set``, and
for a step that runs once a window also the window. A record is written whole or not at all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ml_platform import values
from ml_platform.adapters.manifest import Manifest
from ml_platform.errors import IntegrityError
from ml_platform.settings import Settings

T = TypeVar("T")


def record_path(settings: Settings, key: Sequence[str], window: str | None = None) -> Path:
    """The file of the record ``key`` (of ``window``, where the step runs once a window)."""
    name = "__".join(key)
    if window is not None:
        name += "@" + window.replace(":", "-")
    return settings.home / "records" / f"{name}.json"


def write_record(
    settings: Settings, key: Sequence[str], record: object, window: str | None = None
) -> None:
    """Keep a frozen value as the latest record of its step."""
    path = record_path(settings, key, window)
    Manifest(settings.home).write_text(path, values.to_json(record))


def read_record(
    settings: Settings, key: Sequence[str], kind: type[T], window: str | None = None
) -> T:
    """The latest record of a step, as a value of type ``kind``.

    Raises:
        IntegrityError: the step has not left one in this home, or it was changed since.
    """
    path, asset = record_path(settings, key, window), "/".join(key)
    if not path.exists():
        raise IntegrityError(
            f"{asset} has not been materialised in this home ({path}).",
            remedy=f"materialise {asset} first, or `ml-platform run`",
        )
    Manifest(settings.home).require(path)
    try:
        return values.from_json(kind, path.read_bytes())
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise IntegrityError(
            f"The record of {asset} ({path}) cannot be read: {fault['msg']}.",
            remedy=f"materialise {asset} again, or `ml-platform run`",
        ) from error
