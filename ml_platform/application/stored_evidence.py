"""The stored pieces of a version, read again and hashed as they are now; a missing piece is ``None``."""

import hashlib
from pathlib import Path

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.training_set import TrainingSetRecord


def stored_report(platform: Connections, record: VersionRecord) -> EvaluationReport | None:
    """The report of a version, or ``None`` if the ledger lacks it or it was changed in its place."""
    try:
        return platform.ledger.report(record.report_id)
    except IntegrityError:
        return None


def stored_training_set(platform: Connections, record: VersionRecord) -> TrainingSetRecord | None:
    """The record of a version's training set, or ``None`` if the ledger lacks it or it was changed."""
    try:
        return platform.ledger.training_set(record.model, record.training_set_fingerprint)
    except IntegrityError:
        return None


def rows_sha256_now(platform: Connections, record: TrainingSetRecord | None) -> str | None:
    """SHA-256 of the training set's file as it lies there, or ``None`` if it is gone."""
    from ml_platform.adapters.training_set_files import rows_path

    if record is None:
        return None
    path: Path = rows_path(platform.settings.training_sets, record)
    return values.file_sha256(path) if path.exists() else None


def artifact_sha256_now(folder: Path, expected: str) -> str | None:
    """Identity of an artifact's bytes as they lie there, or ``None`` if its folder is gone.

    An artifact that cannot be read as one any more gets the SHA-256 of all of its files, which is not
    the expected one.
    """
    from ml_platform.adapters.artifact_files import read_artifact

    if not folder.is_dir():
        return None
    try:
        return read_artifact(folder, expected).sha256
    except IntegrityError:
        digest = hashlib.sha256()
        for file in sorted(folder.iterdir()):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()
