"""Stage evaluation (and its gates): the candidate judged, a check a gate, everything in MLflow."""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.evaluate import Judged, evaluate_candidate
from ml_platform.defs.tables import image, table
from ml_platform.gates.outcome import Decision, GateKind, GateResult
from ml_platform.gates.policy import gate_kinds
from ml_platform.gates.record import Judgement
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.evaluation.report_parts import Estimate, ReportTable


PAGE = "report.html"
"""Name of the page among the artifacts of the MLflow run."""


def evaluation_report_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/evaluation_report``, with one asset check a gate of the model's policy."""

    @dg.asset(
        key=[spec.name, "evaluation_report"],
        group_name="evaluation",
        kinds={"python"},
        owners=["team:ml"],
        io_manager_key="records",
        ins={
            "training_set": dg.AssetIn([spec.name, "training_set"]),
            "candidate": dg.AssetIn([spec.name, "candidate"]),
        },
        deps=[[spec.challenges, "candidate"]] if spec.challenges else [],
        check_specs=[
            dg.AssetCheckSpec(
                name,
                asset=[spec.name, "evaluation_report"],
                blocking=kind is GateKind.INTEGRITY,
                description=f"{kind.value} gate",
            )
            for name, kind in gate_kinds(spec.policy).items()
        ],
        description=(
            "The candidate on test rows it has never seen, beside rules, champion, challenged and (simulated) "
            "ceiling, every figure with its interval; then the gates, and the verdict."
        ),
    )
    def evaluation_report(
        context: dg.AssetExecutionContext,
        training_set: TrainingSetRecord,
        candidate: CandidateRecord,
        platform: dg.ResourceParam[Connections],
    ) -> Iterator[dg.MaterializeResult[Judgement]]:
        from ml_platform.gates.decide import decide

        judged = evaluate_candidate(spec, platform, training_set, candidate, context.log.info)
        decision = decide(judged.report, spec.policy, judged.evidence)
        context.log.info(
            f"{_headline(judged.report)}; verdict {decision.verdict.value.upper()}: {decision.row}"
        )
        pages = _pages(judged.report, decision)
        run_id = _log_run(spec, platform, candidate, judged, decision, pages, context.run.run_id)
        judgement = Judgement(
            model=spec.name,
            report_id=platform.ledger.save_report(judged.report),
            artifact_sha256=candidate.artifact_sha256,
            rules_sha256=candidate.rules_sha256,
            training_set_fingerprint=training_set.fingerprint,
            policy_version=decision.policy_version,
            decision=decision,
            integrity=values.to_json(judged.evidence),
            champion=judged.production.version,
            production_revision=judged.production.revision,
            mlflow_run_id=run_id,
            dagster_run_id=context.run.run_id,
        )
        yield dg.MaterializeResult(
            value=judgement,
            metadata=_metadata(
                judged.report,
                decision,
                pages,
                platform.tracking.run_url(run_id),
                platform.tracking.artifact_url(run_id, PAGE),
            ),
            check_results=[_check(spec, gate) for gate in decision.gates],
        )

    return evaluation_report


@dataclass(frozen=True)
class _Pages:
    html: str
    plots: dict[str, bytes]
    """PNG by title."""


def _pages(report: "EvaluationReport", decision: Decision) -> _Pages:
    from ml_platform.reporting.evaluation import plots, report_html

    return _Pages(report_html(report, decision, _versions()), plots(report))


def _versions() -> dict[str, str]:
    """Of code and libraries that the figures depend on."""
    from importlib import metadata

    from ml_platform.application.register import DEPENDENCIES

    return {name: metadata.version(name) for name in ("ml-platform", *DEPENDENCIES)}


def _headline(report: "EvaluationReport") -> str:
    """The first metric that the model is known by, with its interval; or why there is none."""
    for name in report.headline:
        if found := report.candidate.metrics.get(name):
            return f"{name} {_range(found)}"
    return "; ".join(f"{name}: {why}" for name, why in report.undefined.items())


