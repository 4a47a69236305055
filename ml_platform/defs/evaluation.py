"""Stage evaluation (and its gates): the candidate judged, a check a gate, everything in MLflow."""

import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from ml_platform import values
from ml_platform.defs.models import candidate_key
from ml_platform.defs.platform import Connections
from ml_platform.defs.tables import image, table
from ml_platform.gates.judgement import Judgement
from ml_platform.gates.outcome import Decision, GateKind, GateResult
from ml_platform.gates.policy import gate_kinds, policy_version
from ml_platform.models.candidate import CandidateRecord
from ml_platform.models.spec import ModelSpec
from ml_platform.registry.records import ProductionState
from ml_platform.training_sets.training_set import TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.evaluate import Compared
    from ml_platform.evaluation.report import Estimate, EvaluationReport, ReportTable
    from ml_platform.gates.integrity import IntegrityEvidence
    from ml_platform.training_sets.training_set import TrainingSet


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
        deps=[[spec.rival, "candidate"]] if spec.rival else [],
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
            "The candidate on test rows it has never seen, beside rules, champion, rival and (simulated) "
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

        judged = _judge(spec, platform, training_set, candidate)
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
            metadata=_metadata(judged.report, decision, pages, platform.tracking.run_url(run_id)),
            check_results=[_check(spec, gate) for gate in decision.gates],
        )

    return evaluation_report


@dataclass(frozen=True)
class _Judged:
    report: "EvaluationReport"
    evidence: "IntegrityEvidence"
    production: ProductionState
    """Read before the comparison, which is with the champion of this very state."""


def _judge(
    spec: ModelSpec, platform: Connections, record: TrainingSetRecord, candidate: CandidateRecord
) -> _Judged:
    """The report, and the evidence that what was judged is what lies on disk."""
    from ml_platform.evaluation.evaluate import evaluate
    from ml_platform.features.leakage import find_leaks
    from ml_platform.gates.integrity import evidence_of
    from ml_platform.models.artifact import load_scorer, read_artifact, scorer_of
    from ml_platform.models.probabilities import load_probabilities
    from ml_platform.training_sets.build import load_training_set
    from ml_platform.training_sets.window import rows_path

    settings = platform.settings
    rows = load_training_set(settings.training_sets, record)
    artifact = read_artifact(
        settings.artifacts / candidate.artifact_sha256, candidate.artifact_sha256
    )
    production = platform.ledger.production(spec.name)
    report = evaluate(
        rows,
        candidate=scorer_of(artifact),
        estimator=load_probabilities(
            settings.home / "estimator_probabilities",
            candidate.estimator_probabilities_sha256,
            artifact.classes,
        ),
        baseline=load_scorer(settings.artifacts / candidate.rules_sha256, candidate.rules_sha256),
        task=spec.task,
        ceiling=_ceiling(platform, spec, rows),
        champion=_champion(platform, production, record),
        rival=_rival(platform, spec, record),
        folds=candidate.fold_metrics,
        artifact_sha256=artifact.sha256,
        versions={
            "candidate": candidate.artifact_sha256[:12],
            "baseline": candidate.rules_sha256[:12],
            "champion": str(production.version or ""),
        },
        policy_version=policy_version(spec.policy),
        as_of=platform.home.as_of,
        newest_row_at=platform.newest_event_at,
        live=platform.source_is_live,
        seed=spec.seed,
    )
    definitions = platform.ledger.feature_definitions()
    evidence = evidence_of(
        report,
        record,
        find_leaks(
            rows.train,
            rows.test,
            label=record.label,
            features=record.features,
            declared={feature.name for feature in spec.table.features},
            train_until=record.split.train_until,
            test_from=record.split.test_from,
        ),
        artifact_sha256=artifact.sha256,
        rows_sha256=values.file_sha256(rows_path(settings.training_sets, record)),
        artifact_features=_in_order(artifact.features, record.features),
        current_feature_versions={
            feature.name: definitions[spec.table.qualified(feature.name)][0]
            for feature in spec.table.features
        },
    )
    return _Judged(report, evidence, production)


def _in_order(features: Mapping[str, str], order: tuple[str, ...]) -> tuple[str, ...]:
    """The artifact takes its inputs by name: in the training set's order, strangers last."""
    return (*(f for f in order if f in features), *(f for f in features if f not in order))


def _champion(
    platform: Connections, production: ProductionState, training_set: TrainingSetRecord
) -> "Compared":
    """The version in production, loaded from its bytes; none before the first promotion."""
    from ml_platform.evaluation.champion import comparability
    from ml_platform.evaluation.evaluate import Compared
    from ml_platform.models.artifact import load_scorer

    if production.version is None:
        return Compared()
    record = platform.ledger.version(production.model, production.version)
    found = comparability(
        production.version,
        features=record.input_schema,
        feature_versions=record.feature_versions,
        classes=record.classes,
        record=training_set,
    )
    if not found.possible:
        return Compared(note=found.note)
    path = platform.settings.home / record.artifact_path
    return Compared(load_scorer(path, record.artifact_sha256), found.note)


def _rival(platform: Connections, spec: ModelSpec, training_set: TrainingSetRecord) -> "Compared":
    """The latest candidate of the model that this one challenges, to be judged on the same rows."""
    from ml_platform.evaluation.champion import rivalry
    from ml_platform.evaluation.evaluate import Compared
    from ml_platform.models.artifact import read_artifact, scorer_of

    if not spec.rival:
        return Compared()
    latest = platform.ledger.state(candidate_key(spec.rival))
    if not latest:
        return Compared(note=f"{spec.rival} has no candidate yet")
    sha256 = str(latest["sha256"])
    artifact = read_artifact(platform.settings.artifacts / sha256, sha256)
    learned = platform.ledger.training_set(spec.rival, str(latest["training_set"]))
    note = rivalry(spec.rival, artifact.features, learned, training_set)
    return Compared(note=note) if note else Compared(scorer_of(artifact))


def _ceiling(platform: Connections, spec: ModelSpec, rows: "TrainingSet") -> "pd.DataFrame | None":
    """The Bayes rule's answers for the test rows, where the source knows the truth."""
    import pyarrow.compute as pc

    name = spec.ceiling or spec.name
    stored = platform.lake.rows(
        "ceilings",
        since=rows.record.split.test_from,
        columns=("row_id", "model", "prediction", "probability"),
    )
    model = stored["model"]
    own = pc.or_(pc.equal(model, name), pc.starts_with(model, f"{name}/"))
    found = stored.filter(own)
    return found.to_pandas() if len(found) else None


@dataclass(frozen=True)
class _Pages:
    html: str
    plots: dict[str, bytes]
    """PNG by title."""


def _pages(report: "EvaluationReport", decision: Decision) -> _Pages:
    from ml_platform.evaluation.page import report_html
    from ml_platform.evaluation.plots import plots_of

    return _Pages(report_html(report, decision), plots_of(report))


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
    judged: _Judged,
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
        ("rival_", report.rival),
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
            "report.html": pages.html.encode(),
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
    report: "EvaluationReport", decision: Decision, pages: _Pages, run_url: str
) -> dict[str, Any]:
    label = "SIMULATED " if report.simulated else ""
    subjects = [
        report.candidate,
        report.baseline,
        report.naive,
        report.rival,
        report.champion,
        report.ceiling,
    ]
    return {
        "verdict": f"{decision.verdict.value.upper()}: {decision.row}",
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
