"""Every evaluated candidate becomes a version, in the ledger and in MLflow, with baselines for monitoring."""

from datetime import datetime
from importlib import metadata
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.application.connections import Connections
from ml_platform.application.log_evaluation import DEPENDENCIES, run_name
from ml_platform.application.mirror import mirror
from ml_platform.application.rules_in_use import rules_version
from ml_platform.application.state_keys import rules_key
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.registry.records import VersionRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TIME, TrainingSetRecord

if TYPE_CHECKING:
    from ml_platform.monitoring.baseline import Reference


def register_candidate(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    candidate: CandidateRecord,
    evaluation_record: EvaluationRecord,
) -> VersionRecord:
    """Register a candidate whatever its verdict; one that is registered already stays the same version.

    Where this evaluation came to another result (by another policy, say), the version gets it as a further one.

    Raises:
        IntegrityError: a piece that a version needs is missing, or the artifact is not what was hashed.
    """
    record = _registered(platform, spec, training_set, candidate, evaluation_record)
    save_baselines(platform, spec, training_set, record, evaluation_record.rules_sha256)
    mirror(platform, spec.name, spec=spec)
    platform.tracking.name_run(record.mlflow_run_id, run_name(record))
    return platform.ledger.version(spec.name, record.version)


def _registered(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    candidate: CandidateRecord,
    evaluation_record: EvaluationRecord,
) -> VersionRecord:
    """The version of the candidate, as the ledger holds it."""
    from ml_platform.adapters.artifact_files import read_artifact

    folder = platform.settings.artifacts / candidate.artifact_sha256
    artifact = read_artifact(folder, candidate.artifact_sha256)
    record = VersionRecord(
        model=spec.name,
        version=0,
        artifact_sha256=candidate.artifact_sha256,
        artifact_path=str(folder.relative_to(platform.settings.home)),
        size_bytes=candidate.size_bytes,
        framework="onnx",
        parent=platform.ledger.production(spec.name).version,
        training_set_fingerprint=training_set.fingerprint,
        feature_versions=training_set.feature_versions,
        parameters=candidate.parameters,
        report_id=evaluation_record.report_id,
        decision=evaluation_record.decision,
        mlflow_run_id=evaluation_record.mlflow_run_id,
        mlflow_version="",
        dagster_run_id=evaluation_record.dagster_run_id,
        code_version=metadata.version("ml-platform"),
        dependencies={name: metadata.version(name) for name in DEPENDENCIES},
        registered_at=platform.home.as_of,
        experiment=spec.name,
        input_schema=dict(artifact.features),
        classes=artifact.classes,
        policy=evaluation_record.policy,
        integrity=evaluation_record.integrity,
    )
    return platform.ledger.register(record)


def save_baselines(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    record: VersionRecord,
    rules_sha256: str,
) -> None:
    """Keep what monitoring compares with, for this version and for the rules that were fitted with it.

    Only after that do these rules answer while there is no champion, so that whatever answers has a baseline.
    """
    from ml_platform.adapters.artifact_files import load_scorer
    from ml_platform.adapters.training_set_files import load_test_rows
    from ml_platform.evaluation.tasks.registry import adapter_of
    from ml_platform.monitoring.performance.reference import estimator_of
    from ml_platform.prediction_log.scoring import outcomes_of, predicted

    report = platform.ledger.report(record.report_id)
    assert report is not None
    reference = _reference(platform, spec, training_set)  # before the test rows are in memory
    test_rows = load_test_rows(platform.settings.training_sets, training_set)
    artifacts = platform.settings.artifacts
    version = load_scorer(artifacts / record.artifact_sha256, record.artifact_sha256)
    rules = load_scorer(artifacts / rules_sha256, rules_sha256)
    outcomes = outcomes_of(spec.task, test_rows, spec.label, spec.label_delay)
    for name, scorer, subject in (
        (str(record.version), version, report.candidate),
        (rules_version(rules_sha256), rules, report.baseline),
    ):
        predictions = predicted(spec.task, scorer, test_rows)
        baseline = reference.baseline(
            version=name,
            source=report.source,
            simulated=report.simulated,
            predictions=predictions,
            performance=subject.metrics,
            estimator=estimator_of(adapter_of(spec.task), predictions, outcomes),
        )
        platform.ledger.save_baseline(spec.name, name, values.to_json(baseline))
    platform.ledger.set_state(rules_key(spec.name), {"sha256": rules_sha256})


def _reference(
    platform: Connections, spec: ModelSpec, training_set: TrainingSetRecord
) -> "Reference":
    """What windows are compared with: all rows of people up to the newest window, with a label or without.

    It ends no earlier than what the version was trained on; where the week before has no rows, at the last row.
    """
    from ml_platform.adapters.training_set_files import stored_window
    from ml_platform.monitoring.baseline import measure_reference
    from ml_platform.monitoring.weeks import WEEK, reference_end, reference_start
    from ml_platform.spec.monitoring_policy import POLICY

    watched = [feature for feature in spec.table.features if feature.name in spec.features]
    trained = training_set.split.train_until
    newest = reference_end(training_set.as_of, spec.table.complete_after, POLICY.window)
    until = max(newest, trained)
    start = reference_start(trained, (feature.look_back for feature in watched))
    known = stored_window(platform.published_features(spec.table.name), start, until)
    last: datetime = known[TIME].max().ceil("us").to_pydatetime()
    end = until if until - last < WEEK else last
    return measure_reference(known, watched, model=spec.name, end=end)
