"""The versions that a worker holds in memory: each is read once, its hashes first, in a thread of its own."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from ml_platform.adapters.artifact_files import load_one_row
from ml_platform.errors import IntegrityError, PlatformError
from ml_platform.prediction_log.one_row import RowAnswers
from ml_platform.serving.loaded import RecentlyUsed
from ml_platform.serving.table import ServedVersion
from ml_platform.spec.task import Task

MOST_VERSIONS = 10
"""Registered versions in memory; of more, the one that was not asked for longest goes. Rules are small and stay."""
_TRY_AGAIN_SECONDS = 5.0
"""How long a version that could not be loaded is left alone."""


class ModelStore:
    """Loads versions on demand, each once, however many ask at the same time."""

    def __init__(self, home: Path, tasks: Mapping[str, Task]) -> None:
        """Nothing is loaded yet.

        Args:
            home: The home folder, which artifacts lie in.
            tasks: By model, what it predicts.
        """
        self.hashes_checked = 0
        self._home = home
        self._tasks = tasks
        self._versions = RecentlyUsed[str, RowAnswers](MOST_VERSIONS)
        self._rules: dict[str, RowAnswers] = {}
        self._loading: dict[str, asyncio.Task[RowAnswers]] = {}
        self._failed: dict[str, tuple[float, PlatformError]] = {}

    def at_hand(self, version: ServedVersion) -> RowAnswers | None:
        """The version if it is in memory."""
        if version.is_rules:
            return self._rules.get(version.artifact_sha256)
        return self._versions.get(version.artifact_sha256, 0.0)

    async def load(self, model: str, version: ServedVersion) -> RowAnswers:
        """The version, read from its files unless it is in memory.

        Raises:
            PlatformError: a file is missing or changed, or its kind is unknown; the same error for some seconds.
        """
        found = self.at_hand(version)
        if found is not None:
            return found
        sha256 = version.artifact_sha256
        since, error = self._failed.get(sha256, (0.0, None))
        if error is not None and time.monotonic() - since < _TRY_AGAIN_SECONDS:
            raise error
        if sha256 not in self._loading:
            self._loading[sha256] = asyncio.create_task(self._read(model, version))
        return await asyncio.shield(self._loading[sha256])

    async def _read(self, model: str, version: ServedVersion) -> RowAnswers:
        sha256 = version.artifact_sha256
        try:
            folder = self._home / version.artifact_path
            one_row = await asyncio.to_thread(load_one_row, folder, sha256)
        except Exception as error:
            known = (
                error if isinstance(error, PlatformError) else _unloadable(model, version, error)
            )
            self._failed[sha256] = (time.monotonic(), known)
            raise known from error
        finally:
            del self._loading[sha256]
        self._failed.pop(sha256, None)
        self.hashes_checked += 1
        loaded = RowAnswers(one_row, self._tasks[model])
        if version.is_rules:
            self._rules[sha256] = loaded
        else:
            self._versions.put(sha256, loaded, 0.0)
        return loaded

    @property
    def loaded(self) -> int:
        """Versions and rules in memory."""
        return len(self._versions) + len(self._rules)


def _unloadable(model: str, version: ServedVersion, error: Exception) -> IntegrityError:
    return IntegrityError(
        f"{model} {version.version} cannot be loaded: {type(error).__name__}.",
        remedy="`ml-platform verify` says whether its files are what was registered",
    )
