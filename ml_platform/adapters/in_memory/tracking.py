"""Tracking in memory, for tests: it passes the same conformance suite as MLflow's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml_platform.adapters.tracking import (
    FINGERPRINT,
    RegisteredModel,
    RegisteredVersion,
    RunState,
    model_path,
)
from ml_platform.errors import ServiceError
from ml_platform.spec.task import Task


@dataclass
class LoggedRun:
    """A run as it was logged; ``folders`` are those of versions."""

    name: str
    experiment: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: dict[str, bytes]
    note: str
    state: RunState = RunState.ACTIVE
    folders: dict[str, dict[str, bytes]] = field(default_factory=dict)


@dataclass
class _Version:
    number: int
    tags: dict[str, str]
    run_id: str
    description: str
    path: str


@dataclass
class _Model:
    description: str = ""
    versions: list[_Version] = field(default_factory=list)
    last: int = 0
    """The highest number that was ever given."""
    aliases: dict[str, int] = field(default_factory=dict)


class InMemoryTracking:
    """`tracking.Tracking` in dictionaries; ``runs`` may be looked at. Methods: see the protocol."""

    def __init__(self) -> None:
        self.runs: dict[str, LoggedRun] = {}
        self._models: dict[str, _Model] = {}

    def log_run(
        self,
        *,
        name: str,
        experiment: str,
        parameters: Mapping[str, str | int | float | bool],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        files: Mapping[str, bytes],
        note: str = "",
    ) -> str:
        """A run, or the one with this fingerprint in this experiment."""
        for run_id, run in self.runs.items():
            known = (run.experiment, run.tags[FINGERPRINT], run.state)
            if known == (experiment, tags[FINGERPRINT], RunState.ACTIVE):
                return run_id
        run_id = f"run-{len(self.runs) + 1}"
        texts = {key: str(value) for key, value in parameters.items()}
        self.runs[run_id] = LoggedRun(
            name, experiment, texts, dict(metrics), dict(tags), dict(files), note
        )
        return run_id

    def name_run(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        self._run(run_id).name = name

    def run_state(self, run_id: str) -> RunState:
        """Whether a run is there."""
        return self.runs[run_id].state if run_id in self.runs else RunState.GONE

    def restore_run(self, run_id: str) -> None:
        """Take back the deletion of a run."""
        self._run(run_id).state = RunState.ACTIVE

    def register_version(
        self,
        model: str,
        run_id: str,
        folder: Path,
        *,
        task: Task,
        tags: Mapping[str, str],
        description: str = "",
    ) -> str:
        """A version, or the one with this fingerprint."""
        self._run(run_id)
        known = self._models.setdefault(model, _Model())
        for version in known.versions:
            if version.tags.get(FINGERPRINT) == tags[FINGERPRINT]:
                return str(version.number)
        path = model_path(tags[FINGERPRINT])
        self.write_files(run_id, path, folder, task)
        known.last += 1
        known.versions.append(_Version(known.last, dict(tags), run_id, description, path))
        return str(known.last)

    def write_files(self, run_id: str, path: str, folder: Path, task: Task) -> None:
        """The files of an artifact under ``path``."""
        files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        self._run(run_id).folders[path] = files

    def has_files(self, run_id: str, path: str) -> bool:
        """Whether a run holds the files of a version."""
        return bool(self._run(run_id).folders.get(path))

    def registry(self, model: str | None = None) -> dict[str, RegisteredModel]:
        """Every registered model, or the one that is named."""
        return {
            name: RegisteredModel(name, known.description, self.registered(name))
            for name, known in self._models.items()
            if model in (None, name)
        }

    def registered(self, model: str) -> tuple[RegisteredVersion, ...]:
        """All versions, oldest first."""
        known = self._models.get(model, _Model())
        return tuple(
            RegisteredVersion(
                number=str(version.number),
                tags=dict(version.tags),
                aliases=tuple(
                    sorted(name for name, named in known.aliases.items() if named == version.number)
                ),
                description=version.description,
                path=version.path,
                run_id=version.run_id,
            )
            for version in known.versions
        )

    def alias(self, model: str, alias: str) -> str | None:
        """The version that an alias names."""
        number = self._models.get(model, _Model()).aliases.get(alias)
        return str(number) if number else None

    def tag_version(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        self._version(model, number).tags.update(tags)

    def describe_version(self, model: str, number: str, text: str) -> None:
        """Set the description of a version."""
        self._version(model, number).description = text

    def describe_model(self, model: str, text: str) -> None:
        """Set the description of a model."""
        self._model(model).description = text

    def rename_model(self, model: str, name: str) -> None:
        """Give a model another name."""
        if name in self._models:
            raise ServiceError(f"There is a model {name} already.", remedy="Choose another name.")
        self._model(model)
        self._models[name] = self._models.pop(model)

    def delete_version(self, model: str, number: str) -> None:
        """Delete a version and its aliases."""
        gone, known = self._version(model, number), self._model(model)
        known.versions.remove(gone)
        known.aliases = {
            name: named for name, named in known.aliases.items() if named != gone.number
        }

    def set_alias(self, model: str, alias: str, number: str) -> None:
        """Let an alias name a version."""
        self._model(model).aliases[alias] = self._version(model, number).number

    def remove_alias(self, model: str, alias: str) -> None:
        """Let an alias name nothing."""
        self._model(model).aliases.pop(alias, None)

    def run_url(self, run_id: str) -> str:
        """A name in place of an address."""
        return f"memory:///#/runs/{run_id}"

    def artifact_url(self, run_id: str, path: str) -> str:
        """A name in place of an address."""
        return f"{self.run_url(run_id)}/artifacts/{path}"

    def version_url(self, model: str, number: str) -> str:
        """A name in place of an address."""
        return f"memory:///#/models/{model}/versions/{number}"

    def _run(self, run_id: str) -> LoggedRun:
        if run_id not in self.runs:
            raise ServiceError(f"There is no run {run_id}.", remedy="Log the run first.")
        return self.runs[run_id]

    def _model(self, model: str) -> _Model:
        if model not in self._models:
            raise ServiceError(f"There is no model {model}.", remedy="Register a version first.")
        return self._models[model]

    def _version(self, model: str, number: str) -> _Version:
        for version in self._model(model).versions:
            if str(version.number) == number:
                return version
        raise ServiceError(f"There is no version {number} of {model}.", remedy="Register it first.")
