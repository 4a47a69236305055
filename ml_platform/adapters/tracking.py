"""MLflow as tracking server and registry page: a projection of the ledger for people to look at."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ml_platform.errors import ServiceError

if TYPE_CHECKING:
    pass

FINGERPRINT = "fingerprint"
"""The tag that makes logging idempotent: the same fingerprint is the same run, the same version."""
CHAMPION = "champion"
_TIMEOUT_SECONDS = 30
_RETRIES = 2
"""The client's own defaults, 120 s and 7 retries, block for minutes when the server is down."""
_METRICS_A_BATCH = 500
_PARAMETERS_A_BATCH = 100


@dataclass(frozen=True)
class RegisteredVersion:
    """A version as MLflow shows it."""

    number: str
    tags: dict[str, str]
    aliases: tuple[str, ...]


class Tracking(Protocol):
    """The tracking server as the platform uses it; MLflow and the tests' one pass one conformance suite."""

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
        """Log a finished run and return its id; a run with the same ``fingerprint`` tag is completed instead."""
        ...

    def register_version(
        self, model: str, run_id: str, folder: Path, *, tags: Mapping[str, str]
    ) -> str:
        """Register an artifact's folder and return the version's number, the same one for the same fingerprint."""
        ...

    def registered(self, model: str) -> tuple[RegisteredVersion, ...]:
        """All versions of a model, oldest first; none of an unknown model."""
        ...

    def tag_version(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""

    def set_alias(self, model: str, alias: str, number: str) -> None:
        """Let an alias name a version."""

    def remove_alias(self, model: str, alias: str) -> None:
        """Let an alias name nothing."""

    def alias(self, model: str, alias: str) -> str | None:
        """The number of the version that an alias names, or ``None``."""

    def run_url(self, run_id: str) -> str:
        """The address of the page of a run."""
        ...

    def artifact_url(self, run_id: str, path: str) -> str:
        """The address of a file of a run."""
        ...

    def version_url(self, model: str, number: str) -> str:
        """The address of the page of a version."""
        ...


class MlflowTracking:
    """`Tracking` over an MLflow server; every failure is a `ServiceError` within about a minute."""

    def __init__(self, url: str) -> None:
        from mlflow import MlflowClient

        _be_brief()
        self._url = url.rstrip("/")
        self._client: MlflowClient = MlflowClient(tracking_uri=url, registry_uri=url)
        self._experiment_of_run: dict[str, str] = {}

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
        """See `Tracking`. One that a killed process left half logged is completed, not doubled."""
        from mlflow.entities import Metric, Param

        with self._failures():
            experiment_id = self._experiment(experiment)
            run = self._find_run(experiment_id, tags[FINGERPRINT])
            if run is None:
                run = self._client.create_run(experiment_id, tags=dict(tags), run_name=name)
            run_id = str(run.info.run_id)
            self._experiment_of_run[run_id] = experiment_id
            if run.info.status == "FINISHED":
                return run_id
            # The start of the run is the time of every metric: logged twice, it is the same metric.
            started = run.info.start_time
            figures = [Metric(key, float(value), started, 0) for key, value in metrics.items()]
            settings = [Param(key, str(value)) for key, value in parameters.items()]
            for at in range(0, len(figures), _METRICS_A_BATCH):
                self._client.log_batch(run_id, metrics=figures[at : at + _METRICS_A_BATCH])
            for at in range(0, len(settings), _PARAMETERS_A_BATCH):
                self._client.log_batch(run_id, params=settings[at : at + _PARAMETERS_A_BATCH])
            with tempfile.TemporaryDirectory() as folder:
                for path, content in files.items():
                    target = Path(folder, path)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content)
                self._client.log_artifacts(run_id, folder)
            self._client.set_terminated(run_id, "FINISHED")
        return run_id

    def register_version(
        self, model: str, run_id: str, folder: Path, *, tags: Mapping[str, str]
    ) -> str:
        """See `Tracking`. The page shows the signature of the features, not of the ONNX matrix."""
        from ml_platform.adapters.mlflow_model import write_mlflow_model

        with self._failures():
            self._create_model(model)
            for version in self.registered(model):
                if version.tags.get(FINGERPRINT) == tags[FINGERPRINT]:
                    return version.number
            run = self._client.get_run(run_id)
            path = f"model_{tags[FINGERPRINT][:12]}"
            with tempfile.TemporaryDirectory() as temporary:
                target = Path(temporary, path)
                shutil.copytree(folder, target)
                write_mlflow_model(target, run_id)
                self._client.log_artifacts(run_id, temporary)
            version = self._client.create_model_version(
                model,
                source=f"{run.info.artifact_uri}/{path}",
                run_id=run_id,
                tags=dict(tags),
                await_creation_for=0,
            )
        return str(version.version)

    def registered(self, model: str) -> tuple[RegisteredVersion, ...]:
        """See `Tracking`."""
        versions: list[Any] = []
        token: str | None = None
        with self._failures():
            while True:
                page = self._client.search_model_versions(f"name = '{model}'", page_token=token)
                versions += page
                token = page.token
                if not token:
                    break
            named = self._aliases(model) if versions else {}
        versions.sort(key=lambda version: int(version.version))
        return tuple(
            RegisteredVersion(
                str(version.version),
                dict(version.tags),
                tuple(
                    sorted(name for name, number in named.items() if number == str(version.version))
                ),
            )
            for version in versions
        )

    def tag_version(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """See `Tracking`."""
        with self._failures():
            for key, value in tags.items():
                self._client.set_model_version_tag(model, number, key, value)

    def set_alias(self, model: str, alias: str, number: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.set_registered_model_alias(model, alias, number)

    def remove_alias(self, model: str, alias: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.delete_registered_model_alias(model, alias)

    def alias(self, model: str, alias: str) -> str | None:
        """See `Tracking`."""
        with self._failures():
            return self._aliases(model).get(alias)

    def run_url(self, run_id: str) -> str:
        """See `Tracking`."""
        experiment_id = self._experiment_of_run.get(run_id)
        if experiment_id is None:
            with self._failures():
                experiment_id = str(self._client.get_run(run_id).info.experiment_id)
            self._experiment_of_run[run_id] = experiment_id
        return f"{self._url}/#/experiments/{experiment_id}/runs/{run_id}"

    def artifact_url(self, run_id: str, path: str) -> str:
        """See `Tracking`."""
        return f"{self.run_url(run_id)}/artifacts/{path}"

    def version_url(self, model: str, number: str) -> str:
        """See `Tracking`."""
        return f"{self._url}/#/models/{model}/versions/{number}"

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._experiment(name)  # another process was faster

    def _find_run(self, experiment_id: str, fingerprint: str) -> Any:
        query = f"tags.{FINGERPRINT} = '{fingerprint}'"
        runs = self._client.search_runs([experiment_id], query, max_results=1)
        return runs[0] if runs else None

    def _create_model(self, model: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _aliases(self, model: str) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            aliases = self._client.get_registered_model(model).aliases
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return {}
        return {str(alias): str(number) for alias, number in aliases.items()}

    @contextmanager
    def _failures(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            raise ServiceError(
                f"MLflow at {self._url} refused or did not answer: {error.message[:300]}",
                remedy="Check that it runs (`ml-platform doctor`), then run the same step again.",
            ) from error


def _be_brief() -> None:
    """Few retries and no progress bars, unless the user has said otherwise."""
    from mlflow import environment_variables as variables

    for variable, value in (
        (variables.MLFLOW_HTTP_REQUEST_TIMEOUT, _TIMEOUT_SECONDS),
        (variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES, _RETRIES),
        (variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR, False),
        (variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT, True),
        (variables.MLFLOW_DISABLE_TELEMETRY, True),
    ):
        if not variable.is_set():
            variable.set(value)
