"""MLflow as tracking server and registry page: a projection of the ledger for people to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ml_platform.spec.task import Task

FINGERPRINT = "fingerprint"
"""The tag that makes logging idempotent: the same fingerprint is the same run, the same version."""
CHAMPION = "champion"


def model_path(fingerprint: str) -> str:
    """The folder, among the files of its run, of the version with this fingerprint: by it a version is known."""
    return f"model_{fingerprint[:12]}"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version as MLflow shows it."""

    number: str
    tags: dict[str, str]
    aliases: tuple[str, ...]
    description: str = ""
    """Markdown."""
    path: str = ""
    """Its folder among the files of its run."""
    run_id: str = ""


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model as MLflow shows it."""

    name: str
    description: str
    """Markdown."""
    versions: tuple[RegisteredVersion, ...]
    """Oldest first."""

    @property
    def aliases(self) -> dict[str, str]:
        """The number of the version that each alias names."""
        return {alias: version.number for version in self.versions for alias in version.aliases}


class RunState(StrEnum):
    """Whether a run can be looked at."""

    ACTIVE = "active"
    DELETED = "deleted"
    """It can be restored."""
    GONE = "gone"
    """It never was, or is deleted for good."""


class Runs(Protocol):
    """The runs of the tracking server as the platform uses them."""

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
        """Log a finished run and return its id; a run with the same ``fingerprint`` tag is completed instead.

        ``note`` is Markdown, shown as its description.
        """
        ...

    def name_run(self, run_id: str, name: str) -> None:
        """Give a run the name under which people compare it with others."""

    def run_state(self, run_id: str) -> RunState:
        """Whether a run is there."""
        ...

    def restore_run(self, run_id: str) -> None:
        """Take back the deletion of a run, and of its experiment."""

    def run_url(self, run_id: str) -> str:
        """The address of the page of a run."""
        ...

    def artifact_url(self, run_id: str, path: str) -> str:
        """The address of a file of a run."""
        ...


class Tracking(Runs, Protocol):
    """The tracking server as the platform uses it; MLflow and the tests' one pass one conformance suite."""

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
        """Register an artifact's folder and return the version's number, the same one for the same fingerprint.

        ``task`` says what the scores of the artifact mean, ``description`` is Markdown.
        """
        ...

    def write_files(self, run_id: str, path: str, folder: Path, task: Task) -> None:
        """Write the files of a version again, those of the artifact in ``folder`` and MLflow's own."""

    def has_files(self, run_id: str, path: str) -> bool:
        """Whether a run holds the files of a version in its folder ``path``."""
        ...

    def registry(self, model: str | None = None) -> dict[str, RegisteredModel]:
        """Every registered model by its name, or the one that is named."""
        ...

    def registered(self, model: str) -> tuple[RegisteredVersion, ...]:
        """All versions of a model, oldest first; none of an unknown model."""
        ...

    def alias(self, model: str, alias: str) -> str | None:
        """The number of the version that an alias names, or ``None``."""

    def tag_version(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""

    def describe_version(self, model: str, number: str, text: str) -> None:
        """Set the description of a version, Markdown."""

    def describe_model(self, model: str, text: str) -> None:
        """Set the description of a registered model, Markdown."""

    def rename_model(self, model: str, name: str) -> None:
        """Give a registered model another name."""

    def delete_version(self, model: str, number: str) -> None:
        """Delete a version; its aliases go with it."""

    def set_alias(self, model: str, alias: str, number: str) -> None:
        """Let an alias name a version."""

    def remove_alias(self, model: str, alias: str) -> None:
        """Let an alias name nothing."""

    def version_url(self, model: str, number: str) -> str:
        """The address of the page of a version."""
        ...
