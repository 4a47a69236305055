"""One evaluation as a run of MLflow: parameters, metrics with their bounds, tags, plots and the page."""

import resource
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.stored_evidence import stored_report
from ml_platform.errors import IntegrityError
from ml_platform.gates.outcome import Decision
from ml_platform.models.candidate import CandidateRecord
from ml_platform.registry.records import VersionRecord

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.reporting.evaluation import Plot

PAGE = "report.html"
"""Name of the page among the files of the run."""
DEPENDENCIES = ("numpy", "onnx", "onnxruntime", "scikit-learn")
"""The packages whose versions are kept with a version of a model."""


def log_evaluation(
    platform: Connections,
    candidate: CandidateRecord,
    report: "EvaluationReport",
    decision: Decision,
    plots: "tuple[Plot, ...]",
    page: bytes,
    dagster_run_id: str,
) -> str:
    """Log the evaluation of a candidate as one run, and return its id."""
    costs = {
        "training_seconds": candidate.seconds,
        "artifact_megabytes": candidate.size_bytes / 1e6,
        "peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return _log(
        platform, candidate.parameters, costs, report, decision, plots, page, dagster_run_id
    )


def log_again(platform: Connections, record: VersionRecord) -> str:
    """Log the run of a version again, from what the ledger has of it, and return the new id.

    Raises:
        IntegrityError: the ledger has the report no more.
    """
    report = stored_report(platform, record)
    if report is None:
        raise IntegrityError(
            f"The report of {record.model} {record.version} is damaged or gone.",
            remedy="restore the ledger from a backup",
        )
    plots, page = plots_and_page(report, record.decision)
    costs = {"artifact_megabytes": record.size_bytes / 1e6}
    run_id = _log(
        platform,
        record.parameters,
        costs,
        report,
        record.decision,
        plots,
        page,
        record.dagster_run_id,
    )
    platform.tracking.name_run(run_id, run_name(record))
    return run_id


def run_name(record: VersionRecord) -> str:
    """The name of the run of a registered version, by which people compare it with others."""
    again = f", evaluation {record.evaluation}" if record.evaluation > 1 else ""
    return f"version {record.version}{again}: {record.decision.verdict.value.upper()}"


def plots_and_page(
    report: "EvaluationReport", decision: Decision
) -> "tuple[tuple[Plot, ...], bytes]":
    """The plots of a report, and its page."""
    from ml_platform.reporting.evaluation import plots, report_html

    versions = {name: metadata.version(name) for name in ("ml-platform", *DEPENDENCIES)}
    return plots(report), report_html(report, decision, versions).encode()


def _log(
    platform: Connections,
    parameters: Mapping[str, str | int | float | bool],
    costs: Mapping[str, float],
    report: "EvaluationReport",
    decision: Decision,
    plots: "tuple[Plot, ...]",
    page: bytes,
    dagster_run_id: str,
) -> str:
    from ml_platform.reporting.registry_text import run_text

    links = {"Dagster run": platform.dagster_run_address(dagster_run_id)}
    return platform.tracking.log_run(
        name=f"candidate {report.artifact_sha256[:12]}: {decision.verdict.value.upper()}",
        experiment=report.model,
        parameters=parameters,
        metrics={**costs, **_figures(report)},
        tags={
            "fingerprint": values.fingerprint(report),
            "verdict": decision.verdict.value,
            "decided by": decision.row,
            "training set": report.training_set_fingerprint,
            "artifact sha256": report.artifact_sha256,
            "policy": f"{report.policy_name} {report.policy_version}",
            "source": report.source,
            "simulated": str(report.simulated),
            "dagster run": dagster_run_id,
        },
        files={
            PAGE: page,
            **{f"plots/{plot.name}.png": plot.png for plot in plots},
            "report.json": values.to_json(report).encode(),
            "decision.json": values.to_json(decision).encode(),
        },
        note=run_text(report.model, decision, report, links, platform.settings.home_option),
    )


def _figures(report: "EvaluationReport") -> dict[str, float]:
    """Every metric of every subject with its bounds, and those of the folds."""
    metrics = {"parity_gap": report.parity_gap}
    for prefix, subject in (
        ("", report.candidate),
        ("baseline_", report.baseline),
        ("ceiling_", report.ceiling),
        ("challenged_", report.challenged),
    ):
        for name, estimate in (subject.metrics if subject else {}).items():
            metrics[f"{prefix}{name}"] = estimate.value
            metrics[f"{prefix}{name}_low"] = estimate.low
            metrics[f"{prefix}{name}_high"] = estimate.high
    for number, fold in enumerate(report.folds, start=1):
        metrics |= {f"fold_{number}_{name}": value for name, value in fold.items()}
    return metrics
