"""What of a version may be gone, since retention has removed it and nothing needs it."""

from datetime import datetime
from functools import cached_property

from ml_platform.application.connections import Connections
from ml_platform.registry.records import VersionRecord
from ml_platform.retention.reachable import needed_by, root_versions
from ml_platform.retention.rules import Kind

_PIECES = {
    Kind.EVALUATION_REPORT: "report",
    Kind.ARTIFACT: "artifact",
    Kind.TRAINING_SET: "data",
}


class RemovedPieces:
    """What retention has removed of the versions of a home; of a root nothing may be missing."""

    def __init__(self, platform: Connections) -> None:
        self._platform = platform
        self._roots: dict[str, frozenset[int]] = {}

    def of(self, record: VersionRecord) -> dict[str, str]:
        """The pieces of one evaluation of a version ('report', 'artifact', 'data') with a word on each."""
        if not self._removals or record.version in self._roots_of(record.model):
            return {}
        return {
            _PIECES[kind]: f"removed by retention on {self._removals[kind.value, key]:%Y-%m-%d}"
            for kind, key in needed_by([record], "")
            if kind in _PIECES and (kind.value, key) in self._removals
        }

    def cannot_be_shown(self, record: VersionRecord) -> bool:
        """Whether MLflow cannot have the version any more: its artifact or its run was removed."""
        run = (Kind.MLFLOW_RUN.value, record.mlflow_run_id)
        pieces = self.of(record)
        gone = (
            "artifact" in pieces
            and not (self._platform.settings.home / record.artifact_path).exists()
        )
        return gone or (
            run in self._removals and record.version not in self._roots_of(record.model)
        )

    @cached_property
    def _removals(self) -> dict[tuple[str, str], datetime]:
        return self._platform.ledger.removals()

    def _roots_of(self, model: str) -> frozenset[int]:
        if model not in self._roots:
            ledger = self._platform.ledger
            roots = root_versions(ledger.history(model), ledger.legal_holds())
            self._roots[model] = frozenset(roots)
        return self._roots[model]
