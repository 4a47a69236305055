"""Sufficient statistics of both arms to bytes and back: from them the verdict is computed again without a fit.

A zip of plain .npy arrays (no pickle) and one JSON that says which belongs where. Equal statistics give equal
bytes.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.registry import statistics_types

_STRUCTURE = "structure"


def statistics_bytes(arms: Mapping[str, SufficientStatistics]) -> bytes:
    """The bytes of the sufficient statistics of both arms, by the name of the arm."""
    arrays: dict[str, np.ndarray] = {}
    structure = {name: _flatten(part, arrays) for name, part in sorted(arms.items())}
    text = json.dumps(structure, sort_keys=True).encode()
    stream = io.BytesIO()
    np.savez_compressed(
        stream, allow_pickle=False, **{_STRUCTURE: np.frombuffer(text, np.uint8)}, **arrays
    )
    return stream.getvalue()


def statistics_of(content: bytes) -> dict[str, SufficientStatistics]:
    """The sufficient statistics of both arms from the bytes of `statistics_bytes`.

    Raises:
        IntegrityError: these are not such bytes.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            structure = json.loads(stored[_STRUCTURE].tobytes())
            return {name: _rebuild(part, stored) for name, part in structure.items()}
    except Exception as error:  # a changed byte may break zip, zlib, .npy, JSON or a constructor
        raise IntegrityError(
            f"The statistics of an experiment cannot be read: {error}.",
            remedy="restore the row from a backup, or define a new experiment",
        ) from error


def _flatten(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop]}
    if isinstance(value, tuple):
        return {"tuple": [_flatten(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[key, _flatten(item, arrays)] for key, item in value.items()]}
    if is_dataclass(value):
        statistics_type: type[Any] = type(value)
        kind = statistics_type.__name__
        if statistics_types().get(kind) is not statistics_type:
            raise IntegrityError(
                f"{kind} is no class of statistics that can be stored.",
                remedy="return it from `statistics_types` of the adapter of its task",
            )
        parts = {f.name: _flatten(getattr(value, f.name), arrays) for f in fields(value)}
        return {"kind": kind, "fields": parts}
    return value.item() if isinstance(value, np.generic) else value


def _rebuild(part: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    match part:
        case {"array": name}:
            return arrays[name]
        case {"slice": [start, stop]}:
            return slice(start, stop)
        case {"tuple": items}:
            return tuple(_rebuild(item, arrays) for item in items)
        case {"dict": pairs}:
            return {key: _rebuild(item, arrays) for key, item in pairs}
        case {"kind": kind, "fields": parts}:
            return statistics_types()[kind](
                **{name: _rebuild(item, arrays) for name, item in parts.items()}
            )
        case _:
            return part
