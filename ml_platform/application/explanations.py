"""A registered version as monitoring looks at its reasons: its scorer, and the stored baseline of explanations."""

from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.evaluation.report_parts import ReportTable
    from ml_platform.monitoring.explanations import Explained

_DIMENSION = "explanations"


def explained_version(platform: Connections, spec: ModelSpec, version: str) -> "Explained | None":
    """The version with its baseline; ``None`` for rules, and where its evaluation could explain nothing."""
    from ml_platform.adapters.artifact_files import load_scorer
    from ml_platform.evaluation.dimensions.explanations.drift import of_table
    from ml_platform.evaluation.dimensions.explanations.groups import explained_features
    from ml_platform.evaluation.tasks.registry import adapter_of
    from ml_platform.monitoring.explanations import Explained

    if not version.isdecimal():
        return None
    ledger = platform.ledger
    record = ledger.version(spec.name, int(version))
    report = ledger.report(record.report_id)
    training_set = ledger.training_set(spec.name, record.training_set_fingerprint)
    table = _stored_baseline(report) if report else None
    if table is None or training_set is None:
        return None
    path = platform.settings.home / record.artifact_path
    return Explained(
        baseline=of_table(table),
        scorer=load_scorer(path, record.artifact_sha256),
        features=explained_features(training_set.features, tuple(record.input_schema)),
        bounded=adapter_of(spec.task).bounded,
    )


def _stored_baseline(report: "EvaluationReport") -> "ReportTable | None":
    stored = next((d.stored for d in report.dimensions if d.name == _DIMENSION), ())
    return stored[0] if stored else None
