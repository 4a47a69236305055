"""The tracking server as MLflow's own client speaks to it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml_platform.adapters.tracking import (
    FINGERPRINT,
    RegisteredModel,
    RegisteredVersion,
    RunState,
    model_path,
)
from ml_platform.errors import ServiceError
from ml_platform.spec.task import Task

_TIMEOUT_SECONDS = 30
_RETRIES = 2
"""The client's own defaults, 120 s and 7 retries, block for minutes when the server is down."""
_NOTE = "mlflow.note.content"
"""The tag whose text, Markdown, MLflow shows as the description of a run or an experiment."""
_CLASSIC_VIEW = {"mlflow.experimentKind": "custom_model_development"}
"""Without it MLflow guesses what an experiment is, and asks whoever opens its page."""
_METRICS_A_BATCH = 500
_PARAMETERS_A_BATCH = 100
_VERSIONS_A_PAGE = 1_000


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
        note: str = "",
    ) -> str:
        """See `Tracking`. One that a killed process left half logged is completed, not doubled."""
        from mlflow.entities import Metric, Param

        with self._failures():
            experiment_id = self._experiment(experiment)
            run = self._find_run(experiment_id, tags[FINGERPRINT])
            if run is None:
                told = {**tags, _NOTE: note} if note else dict(tags)
                run = self._client.create_run(experiment_id, tags=told, run_name=name)
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

    def name_run(self, run_id: str, name: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.update_run(run_id, name=name)

    def run_state(self, run_id: str) -> RunState:
        """See `Tracking`."""
        from mlflow.exceptions import MlflowException

        with self._failures():
            try:
                stage = self._client.get_run(run_id).info.lifecycle_stage
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return RunState.GONE
        return RunState.ACTIVE if stage == "active" else RunState.DELETED

    def restore_run(self, run_id: str) -> None:
        """See `Tracking`. Restoring an experiment restores what was deleted with it."""
        with self._failures():
            experiment = self._client.get_run(run_id).info.experiment_id
            if self._client.get_experiment(experiment).lifecycle_stage != "active":
                self._client.restore_experiment(experiment)
            if self.run_state(run_id) is RunState.DELETED:
                self._client.restore_run(run_id)

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
        """See `Tracking`. The page shows the signature of the features, not of the ONNX matrix."""
        with self._failures():
            self._create_model(model)
            for known in self.registered(model):
                if known.tags.get(FINGERPRINT) == tags[FINGERPRINT]:
                    return known.number
            run = self._client.get_run(run_id)
            path = model_path(tags[FINGERPRINT])
            self.write_files(run_id, path, folder, task)
            version = self._client.create_model_version(
                model,
                source=f"{run.info.artifact_uri}/{path}",
                run_id=run_id,
                tags=dict(tags),
                description=description,
                await_creation_for=0,
            )
        return str(version.version)

    def write_files(self, run_id: str, path: str, folder: Path, task: Task) -> None:
        """See `Tracking`."""
        from ml_platform.adapters.mlflow_model import write_mlflow_model

        with self._failures(), tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary, path)
            shutil.copytree(folder, target)
            write_mlflow_model(target, run_id, task)
            self._client.log_artifacts(run_id, temporary)

    def has_files(self, run_id: str, path: str) -> bool:
        """See `Tracking`. MLflow answers with an empty list where there is no such folder."""
        with self._failures():
            return bool(self._client.list_artifacts(run_id, path))

    def registry(self, model: str | None = None) -> dict[str, RegisteredModel]:
        """See `Tracking`."""
        named = f"name = '{model}'" if model else None
        with self._failures():
            models = _all_pages(
                lambda token: self._client.search_registered_models(named, page_token=token)
            )
            versions = _all_pages(
                lambda token: self._client.search_model_versions(
                    named, max_results=_VERSIONS_A_PAGE, page_token=token
                )
            )
        by_model: dict[str, list[Any]] = {}
        for version in sorted(versions, key=lambda version: int(version.version)):
            by_model.setdefault(version.name, []).append(version)
        return {
            each.name: RegisteredModel(
                each.name,
                each.description or "",
                tuple(
                    _registered_version(version, each.aliases)
                    for version in by_model.get(each.name, ())
                ),
            )
            for each in models
        }

    def registered(self, model: str) -> tuple[RegisteredVersion, ...]:
        """See `Tracking`."""
        shown = self.registry(model).get(model)
        return shown.versions if shown else ()

    def alias(self, model: str, alias: str) -> str | None:
        """See `Tracking`."""
        shown = self.registry(model).get(model)
        return shown.aliases.get(alias) if shown else None

    def tag_version(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """See `Tracking`."""
        with self._failures():
            for key, value in tags.items():
                self._client.set_model_version_tag(model, number, key, value)

    def describe_version(self, model: str, number: str, text: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.update_model_version(model, number, description=text)

    def describe_model(self, model: str, text: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.update_registered_model(model, description=text)

    def rename_model(self, model: str, name: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.rename_registered_model(model, name)

    def delete_version(self, model: str, number: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.delete_model_version(model, number)

    def set_alias(self, model: str, alias: str, number: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.set_registered_model_alias(model, alias, number)

    def remove_alias(self, model: str, alias: str) -> None:
        """See `Tracking`."""
        with self._failures():
            self._client.delete_registered_model_alias(model, alias)

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
            for key, value in _CLASSIC_VIEW.items():
                if experiment.tags.get(key) != value:
                    self._client.set_experiment_tag(experiment.experiment_id, key, value)
            return str(experiment.experiment_id)
        try:
            return str(self._client.create_experiment(name, tags=_CLASSIC_VIEW))
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


def _all_pages(page: Callable[[str | None], Any]) -> list[Any]:
    """Everything that a search of MLflow's gives, page by page."""
    found: list[Any] = []
    token: str | None = None
    while True:
        part = page(token)
        found += part
        token = part.token
        if not token:
            return found


def _registered_version(version: Any, aliases: Mapping[str, Any]) -> RegisteredVersion:
    number = str(version.version)
    return RegisteredVersion(
        number=number,
        tags=dict(version.tags),
        aliases=tuple(sorted(name for name, named in aliases.items() if str(named) == number)),
        description=version.description or "",
        path=version.source.rstrip("/").rpartition("/")[2],
        run_id=version.run_id or "",
    )
