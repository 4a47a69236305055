"""The summary of a run: every model with its verdict, figures and gates, and the monitoring reports."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_platform.application.connections import Connections
from ml_platform.application.home_policy import policy_name
from ml_platform.application.insufficient import reason_not_trained
from ml_platform.application.records import read_record
from ml_platform.application.rules_in_use import rules_of
from ml_platform.application.stopped_candidate import EVALUATION_STEP, was_stopped
from ml_platform.application.summarise_monitoring import MonitoringSummary, latest_monitoring
from ml_platform.gates.outcome import GateResult
from ml_platform.gates.record import EvaluationRecord

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport, Subject

INSUFFICIENT = "INSUFFICIENT"
"""The word that stands in place of a verdict where the data of a model do not suffice."""


@dataclass(frozen=True)
class Figure:
    """The value of a metric with the bounds of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class GateSummary:
    """One gate with its outcome, the value that it compared, and the limit."""

    name: str
    outcome: str
    words: str
    """The outcome as people read it, with what an INSUFFICIENT lacks."""
    value: float | None
    low: float | None
    high: float | None
    limit: float | None
    explanation: str


@dataclass(frozen=True)
class ModelSummary:
    """The candidate of a model; without enough data only ``verdict`` and ``decided_by`` say something.

    A candidate that an integrity gate has stopped has figures and gates, and no version.
    """

    verdict: str
    decided_by: str
    version: int | None = None
    in_production: int | None = None
    rules_answer: bool = False
    """Whether the rules answer, while there is no champion; without either nothing does."""
    metrics: dict[str, Figure] = field(default_factory=dict)
    baseline: dict[str, Figure] = field(default_factory=dict)
    dummy: dict[str, Figure] = field(default_factory=dict)
    challenged: dict[str, Figure] | None = None
    ceiling: dict[str, Figure] | None = None
    headline: tuple[str, ...] = ()
    """The metrics that the model is known by, in their order."""
    distance_to_ceiling: dict[str, float] | None = None
    """The ceiling minus the candidate, by headline metric; empty without a ceiling."""
    gates: tuple[GateSummary, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSummary:
    """The output of `ml-platform run`; with ``--json`` it is one object with these fields."""

    source: str
    simulated: bool
    as_of: str
    policy: str
    """The name of the gate policy: a preset, and whether something was changed in it."""
    models: dict[str, ModelSummary]
    monitoring: dict[str, MonitoringSummary | None]
    fingerprints: dict[str, str]
    tracking: str


def summarise_run(platform: Connections, models: tuple[str, ...]) -> RunSummary:
    """Summarise the last run of these models."""
    home = platform.home
    return RunSummary(
        source=home.source.label,
        simulated=home.source.simulated,
        as_of=home.as_of.isoformat(),
        policy=policy_name(platform.settings),
        models={name: summarise_model(platform, name) for name in models},
        monitoring={name: latest_monitoring(platform, name) for name in models},
        fingerprints={"events": platform.lake.fingerprint("events", home.as_of)},
        tracking=platform.tracking_url,
    )


def summarise_model(platform: Connections, model: str) -> ModelSummary:
    """Summarise the candidate of a model's last run."""
    reason = reason_not_trained(platform, model)
    if reason:
        return ModelSummary(INSUFFICIENT, reason)
    evaluation_record = read_record(platform.settings, (model, EVALUATION_STEP), EvaluationRecord)
    report = platform.ledger.report(evaluation_record.report_id)
    assert report is not None, "a report is saved before the record of its evaluation"
    champion = platform.ledger.production(model).version
    return ModelSummary(
        verdict=evaluation_record.decision.verdict.value.upper(),
        decided_by=evaluation_record.decision.row,
        version=(
            None if was_stopped(evaluation_record) else _version_of(platform, evaluation_record)
        ),
        in_production=champion,
        rules_answer=champion is None and bool(rules_of(platform, model)),
        metrics=figures(report.candidate),
        baseline=figures(report.baseline),
        dummy=figures(report.dummy),
        challenged=figures(report.challenged) if report.challenged else None,
        ceiling=figures(report.ceiling) if report.ceiling else None,
        headline=tuple(report.headline),
        distance_to_ceiling=distance_to_ceiling(report),
        gates=tuple(summarise_gate(gate) for gate in evaluation_record.decision.gates),
        rows={
            "train": report.split.rows_train,
            "test": report.rows,
            "test_clusters": report.clusters,
            "test_change_sets": report.change_sets,
        },
        fingerprints={
            "training_set": evaluation_record.training_set_fingerprint,
            "artifact": evaluation_record.artifact_sha256,
        },
    )


def figures(subject: "Subject") -> dict[str, Figure]:
    """Every metric of a subject."""
    return {
        name: Figure(estimate.value, estimate.low, estimate.high)
        for name, estimate in subject.metrics.items()
    }


def distance_to_ceiling(report: "EvaluationReport") -> dict[str, float]:
    """The ceiling minus the candidate, by headline metric; empty without a ceiling."""
    candidate = report.candidate.metrics
    ceiling = report.ceiling.metrics if report.ceiling else {}
    return {
        name: ceiling[name].value - candidate[name].value
        for name in report.headline
        if name in candidate and name in ceiling
    }


def _version_of(platform: Connections, evaluation_record: EvaluationRecord) -> int:
    """The newest version with the artifact, the data and the policy of this evaluation."""
    return next(
        record.version
        for record in reversed(platform.ledger.versions(evaluation_record.model))
        if record.artifact_sha256 == evaluation_record.artifact_sha256
        and record.training_set_fingerprint == evaluation_record.training_set_fingerprint
        and record.decision.policy_version == evaluation_record.policy_version
    )


def summarise_gate(gate: GateResult) -> GateSummary:
    """A gate as people read it."""
    return GateSummary(
        name=gate.name,
        outcome=gate.outcome.words,
        words=gate.words,
        value=gate.value,
        low=gate.low,
        high=gate.high,
        limit=gate.limit,
        explanation=gate.explanation,
    )
