"""What `ml-platform verify` looks at: everything stored, beside the files as they lie there now."""

from pathlib import Path

from ml_platform import values
from ml_platform.defs.platform import Connections
from ml_platform.defs.promoting import artifact_sha256_now
from ml_platform.errors import PlatformError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.registry.records import VersionRecord
from ml_platform.registry.verify import Finding, VersionEvidence, verify
from ml_platform.training_sets.training_set import TrainingSetRecord


def verify_home(platform: Connections) -> tuple[Finding, ...]:
    """Chain, production, decisions, artifacts, data and monitoring decisions of a home."""
    ledger = platform.ledger
    models = ledger.models()
    versions = [record for model in models for record in ledger.versions(model)]
    findings = verify(
        ledger.events(),
        {model: ledger.production(model) for model in models},
        [_evidence(platform, record) for record in versions],
    )
    return (*findings, *(_decisions(platform, model) for model in models))


def _evidence(platform: Connections, record: VersionRecord) -> VersionEvidence:
    training_set = stored_training_set(platform, record)
    return VersionEvidence(
        record=record,
        report=stored_report(platform, record),
        training_set=training_set,
        artifact_sha256=artifact_sha256_now(
            platform.settings.home / record.artifact_path, record.artifact_sha256
        ),
        rows_sha256=rows_sha256_now(platform, training_set),
    )


def stored_report(platform: Connections, record: VersionRecord) -> EvaluationReport | None:
    """The report of a version, or ``None`` if the ledger lacks it or it was changed in its place."""
    try:
        return platform.ledger.report(record.report_id)
    except PlatformError:
        return None


def stored_training_set(platform: Connections, record: VersionRecord) -> TrainingSetRecord | None:
    """The record of a version's training set, or ``None`` if the ledger lacks it."""
    try:
        return platform.ledger.training_set(record.model, record.training_set_fingerprint)
    except PlatformError:
        return None


def rows_sha256_now(platform: Connections, record: TrainingSetRecord | None) -> str | None:
    """SHA-256 of the training set's file as it lies there, ``None`` if it is gone."""
    from ml_platform.training_sets.window import rows_path

    if record is None:
        return None
    path: Path = rows_path(platform.settings.training_sets, record)
    return values.file_sha256(path) if path.exists() else None


def _decisions(platform: Connections, model: str) -> Finding:
    """Every stored monitoring report decided again."""
    from ml_platform.retraining.decide import decided

    reports = platform.ledger.monitoring_reports(model)
    odd = [report.window_end.isoformat() for report in reports if decided(report) != report]
    detail = f"decided otherwise: {', '.join(odd)}" if odd else f"{len(reports)} replayed"
    return Finding(f"{model} monitoring", not odd, detail)
