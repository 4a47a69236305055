"""Tracking in memory, for tests: it passes the same conformance suite as MLflow's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.adapters.tracking import FINGERPRINT, RegisteredVersion
from ml_platform.errors import ServiceError


@dataclass
class LoggedRun:
    """A run as it was logged."""

    name: str
    experiment: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: dict[str, bytes]


@dataclass
class _Version:
    tags: dict[str, str]
    run_id: str
    files: dict[str, bytes] = field(default_factory=dict)


class InMemoryTracking:
    """`tracking.Tracking` in dictionaries; ``runs`` may be looked at. Methods: see the protocol."""

    def __init__(self) -> None:
        self.runs: dict[str, LoggedRun] = {}
        self._versions: dict[str, list[_Version]] = {}
        self._aliases: dict[tuple[str, str], str] = {}

    def log_run(
        self,
        *,
        name: str,
        experiment: str,
        parameters: Mapping[str, str | int | float | bool],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        files: Mapping[str, bytes],
    ) -> str:
        """A run, or the one with this fingerprint in this experiment."""
        for run_id, run in self.runs.items():
            if (run.experiment, run.tags[FINGERPRINT]) == (experiment, tags[FINGERPRINT]):
                return run_id
        run_id = f"run-{len(self.runs) + 1}"
        texts = {key: str(value) for key, value in parameters.items()}
        self.runs[run_id] = LoggedRun(
            name, experiment, texts, dict(metrics), dict(tags), dict(files)
        )
        return run_id

    def register_version(
        self, model: str, run_id: str, folder: Path, *, tags: Mapping[str, str]
    ) -> str:
        """A version, or the one with this fingerprint."""
        if run_id not in self.runs:
            raise ServiceError(f"There is no run {run_id}.", remedy="Log the run first.")
        known = self._versions.setdefault(model, [])
        for number, version in enumerate(known, start=1):
            if version.tags.get(FINGERPRINT) == tags[FINGERPRINT]:
                return str(number)
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        known.append(_Version(dict(tags), run_id, files))
        return str(len(known))

    def registered(self, model: str) -> tuple[RegisteredVersion, ...]:
        """All versions, oldest first."""
        return tuple(
            RegisteredVersion(str(number), dict(version.tags), self._names(model, str(number)))
            for number, version in enumerate(self._versions.get(model, []), start=1)
        )

    def tag_version(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._version(model, number).tags.update(tags)

    def set_alias(self, model: str, alias: str, number: str) -> None:
        """Let an alias name a version."""
        self._version(model, number)
        self._aliases[model, alias] = number

    def remove_alias(self, model: str, alias: str) -> None:
        """Let an alias name nothing."""
        self._aliases.pop((model, alias), None)

    def alias(self, model: str, alias: str) -> str | None:
        """The version that an alias names."""
        return self._aliases.get((model, alias))

    def run_url(self, run_id: str) -> str:
        """A name in place of an address."""
        return f"memory:///#/runs/{run_id}"

    def artifact_url(self, run_id: str, path: str) -> str:
        """A name in place of an address."""
        return f"{self.run_url(run_id)}/artifacts/{path}"

    def version_url(self, model: str, number: str) -> str:
        """A name in place of an address."""
        return f"memory:///#/models/{model}/versions/{number}"

    def _names(self, model: str, number: str) -> tuple[str, ...]:
        names = (
            alias
            for (owner, alias), named in self._aliases.items()
            if (owner, named) == (model, number)
        )
        return tuple(sorted(names))

    def _version(self, model: str, number: str) -> _Version:
        known = self._versions.get(model, [])
        if not 1 <= int(number) <= len(known):
            raise ServiceError(
                f"There is no version {number} of {model}.", remedy="Register it first."
            )
        return known[int(number) - 1]
