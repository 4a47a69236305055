"""A measured candidate whose policy alone has changed is decided on again, and not measured again."""

from dataclasses import replace

from ml_platform import values
from ml_platform.application.build_features import feature_versions
from ml_platform.application.connections import Connections
from ml_platform.application.evaluate import EvaluatedCandidate, origin_of
from ml_platform.application.records import read_record, record_path
from ml_platform.application.state_keys import candidate_key, measurement_key
from ml_platform.application.stopped_candidate import EVALUATION_STEP
from ml_platform.application.stored_evidence import artifact_sha256_now, rows_sha256_now
from ml_platform.gates.integrity import IntegrityEvidence
from ml_platform.gates.policy import policy_version
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord


def measurement_of(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    candidate: CandidateRecord,
    code: str,
) -> str:
    """A hash of all that decides the figures of an evaluation but for the champion; ``code`` is its version."""
    as_of = platform.home.as_of
    challenged = platform.ledger.state(candidate_key(spec.challenges)) if spec.challenges else None
    return values.fingerprint(
        (
            code,
            training_set.fingerprint,
            (candidate.artifact_sha256, candidate.rules_sha256),
            candidate.estimator_probabilities_sha256,
            candidate.fold_metrics,
            str((challenged or {}).get("sha256", "")),
            [platform.lake.fingerprint(table, as_of) for table in ("users", "ceilings")],
            platform.settings.price_per_core_hour,
        )
    )


def keep_measurement(platform: Connections, evaluation: EvaluationRecord, measurement: str) -> None:
    """Keep what has decided the figures of the report of an evaluation."""
    measured = {"report": evaluation.report_id, "measurement": measurement}
    platform.ledger.set_state(measurement_key(evaluation.model), measured)


def measured_before(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    candidate: CandidateRecord,
    *,
    measurement: str,
    policy_note: str,
) -> EvaluatedCandidate | None:
    """The last evaluation of the candidate under the policy of now; ``None`` where more has changed than that.

    Hashes of the stored files and the versions of the features are those of now.

    Args:
        platform: The home.
        spec: The model, with the gate policy of the home.
        training_set: What the candidate was fitted on.
        candidate: The candidate.
        measurement: See `measurement_of`.
        policy_note: The verdict that the policy was changed after; empty where it was set before any.
    """
    from ml_platform.evaluation.evaluate import with_origin

    if not record_path(platform.settings, (spec.name, EVALUATION_STEP)).exists():
        return None
    last = read_record(platform.settings, (spec.name, EVALUATION_STEP), EvaluationRecord)
    report = platform.ledger.report(last.report_id)
    production = platform.ledger.production(spec.name)
    measured = {"report": last.report_id, "measurement": measurement}
    if report is None or platform.ledger.state(measurement_key(spec.name)) != measured:
        return None
    if last.policy_version == policy_version(spec.policy) or not compared_with_production(
        platform, last
    ):
        return None
    origin = origin_of(spec, platform, candidate, production)
    report = with_origin(report, replace(origin, policy_note=policy_note))
    folder = platform.settings.artifacts / candidate.artifact_sha256
    evidence = replace(
        values.from_json(IntegrityEvidence, last.integrity),
        artifact_sha256_found=artifact_sha256_now(folder, candidate.artifact_sha256) or "",
        rows_sha256_found=rows_sha256_now(platform, training_set) or "",
        current_feature_versions=feature_versions(platform, spec.table),
        newest_row_at=report.newest_row_at,
        as_of=report.as_of,
        live=report.live,
    )
    return EvaluatedCandidate(report, evidence, production)


def compared_with_production(platform: Connections, last: EvaluationRecord) -> bool:
    """Whether the candidate was compared with what is in production now, or is in production itself."""
    version = platform.ledger.production(last.model).version
    if version is None or version == last.champion:
        return version == last.champion
    champion = platform.ledger.version(last.model, version)
    return champion.artifact_sha256 == last.artifact_sha256
