"""The stored evaluation report of a version, and the page that is made from it."""

from dataclasses import dataclass

from ml_platform.application.connections import Connections
from ml_platform.application.find_version import find_version
from ml_platform.application.removed import RemovedPieces
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.registry.records import VersionRecord


@dataclass(frozen=True)
class StoredEvaluation:
    """A version with the report that its decision was made on."""

    record: VersionRecord
    report: EvaluationReport


def stored_evaluation(platform: Connections, model: str, version: int | None) -> StoredEvaluation:
    """The evaluation of a version, by default the newest.

    Raises:
        UsageError: no such model or version is registered, or retention has removed the report.
        IntegrityError: the ledger lacks the report of the version.
    """
    record = find_version(platform, model, version)
    report = platform.ledger.report(record.report_id)
    if report is None:
        removed = RemovedPieces(platform).of(record).get("report")
        if removed:
            raise UsageError(
                f"The report of {model} {record.version} is no longer kept: {removed}.",
                remedy="its verdict and its gates stand in `ml-platform models history`",
            )
        raise IntegrityError(
            f"The ledger lacks the report {record.report_id[:12]} of {model} version {record.version}.",
            remedy="`ml-platform verify` tells what else does not hold",
        )
    return StoredEvaluation(record, report)


def page_of(evaluation: StoredEvaluation) -> str:
    """The HTML page of a stored decision, with the versions of code and libraries behind it."""
    from ml_platform.gates.outcome import Decision
    from ml_platform.registry.replay import replayed, same_decision
    from ml_platform.reporting.evaluation import report_html

    record, report = evaluation.record, evaluation.report
    decision, replay = record.decision, replayed(record, report)
    # A decision that an earlier release stored does not say of which metric its gates are; replayed it does.
    if isinstance(replay, Decision) and same_decision(replay, decision):
        decision = replay
    made_with = {
        "version": str(record.version),
        "evaluation": str(record.evaluation),
        "ml-platform": record.code_version,
    }
    return report_html(report, decision, made_with | record.dependencies)
