"""Stages evaluation and gates: the candidate is evaluated, and each gate of its policy is an asset check."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.record_evaluation import (
    RecordedEvaluation,
    estimate_text,
    evaluate_and_record,
)
from ml_platform.defs.code_versions import measurement_code_version
from ml_platform.defs.model_asset import model_asset
from ml_platform.defs.tables import image, table
from ml_platform.gates.outcome import GateKind, GateResult
from ml_platform.gates.policy import gate_kinds
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.evaluation.report_parts import ReportTable


def evaluation_report_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """``<model>/evaluation_report``, with one asset check a gate of the model's policy."""

    @model_asset(
        spec,
        "evaluation_report",
        group="evaluation",
        kinds={"python"},
        reads={"training_set": "training_set", "candidate": "candidate"},
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
    ) -> Iterator[dg.MaterializeResult[EvaluationRecord]]:
        evaluation = evaluate_and_record(
            platform,
            spec,
            training_set,
            candidate,
            code=measurement_code_version(spec),
            alone=_is_alone(context, spec),
            run_id=context.run.run_id,
            progress=context.log.info,
        )
        yield dg.MaterializeResult(
            value=evaluation.evaluation_record,
            data_version=dg.DataVersion(values.fingerprint(evaluation.evaluation_record)),
            metadata=_metadata(evaluation),
            check_results=[
                _check(spec, gate) for gate in evaluation.evaluation_record.decision.gates
            ],
        )

    return evaluation_report


def _is_alone(context: dg.AssetExecutionContext, spec: ModelSpec) -> bool:
    """Whether the run makes this report, and not the candidate before it."""
    selected = context.run.asset_selection
    return selected is not None and dg.AssetKey([spec.name, "candidate"]) not in selected


def _check(spec: ModelSpec, gate: GateResult) -> dg.AssetCheckResult:
    """A gate as an asset check: an integrity gate that fails is an error, a quality gate a warning."""
    integrity = gate.kind is GateKind.INTEGRITY
    numbers = {"value": gate.value, "low": gate.low, "high": gate.high, "limit": gate.limit}
    return dg.AssetCheckResult(
        asset_key=[spec.name, "evaluation_report"],
        check_name=gate.name,
        passed=not gate.stops,
        severity=dg.AssetCheckSeverity.ERROR if integrity else dg.AssetCheckSeverity.WARN,
        description=gate.explanation,
        metadata={
            "outcome": gate.words,
            "remedy": gate.remedy,
            **{name: value for name, value in numbers.items() if value is not None},
        },
    )


def _metadata(evaluation: RecordedEvaluation) -> dict[str, Any]:
    """Verdict and links first, then figures beside their baselines, gates, tables and plots."""
    report, decision = evaluation.report, evaluation.evaluation_record.decision
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
        "report": dg.MetadataValue.url(evaluation.page_url),
        "MLflow run": dg.MetadataValue.url(evaluation.run_url),
        f"{label}figures, 95 % intervals": table(
            {
                "subject": subject.name,
                **{
                    name: estimate_text(subject.metrics[name]) if name in subject.metrics else ""
                    for name in report.headline
                },
            }
            for subject in subjects
            if subject
        ),
        "gates": table(
            {
                "gate": gate.name,
                "outcome": gate.words,
                "value": gate.value,
                "low": gate.low,
                "high": gate.high,
                "limit": gate.limit,
            }
            for gate in decision.gates
        ),
        **{shown.title: _rows(shown) for shown in report.tables},
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
        **{plot.title: image(plot.png, plot.title) for plot in evaluation.plots},
        **{
            name: report.candidate.metrics[name].value
            for name in report.headline
            if name in report.candidate.metrics
        },
    }


def _rows(shown: "ReportTable") -> dg.MetadataValue[Any]:
    return table(dict(zip(shown.columns, row, strict=True)) for row in shown.rows)
