"""The models of a home as its ledger tells of them: what answers, how good it is, what it rests on.

The ledger alone is read, so that a process that serves may ask: neither the lake nor the dbt project is opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_platform.application.connections import Connections
from ml_platform.application.last_look import GuardedRollout, guarded_rollout
from ml_platform.application.list_models import answers_in_words, headline_metric
from ml_platform.application.status import ModelStatus, model_status
from ml_platform.application.summarise_monitoring import MonitoringSummary
from ml_platform.application.summarise_run import Figure, GateSummary, figures, summarise_gate
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport, Subject

_TYPES: dict[str, dict[str, Any]] = {
    Kind.NUMBER: {"type": ["number", "null"]},
    Kind.CATEGORY: {"type": ["string", "null"]},
    Kind.TOKENS: {"type": ["array", "null"], "items": {"type": "string"}},
}
_EXAMPLES: dict[str, Any] = {Kind.NUMBER: 1.0, Kind.CATEGORY: "text", Kind.TOKENS: ["text"]}


@dataclass(frozen=True)
class DescribedModel:
    """One model: what answers for it and, of the champion, the figure that it is known by."""

    model: str
    title: str
    """What it predicts, in a few words."""
    answers: str
    """'version 3', 'the rules', or 'nothing'."""
    version: int | None
    """The version in production; null: there is none."""
    since: str | None
    """Since when it answers, ISO 8601; null before the first version."""
    by: str
    """The person or asset that has brought this about."""
    why: str
    verdict: str | None
    """The verdict on the champion, or without one on the newest version; null without any."""
    evaluated: int | None
    """The version that verdict and figures are of."""
    metric: str | None
    """The first metric that the model is known by."""
    figure: Figure | None
    """That metric of the version, with its 95 % interval."""
    baseline: Figure | None
    """The same metric of the rules."""
    ceiling: Figure | None
    """The same metric of the best that is possible, where the source knows it."""
    rollout: str | None
    """The version that is being rolled out, in words; null: there is none."""
    guard: GuardedRollout | None
    """How that rollout stands, by the last look of its guard."""


@dataclass(frozen=True)
class Lineage:
    """What a version was made from, by hash."""

    training_set_fingerprint: str
    artifact_sha256: str
    report_id: str
    code_version: str
    mlflow_run_id: str
    dagster_run_id: str


@dataclass(frozen=True)
class DescribedVersion:
    """A registered version, where it stands and what it was made from."""

    version: int
    status: str
    verdict: str
    decided_by: str
    """The row of the decision table."""
    registered_at: str
    evaluations: int
    parent: int | None
    """The champion at the time of its newest evaluation."""
    size_bytes: int
    framework: str
    lineage: Lineage


@dataclass(frozen=True)
class ModelInDetail:
    """One model with its versions and, of the champion or the newest version, what it takes, gives and passed."""

    summary: DescribedModel
    classes: tuple[str, ...]
    """The classes, or the name of the one number, that it predicts."""
    input_schema: dict[str, Any]
    """The features that it takes, as JSON Schema."""
    example: dict[str, Any]
    """A row that fits the schema; its values mean nothing."""
    gates: tuple[GateSummary, ...]
    versions: tuple[DescribedVersion, ...]
    """The newest first."""
    monitoring: MonitoringSummary | None
    """The newest monitoring report; null before the first."""


@dataclass(frozen=True)
class EvaluatedSubject:
    """Every metric of one scorer on the same test rows, with 95 % intervals over clusters."""

    name: str
    version: str
    metrics: dict[str, Figure]


@dataclass(frozen=True)
class ModelMetrics:
    """The metrics of a version beside those of what it is compared with."""

    model: str
    version: int
    in_production: bool
    as_of: datetime
    """The clock of the data at the evaluation."""
    simulated: bool
    rows: int
    """Test rows, which the version has never seen."""
    clusters: int
    headline: tuple[str, ...]
    candidate: EvaluatedSubject
    baseline: EvaluatedSubject
    """The rules."""
    dummy: EvaluatedSubject
    """The majority, the mean or the most popular."""
    ceiling: EvaluatedSubject | None
    undefined: dict[str, str]
    """By metric, why these rows do not tell it."""


@dataclass(frozen=True)
class DimensionSummary:
    """One dimension of an evaluation in words, with its measures."""

    name: str
    question: str
    summary: str
    measures: dict[str, Figure]
    findings: tuple[str, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True)
class StoredEvaluation:
    """The newest evaluation of a version as it is stored: verdict, gates and dimensions."""

    model: str
    version: int
    report_id: str
    verdict: str
    decided_by: str
    policy: str
    gates: tuple[GateSummary, ...]
    dimensions: tuple[DimensionSummary, ...]


@dataclass(frozen=True)
class CostAdvice:
    """What would make the predictions of a model cheaper, from the cost dimension of its evaluation."""

    model: str
    version: int
    summary: str
    measures: dict[str, Figure]
    """Milliseconds, megabytes and prices; see docs/cost.md."""
    advice: tuple[str, ...]
    """Quantisation, pruning, caching and batches, each with its expected gain."""
    not_applicable: dict[str, str]
    """By measure or variant, why it makes no sense for this model."""


def describe_model(platform: Connections, model: str, title: str, now: datetime) -> DescribedModel:
    """What answers for a model now, and the figure that its champion, or newest version, is known by."""
    record = _record(platform, model)
    status = model_status(platform, model)
    return _described(platform, status, record, (model, title), now)


def detail_model(
    platform: Connections, model: str, title: str, rules_read: Mapping[str, str], now: datetime
) -> ModelInDetail:
    """A model with its versions and what the champion, or the newest version, takes and gives.

    Args:
        platform: The home.
        model: A model of the catalogue.
        title: What it predicts, in a few words.
        rules_read: The features that its rules read, each with its kind: what it takes before its first version.
        now: The clock on the wall.
    """
    ledger, record = platform.ledger, _record(platform, model)
    status = model_status(platform, model)
    stands = {version.version: version.status for version in status.versions}
    kinds = record.input_schema if record else rules_read
    return ModelInDetail(
        summary=_described(platform, status, record, (model, title), now),
        classes=record.classes if record else (),
        input_schema=input_schema(model, kinds),
        example={name: _EXAMPLES[kind] for name, kind in kinds.items()},
        gates=tuple(map(summarise_gate, record.decision.gates)) if record else (),
        versions=tuple(
            _version(each, stands[each.version]) for each in reversed(ledger.versions(model))
        ),
        monitoring=status.monitoring,
    )


def model_metrics(platform: Connections, model: str) -> ModelMetrics | None:
    """The metrics of the champion, or without one of the newest version; ``None`` before the first version."""
    found = _reported(platform, model)
    if found is None:
        return None
    record, report = found
    return ModelMetrics(
        model=model,
        version=record.version,
        in_production=platform.ledger.production(model).version == record.version,
        as_of=report.as_of,
        simulated=report.simulated,
        rows=report.rows,
        clusters=report.clusters,
        headline=report.headline,
        candidate=_subject(report.candidate),
        baseline=_subject(report.baseline),
        dummy=_subject(report.dummy),
        ceiling=_subject(report.ceiling) if report.ceiling else None,
        undefined=report.undefined | report.not_applicable,
    )


def stored_evaluation(platform: Connections, model: str) -> StoredEvaluation | None:
    """The newest evaluation of the newest version; ``None`` before the first version."""
    found = _reported(platform, model, newest=True)
    if found is None:
        return None
    record, report = found
    return StoredEvaluation(
        model=model,
        version=record.version,
        report_id=record.report_id,
        verdict=record.decision.verdict.value.upper(),
        decided_by=record.decision.row,
        policy=report.policy_name,
        gates=tuple(map(summarise_gate, record.decision.gates)),
        dimensions=tuple(
            DimensionSummary(
                name=each.name,
                question=each.question,
                summary=each.summary,
                measures=_figures(each.measures),
                findings=each.findings,
                advice=each.advice,
            )
            for each in report.dimensions
        ),
    )


def cost_advice(platform: Connections, model: str) -> CostAdvice | None:
    """What would make predictions cheaper; ``None`` before the first version, or if cost was not examined."""
    found = _reported(platform, model)
    if found is None:
        return None
    record, report = found
    cost = next((each for each in report.dimensions if each.name == "cost"), None)
    if cost is None:
        return None
    return CostAdvice(
        model=model,
        version=record.version,
        summary=cost.summary,
        measures=_figures(cost.measures),
        advice=cost.advice,
        not_applicable=cost.not_applicable | cost.undefined,
    )


def input_schema(model: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The JSON Schema of the features that a version takes: each of them, null where it is missing, no others."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Features of {model}",
        "type": "object",
        "properties": {name: _TYPES[kind] for name, kind in kinds.items()},
        "required": list(kinds),
        "additionalProperties": False,
    }


def _record(platform: Connections, model: str, *, newest: bool = False) -> VersionRecord | None:
    """The champion's record, or without one (or asked for) the newest version's."""
    numbers = platform.ledger.version_numbers(model)
    if not numbers:
        return None
    champion = None if newest else platform.ledger.production(model).version
    return platform.ledger.version(model, champion or numbers[-1])


def _reported(
    platform: Connections, model: str, *, newest: bool = False
) -> "tuple[VersionRecord, EvaluationReport] | None":
    record = _record(platform, model, newest=newest)
    if record is None:
        return None
    report = platform.ledger.report(record.report_id)
    assert report is not None, "a report is saved before its version is registered"
    return record, report


def _described(
    platform: Connections,
    status: ModelStatus,
    record: VersionRecord | None,
    named: tuple[str, str],
    now: datetime,
) -> DescribedModel:
    """A model by its name and title."""
    model, title = named
    report = platform.ledger.report(record.report_id) if record else None
    metric = headline_metric(report) if report else None
    return DescribedModel(
        model=model,
        title=title,
        answers=answers_in_words(platform, model, status.in_production),
        version=status.in_production,
        since=status.since,
        by=status.by,
        why=status.why,
        verdict=record.decision.verdict.value.upper() if record else None,
        evaluated=record.version if record else None,
        metric=metric,
        figure=_figure(report.candidate, metric) if report else None,
        baseline=_figure(report.baseline, metric) if report else None,
        ceiling=_figure(report.ceiling, metric) if report else None,
        rollout=status.rollout,
        guard=guarded_rollout(platform, model, now),
    )


def _version(record: VersionRecord, status: str) -> DescribedVersion:
    return DescribedVersion(
        version=record.version,
        status=status,
        verdict=record.decision.verdict.value.upper(),
        decided_by=record.decision.row,
        registered_at=record.registered_at.isoformat(),
        evaluations=record.evaluation,
        parent=record.parent,
        size_bytes=record.size_bytes,
        framework=record.framework,
        lineage=Lineage(
            training_set_fingerprint=record.training_set_fingerprint,
            artifact_sha256=record.artifact_sha256,
            report_id=record.report_id,
            code_version=record.code_version,
            mlflow_run_id=record.mlflow_run_id,
            dagster_run_id=record.dagster_run_id,
        ),
    )


def _subject(subject: "Subject") -> EvaluatedSubject:
    return EvaluatedSubject(subject.name, subject.version, figures(subject))


def _figure(subject: "Subject | None", metric: str | None) -> Figure | None:
    return figures(subject).get(metric) if subject and metric else None


def _figures(measures: dict[str, Any]) -> dict[str, Figure]:
    return {name: Figure(each.value, each.low, each.high) for name, each in measures.items()}
