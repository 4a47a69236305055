"""What of a version may be gone: retention has removed it and nothing needs it, or a person was forgotten."""

from functools import cached_property

from ml_platform.application.connections import Connections
from ml_platform.registry.records import VersionRecord
from ml_platform.retention.forgotten import FORGOTTEN, Redaction
from ml_platform.retention.plan import Removed
from ml_platform.retention.reachable import needed_by, root_versions
from ml_platform.retention.rules import Kind

_PIECES = {
    Kind.EVALUATION_REPORT: "report",
    Kind.ARTIFACT: "artifact",
    Kind.TRAINING_SET: "data",
}


class RemovedPieces:
    """What was removed of the versions of a home; of a root nothing may be missing but for a person's sake."""

    def __init__(self, platform: Connections) -> None:
        self._platform = platform
        self._roots: dict[str, frozenset[int]] = {}

    def of(self, record: VersionRecord) -> dict[str, str]:
        """The pieces of one evaluation of a version ('report', 'artifact', 'data') with a word on each."""
        if not self._removals:
            return {}
        known = {
            _PIECES[kind]: self._removals[kind.value, key]
            for kind, key in needed_by([record], "")
            if kind in _PIECES and (kind.value, key) in self._removals
        }
        is_root = bool(known) and record.version in self._roots_of(record.model)
        return {
            piece: f"removed by {_remover(removed)} on {removed.at:%Y-%m-%d}"
            for piece, removed in known.items()
            if not is_root or removed.why == FORGOTTEN
        }

    def redacted_sha256(self, record: VersionRecord) -> str | None:
        """The hash of the text of its report, where ids of a forgotten person were taken out of it."""
        redaction = self._redactions.get(record.report_id)
        return redaction.sha256 if redaction else None

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
    def _redactions(self) -> dict[str, Redaction]:
        return self._platform.ledger.redactions()

    @cached_property
    def _removals(self) -> dict[tuple[str, str], Removed]:
        return self._platform.ledger.removals()

    def _roots_of(self, model: str) -> frozenset[int]:
        if model not in self._roots:
            ledger = self._platform.ledger
            roots = root_versions(ledger.history(model), ledger.legal_holds())
            self._roots[model] = frozenset(roots)
        return self._roots[model]


def _remover(removed: Removed) -> str:
    return "forget" if removed.why == FORGOTTEN else "retention"
