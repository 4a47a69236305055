"""A version record is complete or is refused: the refusal names every piece that is missing."""

import re

from ml_platform.errors import IntegrityError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.registry.records import VersionRecord

_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = ("number", "category", "tokens")


def validate(record: VersionRecord, report: EvaluationReport | None = None) -> None:
    """Refuse a record that lacks anything that a person or `verify` needs later.

    Args:
        record: The version, which has no number yet.
        report: Its evaluation report, where at hand: it must be of this artifact and hold metrics.

    Raises:
        IntegrityError: naming every piece that is missing or malformed.
    """
    faults = (*missing(record), *(_report_faults(record, report) if report else ()))
    if faults:
        raise IntegrityError(
            f"{record.model} cannot be registered: {'; '.join(faults)}.",
            remedy=f"materialise {record.model}/candidate and what follows it again",
        )


def missing(record: VersionRecord) -> tuple[str, ...]:
    """Names of the pieces that are missing or malformed; empty if the record is whole."""
    hashes = {
        "artifact hash": record.artifact_sha256,
        "data version": record.training_set_fingerprint,
        "evaluation report (metrics)": record.report_id,
    }
    texts = {
        "artifact path": record.artifact_path,
        "framework": record.framework,
        "experiment": record.experiment,
        "experiment run": record.mlflow_run_id,
        "code version": record.code_version,
        "gate policy": record.policy,
        "policy version": record.decision.policy_version,
        "integrity evidence": record.integrity,
    }
    tables = {
        "input schema": record.input_schema,
        "feature names and versions": record.feature_versions,
        "parameters": record.parameters,
        "dependencies": record.dependencies,
        "gates of the decision": record.decision.gates,
    }
    faults = [
        f"{name} is missing or no SHA-256 ('{value}')"
        for name, value in hashes.items()
        if not _SHA256.fullmatch(value)
    ]
    faults += [f"{name} is missing" for name, value in texts.items() if not value.strip()]
    faults += [f"{name} is missing" for name, value in tables.items() if not value]
    return (*faults, *_schema_faults(record))


def _schema_faults(record: VersionRecord) -> list[str]:
    faults = []
    if not record.classes:
        faults.append("output schema has no class")
    if record.size_bytes <= 0:
        faults.append(f"size is {record.size_bytes} bytes")
    if record.registered_at.tzinfo is None:
        faults.append("time of registration has no zone")
    unknown = sorted(set(record.input_schema) - set(record.feature_versions))
    if unknown and record.feature_versions:
        faults.append(f"features without a version: {', '.join(unknown)}")
    odd = sorted(name for name, kind in record.input_schema.items() if kind not in _KINDS)
    if odd:
        faults.append(f"features of no known kind ({', '.join(_KINDS)}): {', '.join(odd)}")
    return faults


def _report_faults(record: VersionRecord, report: EvaluationReport) -> list[str]:
    faults = []
    if not report.candidate.metrics:
        faults.append("metrics are missing from the evaluation report")
    if report.artifact_sha256 != record.artifact_sha256:
        faults.append("the evaluation report is of another artifact")
    if report.training_set_fingerprint != record.training_set_fingerprint:
        faults.append("the evaluation report is of another training set")
    return faults
