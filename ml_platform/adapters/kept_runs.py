"""The runs of MLflow, listed with the files that they hold, and removed for good with their registered versions."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml_platform.errors import ServiceError
from ml_platform.retention.plan import Item
from ml_platform.retention.rules import Clock, Kind

_RUNS_A_PAGE = 1_000
_RUNS_A_COLLECTION = 200
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True)
class OwnStore:
    """The database and the folder of a server that the platform has started itself."""

    database_url: str
    artifacts: Path


class KeptRuns:
    """The runs of a tracking server, as retention sees them.

    Of a server of the platform's own what goes is gone for good (`mlflow gc`). On any other server the runs are
    marked as deleted; its owner collects them.
    """

    def __init__(self, url: str, own: OwnStore | None) -> None:
        from mlflow import MlflowClient

        self._url = url
        self._own = own
        self._client: MlflowClient = MlflowClient(tracking_uri=url, registry_uri=url)

    def named_by_aliases(self) -> Mapping[str, str]:
        """The runs that hold the files of a version which an alias names, each with that alias."""
        models = {model.name: model for model in self._client.search_registered_models()}
        return {
            version.run_id: f"MLflow's {version.name}@{alias} names its files"
            for version in self._client.search_model_versions()
            for alias, number in models[version.name].aliases.items()
            if str(number) == str(version.version)
        }

    def items(self) -> Iterator[Item]:
        """Every run, by the time when it was begun; those marked as deleted where they can be collected here."""
        from mlflow.entities import ViewType

        view = ViewType.ACTIVE_ONLY if self._own is None else ViewType.ALL
        experiments = [each.experiment_id for each in self._client.search_experiments(view)]
        token: str | None = None
        while True:
            page = self._client.search_runs(experiments, "", view, _RUNS_A_PAGE, page_token=token)
            for run in page:
                at = datetime.fromtimestamp(run.info.start_time / 1_000, UTC)
                yield Item(Kind.MLFLOW_RUN, run.info.run_id, at, self._size(run), clock=Clock.WALL)
            token = page.token
            if not token:
                return

    def remove(self, items: Iterable[Item]) -> None:
        """Remove the runs among these items, and the versions whose files they hold."""
        run_ids = [item.key for item in items if item.kind is Kind.MLFLOW_RUN]
        if not run_ids:
            return
        gone = set(run_ids)
        for version in self._client.search_model_versions():
            if version.run_id in gone:
                self._client.delete_model_version(version.name, version.version)
        for run_id in run_ids:
            if self._client.get_run(run_id).info.lifecycle_stage == "active":
                self._client.delete_run(run_id)
        if self._own is not None:
            for at in range(0, len(run_ids), _RUNS_A_COLLECTION):
                self._collect(self._own, run_ids[at : at + _RUNS_A_COLLECTION])

    def _collect(self, own: OwnStore, run_ids: list[str]) -> None:
        """Delete for good what is marked as deleted.

        Raises:
            ServiceError: MLflow's command has failed; the runs stay marked.
        """
        # The command takes the database from where tracking usually is, then the server's address for the files:
        # so the password stands in no list of processes.
        environment = {**os.environ, "MLFLOW_TRACKING_URI": own.database_url}
        words = ["gc", "--tracking-uri", self._url, "--run-ids", ",".join(run_ids)]
        command = [sys.executable, "-m", "mlflow", *words]
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
        )
        if ended.returncode:
            raise ServiceError(
                f"`mlflow gc` has failed: {ended.stderr.strip()[-300:]}",
                remedy="run `ml-platform retention --apply` again",
            )

    def _size(self, run: Any) -> int:
        """The bytes of the run's files, where they can be seen."""
        if self._own is None:
            return 0
        folder = self._own.artifacts / run.info.experiment_id / run.info.run_id
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