def _log_run(
    spec: ModelSpec,
    platform: Connections,
    candidate: CandidateRecord,
    judged: Judged,
    decision: Decision,
    pages: _Pages,
    dagster_run_id: str,
) -> str:
    """One MLflow run an evaluation: parameters, metrics with their bounds, fingerprints, plots, page."""
    report = judged.report
    metrics = {
        "training_seconds": candidate.seconds,
        "parity_gap": report.parity_gap,
        "artifact_megabytes": candidate.size_bytes / 1e6,
        "peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
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
    for index, fold in enumerate(report.folds):
        metrics |= {f"fold_{index + 1}_{name}": value for name, value in fold.items()}
    return platform.tracking.log_run(
        name=f"{spec.name} {candidate.artifact_sha256[:12]}",
        experiment=spec.name,
        parameters=candidate.parameters,
        metrics=metrics,
        tags={
            "fingerprint": values.fingerprint(report),
            "verdict": decision.verdict.value,
            "decided by": decision.row,
            "training set": report.training_set_fingerprint,
            "artifact sha256": report.artifact_sha256,
            "policy": report.policy_version,
            "source": report.source,
            "simulated": str(report.simulated),
            "dagster run": dagster_run_id,
        },
        files={
            PAGE: pages.html.encode(),
            **{f"plots/{_file_name(title)}.png": png for title, png in pages.plots.items()},
            "report.json": values.to_json(report).encode(),
            "decision.json": values.to_json(decision).encode(),
        },
    )


def _range(estimate: "Estimate | None") -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _file_name(title: str) -> str:
    return title.split(":")[0].lower().replace(" ", "_")


def _check(spec: ModelSpec, gate: GateResult) -> dg.AssetCheckResult:
    """A gate as a check: integrity failures are errors, a quality gate's outcome is data."""
    integrity = gate.kind is GateKind.INTEGRITY
    numbers = {"value": gate.value, "low": gate.low, "high": gate.high, "limit": gate.limit}
    return dg.AssetCheckResult(
        asset_key=[spec.name, "evaluation_report"],
        check_name=gate.name,
        passed=not gate.outcome.stops,
        severity=dg.AssetCheckSeverity.ERROR if integrity else dg.AssetCheckSeverity.WARN,
        description=gate.explanation,
        metadata={
            "outcome": gate.outcome.words,
            "remedy": gate.remedy,
            **{name: value for name, value in numbers.items() if value is not None},
        },
    )


def _metadata(
    report: "EvaluationReport", decision: Decision, pages: _Pages, run_url: str, page_url: str
) -> dict[str, Any]:
    label = "SIMULATED " if report.simulated else ""
    subjects = [
        report.candidate,
        report.baseline,
        report.dummy,
        report.challenged,
        report.champion,
        report.ceiling,
    ]
    return {
        "verdict": f"{decision.verdict.value.upper()}: {decision.row}",
        "report": dg.MetadataValue.url(page_url),
        "MLflow run": dg.MetadataValue.url(run_url),
        f"{label}figures, 95 % intervals": table(
            {
                "subject": subject.name,
                **{name: _range(subject.metrics.get(name)) for name in report.headline},
            }
            for subject in subjects
            if subject
        ),
        "gates": table(
            {
                "gate": gate.name,
                "outcome": gate.outcome.words,
                "value": gate.value,
                "low": gate.low,
                "high": gate.high,
                "limit": gate.limit,
            }
            for gate in decision.gates
        ),
        **{each.title: _rows(each) for each in report.tables},
        "per class": table(
            {
                "class": row.name,
                "rows": row.support,
                "precision": row.precision,
                "recall": row.recall,
                "F1": row.f1,
            }
            for row in report.per_class
        ),
        **{title: image(png, title) for title, png in pages.plots.items()},
        **{
            name: report.candidate.metrics[name].value
            for name in report.headline
            if name in report.candidate.metrics
        },
    }


def _rows(shown: "ReportTable") -> dg.MetadataValue[Any]:
    return table(dict(zip(shown.columns, row, strict=True)) for row in shown.rows)
