"""Everything that a home stores is verified: against itself, and against its files as they are now."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from ml_platform.adapters.serving.spool import spooled_days
from ml_platform.application.archive import verify_archives
from ml_platform.application.connections import Connections
from ml_platform.application.removed import RemovedPieces
from ml_platform.application.rules_in_use import rules_of
from ml_platform.application.stored_evidence import artifact_sha256_now, rows_sha256_now
from ml_platform.application.verify_experiment import verify_experiment
from ml_platform.application.verify_files import verify_files, verify_other_artifacts
from ml_platform.errors import IntegrityError
from ml_platform.registry.records import VersionRecord
from ml_platform.registry.verify import (
    Finding,
    VersionEvidence,
    evaluation_name,
    verify,
    verify_answers,
    verify_bytes,
    verify_rows,
    verify_version,
)

T = TypeVar("T")


def verify_home(platform: Connections) -> tuple[Finding, ...]:
    """Verify chain, production, decisions, artifacts, data, monitoring, experiments, files and archives of a home.

    A row that cannot be read any more is a finding as well, and the rest is verified all the same. Days of answers
    that are to be sealed are sealed first.
    """
    ledger, faults = platform.ledger, list[Finding]()
    ledger.seal_answers(datetime.now(UTC), spooled_days(platform.settings.spool))
    models = ledger.models()
    keys = [(model, number) for model in models for number in ledger.version_numbers(model)]
    removed = RemovedPieces(platform)
    evidence = {key: _evidence(platform, *key, removed, faults) for key in keys}
    readable = [version for versions in evidence.values() for version in versions]
    unreadable = [key for key, versions in evidence.items() if not versions]
    events = _readable(faults, "chain", ledger.events)
    if events is None:
        findings = tuple(finding for version in readable for finding in verify_version(version))
    else:
        production = {model: ledger.production(model) for model in models}
        findings = verify(
            ledger.stored_events(), events, production, readable, unreadable=unreadable
        )
    return (
        *faults,
        *findings,
        *(_rules(platform, model) for model in models),
        *(_decisions(platform, model) for model in models),
        *_experiments(platform),
        *(verify_rows(table) for table in ledger.stored_rows()),
        verify_answers(ledger.sealed_answers()),
        *verify_files(platform.settings),
        *verify_other_artifacts(
            platform.settings, {version.record.artifact_sha256 for version in readable}
        ),
        *verify_archives(platform.settings),
    )


def _experiments(platform: Connections) -> tuple[Finding, ...]:
    """Check that every experiment is unchanged, and that its verdict is the same when computed again."""
    names = platform.ledger.experiment_names()
    return tuple(finding for name in names for finding in verify_experiment(platform, name))


def _evidence(
    platform: Connections, model: str, number: int, removed: RemovedPieces, faults: list[Finding]
) -> list[VersionEvidence]:
    """Everything that is stored of a version, once an evaluation; what cannot be read is added to ``faults``."""
    ledger, name = platform.ledger, f"{model} {number}"
    evaluations = _readable(faults, f"{name} record", lambda: ledger.evaluations(model, number))
    return [_evidence_of(platform, record, removed, faults) for record in evaluations or ()]


def _evidence_of(
    platform: Connections, record: VersionRecord, removed: RemovedPieces, faults: list[Finding]
) -> VersionEvidence:
    ledger, model, name = platform.ledger, record.model, evaluation_name(record)
    training_set = _readable(
        faults,
        f"{name} training set",
        lambda: ledger.training_set(model, record.training_set_fingerprint),
    )
    return VersionEvidence(
        record=record,
        report=_readable(faults, f"{name} report", lambda: ledger.report(record.report_id)),
        report_sha256=ledger.report_sha256(record.report_id),
        training_set=training_set,
        artifact_sha256=artifact_sha256_now(
            platform.settings.home / record.artifact_path, record.artifact_sha256
        ),
        rows_sha256=rows_sha256_now(platform, training_set),
        removed=removed.of(record),
        redacted_sha256=removed.redacted_sha256(record),
    )


def _readable(faults: list[Finding], subject: str, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except IntegrityError as error:
        faults.append(Finding(subject, False, error.message))
        return None


def _rules(platform: Connections, model: str) -> Finding:
    """Check the artifact of the rules, which answer while there is no champion, against its hash."""
    subject, sha256 = f"{model} rules artifact", rules_of(platform, model)
    if not sha256:
        return Finding(subject, True, "none answers yet")
    sha256_now = artifact_sha256_now(platform.settings.artifacts / sha256, sha256)
    return verify_bytes(subject, sha256_now, sha256)


def _decisions(platform: Connections, model: str) -> Finding:
    """Decide again on every stored monitoring report; sentences for people are not compared."""
    from ml_platform.retraining.decide import decided

    subject, faults = f"{model} monitoring", list[Finding]()
    reports = _readable(faults, subject, lambda: platform.ledger.monitoring_reports(model))
    if reports is None:
        return faults[0]
    differing = []
    for report in reports:
        again = decided(report)
        if (again.action, again.decision_row, again.confidence) != (
            report.action,
            report.decision_row,
            report.confidence,
        ):
            differing.append(report.window_end.isoformat())
    detail = (
        f"decided otherwise: {', '.join(differing)}" if differing else f"{len(reports)} replayed"
    )
    return Finding(subject, not differing, detail)
