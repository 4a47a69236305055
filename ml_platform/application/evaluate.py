"""A candidate is evaluated on its test rows, and the evidence is gathered that it is what lies on disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.application.build_features import feature_versions
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import candidate_key
from ml_platform.gates.policy import policy_version
from ml_platform.models.candidate import CandidateRecord
from ml_platform.registry.records import ProductionState
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.evaluation.dimensions.dimension import Dimension
    from ml_platform.evaluation.evaluate import ComparedScorer, Origin
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.evaluation.tasks.evaluator import Evaluator, Predictions
    from ml_platform.features.leakage_report import LeakageReport
    from ml_platform.gates.integrity import IntegrityEvidence
    from ml_platform.spec.artifact import Artifact
    from ml_platform.spec.model import Scorer
    from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class EvaluatedCandidate:
    """The evidence for the gates, and the state of production that the candidate was compared with."""

    report: "EvaluationReport"
    evidence: "IntegrityEvidence"
    production: ProductionState
    """The state is read before the comparison, so that it names the champion that was compared with."""


def evaluate_candidate(
    spec: ModelSpec,
    platform: Connections,
    record: TrainingSetRecord,
    candidate: CandidateRecord,
    progress: Callable[[str], None],
    *,
    policy_note: str = "",
) -> EvaluatedCandidate:
    """Evaluate a candidate beside its rules, the champion, the model it challenges and the ceiling.

    Args:
        spec: The model, with the gate policy of the home.
        platform: Where training set, artifacts, users and the champion come from.
        record: The training set that the candidate was fitted on; its test part is what counts.
        candidate: The artifacts to evaluate.
        progress: Gets a line for each dimension of the evaluation.
        policy_note: The verdict that the policy was changed after; empty where it was set before any.

    Raises:
        IntegrityError: a stored file is not what was hashed, or nobody has searched the features for leaks.
    """
    from ml_platform.adapters.artifact_files import load_probabilities, load_scorer, read_artifact
    from ml_platform.adapters.training_set_files import load_training_set
    from ml_platform.application.search_future import search_behind
    from ml_platform.evaluation.dimensions.data import leakage_report
    from ml_platform.evaluation.evaluate import evaluate
    from ml_platform.models.artifact_kinds import scorer_of

    settings = platform.settings
    rows = load_training_set(settings.training_sets, record)
    artifact = read_artifact(
        settings.artifacts / candidate.artifact_sha256, candidate.artifact_sha256
    )
    production = platform.ledger.production(spec.name)
    scorer = scorer_of(artifact)
    leakage = leakage_report(spec, rows, search_behind(settings, spec, record))
    report = evaluate(
        rows,
        candidate=scorer,
        estimator=load_probabilities(
            settings.home / "estimator_probabilities",
            candidate.estimator_probabilities_sha256,
            artifact.classes,
        ),
        baseline=load_scorer(settings.artifacts / candidate.rules_sha256, candidate.rules_sha256),
        seed=spec.seed,
        task=spec.task,
        ceiling=_ceiling(platform, spec, rows),
        champion=_champion(platform, production, record),
        challenged=_challenged(platform, spec, record),
        references=_references(spec, rows, progress),
        origin=replace(origin_of(spec, platform, candidate, production), policy_note=policy_note),
        examine=_dimensions(spec, platform, rows, artifact, scorer, candidate, leakage, progress),
    )
    evidence = _evidence(spec, platform, report, record, artifact, leakage)
    return EvaluatedCandidate(report, evidence, production)


def _dimensions(
    spec: ModelSpec,
    platform: Connections,
    rows: "TrainingSet",
    artifact: "Artifact",
    scorer: "Scorer",
    candidate: CandidateRecord,
    leakage: "LeakageReport",
    progress: Callable[[str], None],
) -> "Callable[[Evaluator, Predictions], tuple[Dimension, ...]]":
    """The function that measures every dimension of the candidate, given its evaluator and predictions."""
    from ml_platform.adapters.serving_cost import cost_meter
    from ml_platform.evaluation.dimensions.data import quality_report
    from ml_platform.evaluation.dimensions.registry import EvaluationContext, examine

    return lambda evaluator, predictions: examine(
        EvaluationContext(
            spec=spec,
            training_set=rows,
            evaluator=evaluator,
            candidate=scorer,
            predictions=predictions,
            seed=spec.seed,
            folds=candidate.fold_metrics,
            artifact=artifact,
            users=platform.lake.rows("users").to_pandas(),
            cost_meter=cost_meter(platform.settings.price_per_core_hour),
            progress=progress,
            leakage=leakage,
            quality=quality_report(spec, rows),
        )
    )


def origin_of(
    spec: ModelSpec,
    platform: Connections,
    candidate: CandidateRecord,
    production: ProductionState,
) -> "Origin":
    """The origin of the candidate for the report: clock, hashes, versions, source."""
    from ml_platform.evaluation.evaluate import Origin

    return Origin(
        as_of=platform.home.as_of,
        newest_row_at=platform.newest_event_at,
        live=platform.source_is_live,
        artifact_sha256=candidate.artifact_sha256,
        policy_version=policy_version(spec.policy),
        policy_name=spec.policy.name,
        versions={
            "candidate": candidate.artifact_sha256[:12],
            "baseline": candidate.rules_sha256[:12],
            "champion": str(production.version or ""),
        },
        folds=candidate.fold_metrics,
        source_options=platform.home.source.arguments,
    )


def _evidence(
    spec: ModelSpec,
    platform: Connections,
    report: "EvaluationReport",
    record: TrainingSetRecord,
    artifact: "Artifact",
    leakage: "LeakageReport",
) -> "IntegrityEvidence":
    """The hashes and versions that were recorded of data, artifact and features, beside those of now."""
    from ml_platform.adapters.training_set_files import rows_path
    from ml_platform.gates.integrity import evidence_of

    return evidence_of(
        report,
        record,
        leakage,
        artifact_sha256=artifact.sha256,
        rows_sha256=values.file_sha256(rows_path(platform.settings.training_sets, record)),
        artifact_features=_in_order(artifact.features, record.features),
        current_feature_versions=feature_versions(platform, spec.table),
    )


def _in_order(features: Mapping[str, str], order: tuple[str, ...]) -> tuple[str, ...]:
    """The artifact's inputs, which it takes by name, in the training set's order; unknown ones last."""
    return (*(f for f in order if f in features), *(f for f in features if f not in order))


def _champion(
    platform: Connections, production: ProductionState, training_set: TrainingSetRecord
) -> "ComparedScorer":
    """The version in production, loaded from its bytes; none before the first promotion."""
    from ml_platform.adapters.artifact_files import load_scorer
    from ml_platform.evaluation.comparison.comparability import comparability
    from ml_platform.evaluation.evaluate import ComparedScorer

    if production.version is None:
        return ComparedScorer()
    record = platform.ledger.version(production.model, production.version)
    verdict = comparability(
        production.version,
        features=record.input_schema,
        feature_versions=record.feature_versions,
        classes=record.classes,
        record=training_set,
    )
    if not verdict.possible:
        return ComparedScorer(note=verdict.note)
    path = platform.settings.home / record.artifact_path
    return ComparedScorer(load_scorer(path, record.artifact_sha256), verdict.note)


def _challenged(
    platform: Connections, spec: ModelSpec, training_set: TrainingSetRecord
) -> "ComparedScorer":
    """The latest candidate of the model that this one challenges, to be evaluated on the same rows."""
    from ml_platform.adapters.artifact_files import read_artifact
    from ml_platform.evaluation.comparison.comparability import why_not_comparable
    from ml_platform.evaluation.evaluate import ComparedScorer
    from ml_platform.models.artifact_kinds import scorer_of

    if not spec.challenges:
        return ComparedScorer()
    latest = platform.ledger.state(candidate_key(spec.challenges))
    if not latest:
        return ComparedScorer(note=f"{spec.challenges} has no candidate yet")
    sha256 = str(latest["sha256"])
    artifact = read_artifact(platform.settings.artifacts / sha256, sha256)
    fitted_on = platform.ledger.training_set(spec.challenges, str(latest["training_set"]))
    note = why_not_comparable(spec.challenges, artifact.features, fitted_on, training_set)
    return ComparedScorer(note=note) if note else ComparedScorer(scorer_of(artifact))


def _references(
    spec: ModelSpec, rows: "TrainingSet", progress: Callable[[str], None]
) -> "dict[str, Scorer]":
    """The simple methods of the model by their title, fitted on the training part; without those that cannot be."""
    from ml_platform.errors import InsufficientData

    fitted = {}
    for reference in spec.references:
        try:
            fitted[reference.title] = reference.fit(rows)
        except InsufficientData as error:
            progress(f"{reference.title} is left out: {error.message}")
    return fitted


def _ceiling(platform: Connections, spec: ModelSpec, rows: "TrainingSet") -> "pd.DataFrame | None":
    """The Bayes rule's predictions for the test rows; ``None`` where the source does not know the truth."""
    import pyarrow.compute as pc

    if not spec.ceiling_target:
        return None
    stored = platform.lake.rows(
        "ceilings",
        since=rows.record.split.test_from,
        columns=("row_id", "target", "prediction", "probability"),
    )
    target = stored["target"]
    is_part = pc.starts_with(target, f"{spec.ceiling_target}/")
    rows_of_target = stored.filter(pc.or_(pc.equal(target, spec.ceiling_target), is_part))
    return rows_of_target.to_pandas() if len(rows_of_target) else None
