"""Every model of the catalogue beside its baseline and ceiling: the champion, or the latest candidate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_platform.application.assess_readiness import Readiness, assess_readiness
from ml_platform.application.connections import Connections
from ml_platform.application.insufficient import reason_not_trained
from ml_platform.application.rules_in_use import rules_of
from ml_platform.application.stopped_candidate import stopped_candidate
from ml_platform.application.summarise_run import INSUFFICIENT, Figure, figures
from ml_platform.registry.records import Status
from ml_platform.registry.rollbacks import left_to_the_rules
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.evaluation.report import EvaluationReport, Subject


@dataclass(frozen=True)
class ListedModel:
    """One model; ``version`` and the fields below it are the champion's, or without one the newest version's."""

    title: str
    answers: str
    """'version 3', 'the rules (version 1 rolled back, held)', or 'nothing'."""
    champion: int | None
    verdict: str | None
    decided_by: str
    version: int | None = None
    evaluation: int | None = None
    """The number of the evaluation that verdict and figures are of; `why` lists those before it."""
    metric: str | None = None
    """The first metric that the model is known by and that its report has."""
    candidate: Figure | None = None
    baseline: Figure | None = None
    ceiling: Figure | None = None


@dataclass(frozen=True)
class ModelList:
    """All models of a home, by name."""

    source: str
    simulated: bool
    models: dict[str, ListedModel]
    left_out: tuple[str, ...]
    """The reason for each model of another package that could not be loaded."""


def list_models(platform: Connections) -> ModelList:
    """List every model of the catalogue with its figures in this home."""
    from ml_platform.adapters.plugins import home_project

    source = platform.home.source
    catalogue = home_project(platform.settings).catalogue
    readiness = {
        assessed.model: assessed for assessed in assess_readiness(platform, catalogue.models)
    }
    return ModelList(
        source=source.label,
        simulated=source.simulated,
        models={
            spec.name: _listed(platform, spec, readiness[spec.name]) for spec in catalogue.models
        },
        left_out=tuple(str(refusal) for refusal in catalogue.refusals),
    )


def _listed(platform: Connections, spec: ModelSpec, readiness: Readiness) -> ListedModel:
    ledger = platform.ledger
    champion = ledger.production(spec.name).version
    numbers = ledger.version_numbers(spec.name)
    reason = reason_not_trained(platform, spec.name) or ("" if numbers else readiness.reason)
    answers = answers_in_words(platform, spec.name, champion)
    if champion is None and reason:
        return ListedModel(spec.title, answers, None, INSUFFICIENT, reason)
    if not numbers and (stopped := stopped_candidate(platform, spec.name)):
        decision = stopped.decision
        return ListedModel(spec.title, answers, None, decision.verdict.value.upper(), decision.row)
    if not numbers:
        counts = f"needs {readiness.needs}, has {readiness.has}"
        return ListedModel(spec.title, answers, None, None, f"never trained in this home: {counts}")
    record = ledger.version(spec.name, champion or numbers[-1])
    report = ledger.report(record.report_id)
    assert report is not None, "a report is saved before its version is registered"
    metric = headline_metric(report)
    return ListedModel(
        title=spec.title,
        answers=answers,
        champion=champion,
        verdict=record.decision.verdict.value.upper(),
        decided_by=record.decision.row,
        version=record.version,
        evaluation=record.evaluation,
        metric=metric,
        candidate=_figure(report.candidate, metric),
        baseline=_figure(report.baseline, metric),
        ceiling=_figure(report.ceiling, metric),
    )


def answers_in_words(platform: Connections, model: str, champion: int | None) -> str:
    """What answers now, in words; of the rules also which version has left to them."""
    if champion is not None:
        return f"version {champion}"
    if not rules_of(platform, model):
        return "nothing"
    history = platform.ledger.history(model)
    left = left_to_the_rules(history)
    if left is None:
        return "the rules"
    held = ", held" if history.life(left.version).status is Status.HELD else ""
    return f"the rules (version {left.version} rolled back{held})"


def headline_metric(report: "EvaluationReport") -> str | None:
    """The first metric that the model is known by and that its report has."""
    return next((name for name in report.headline if name in report.candidate.metrics), None)


def _figure(subject: "Subject | None", metric: str | None) -> Figure | None:
    return figures(subject).get(metric) if subject and metric else None
