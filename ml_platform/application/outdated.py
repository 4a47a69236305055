"""Why a step of a model's chain would come to another result than the one that it has left.

What changed in the data before it, or in the code, is known to Dagster (`defs.plan`); this is about everything else
that decides: definitions, parameters, policy, production, and the stored files themselves. Each function gives the
reason in words, or an empty text.
"""

from collections.abc import Mapping

from ml_platform.application.connections import Connections
from ml_platform.application.home_policy import governed
from ml_platform.application.measured import compared_with_production
from ml_platform.application.records import read_record
from ml_platform.application.search_future import search_behind
from ml_platform.application.state_keys import candidate_key
from ml_platform.application.stopped_candidate import EVALUATION_STEP
from ml_platform.application.stored_evidence import artifact_sha256_now, rows_sha256_now
from ml_platform.application.train import requested_parameters
from ml_platform.gates.policy import policy_version
from ml_platform.gates.record import EvaluationRecord
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import TrainingSetRecord
from ml_platform.values import file_sha256


def outdated_training_set(
    platform: Connections, spec: ModelSpec, sql_by_model: Mapping[str, str]
) -> str:
    """Why the training set is not the one that the model declares now."""
    record = read_record(platform.settings, (spec.name, "training_set"), TrainingSetRecord)
    versions = spec.table.versions(sql_by_model)
    changed = [
        name for name in spec.features if record.feature_versions.get(name) != versions[name]
    ]
    if changed or set(record.feature_versions) != set(spec.features):
        named = ", ".join(changed[:2]) + (f" and {len(changed) - 2} more" if changed[2:] else "")
        return f"the definition of {named or 'its features'} has changed"
    if rows_sha256_now(platform, record) != record.rows_sha256:
        return "the stored rows are not the ones that it was made of"
    search_behind(platform.settings, spec, record)
    return ""


def outdated_candidate(platform: Connections, spec: ModelSpec) -> str:
    """Why another candidate would be fitted to the same rows."""
    record = read_record(platform.settings, (spec.name, "candidate"), CandidateRecord)
    state = platform.ledger.state(candidate_key(spec.name)) or {}
    if state.get("requested") != requested_parameters(platform, spec):
        return "its parameters have changed"
    for sha256 in (record.artifact_sha256, record.rules_sha256):
        if artifact_sha256_now(platform.settings.artifacts / sha256, sha256) != sha256:
            return "the stored artifact is not the one that was fitted"
    known = record.estimator_probabilities_sha256
    path = platform.settings.home / "estimator_probabilities" / f"{known}.npz"
    if not path.exists() or file_sha256(path) != known:
        return "the stored probabilities are not those of the estimator that was fitted"
    return ""


def outdated_decision(platform: Connections, spec: ModelSpec) -> str:
    """Why the gates would have to decide again about the same candidate."""
    evaluation = read_record(platform.settings, (spec.name, EVALUATION_STEP), EvaluationRecord)
    if evaluation.policy_version != policy_version(governed(platform, spec).policy):
        return "the policy has changed"
    if not compared_with_production(platform, evaluation):
        return "another version is in production than the one that it was compared with"
    return ""
