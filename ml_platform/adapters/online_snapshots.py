"""The snapshot of the online state of a home: one file without pickle, with what it was made of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml_platform.adapters.manifest import manifest_beside
from ml_platform.arrays import Array
from ml_platform.errors import IntegrityError
from ml_platform.features.online.packed_rows import vocabulary
from ml_platform.settings import Settings

_MADE_OF = "made of"


@dataclass(frozen=True)
class MadeOf:
    """What a snapshot was made of: it is of use as long as all of it is still so, or has only grown."""

    definition: str
    """The hash of the SQL of the features and of the code that compiles and keeps them."""
    days: dict[str, str]
    """The SHA-256 of each file of the lake that was told, by its path in the lake."""


class OnlineSnapshots:
    """The one snapshot of a home, replaced whole."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is read yet."""
        self.path: Path = settings.online / "state.npz"
        self._manifest = manifest_beside(settings.online)

    def write(self, made_of: MadeOf, arrays: Mapping[str, Array]) -> int:
        """Put a snapshot in place of the one before; returns its bytes."""
        words = np.frombuffer(json.dumps(asdict(made_of)).encode(), np.uint8)
        named: dict[str, Any] = {_MADE_OF: words, **arrays}
        with self._manifest.replacing(self.path) as (beside,), beside.open("wb") as stream:
            np.savez(stream, **named)
        return self.path.stat().st_size

    def read(self) -> tuple[MadeOf, dict[str, Array]] | None:
        """What the snapshot was made of, and its arrays; ``None`` where there is none.

        Raises:
            IntegrityError: its bytes are not those that were written.
        """
        if not self.path.exists():
            return None
        self._manifest.require(self.path)
        with np.load(self.path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return MadeOf(**json.loads(arrays.pop(_MADE_OF).tobytes())), arrays

    def knows(self, user_id: str) -> bool:
        """Whether there is a snapshot that names this user; a damaged one may."""
        try:
            found = self.read()
        except IntegrityError:
            return True
        return found is not None and _names(vocabulary(found[1]), user_id)

    def remove(self) -> None:
        """Let it go; the state is then read from the lake again."""
        self._manifest.remove(self.path)


def _names(words: Any, user_id: str) -> bool:
    if isinstance(words, list | tuple):
        return any(_names(word, user_id) for word in words)
    return bool(words == user_id)
