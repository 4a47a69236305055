"""The candidate of a model: fitted, exported to what would be served, and kept under its hash."""

from collections.abc import Callable

from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import candidate_key, tuned_key
from ml_platform.models.candidate import CandidateRecord
from ml_platform.spec.model import FitRequest, ModelSpec, Parameter
from ml_platform.spec.training_set import TrainingSetRecord


def train_candidate(
    platform: Connections,
    spec: ModelSpec,
    training_set: TrainingSetRecord,
    progress: Callable[[str], None],
) -> CandidateRecord:
    """Fit the model and its rules on the training part, and keep the artifacts of both.

    The estimator's scores of the test rows are kept as well: the parity gate holds the artifact to them.

    Raises:
        InsufficientData: too few rows to fit on.
    """
    from ml_platform.adapters.artifact_files import save_probabilities, write_artifact
    from ml_platform.adapters.training_set_files import load_training_set

    settings = platform.settings
    rows = load_training_set(settings.training_sets, training_set)
    parameters = requested_parameters(platform, spec)
    outcome = spec.fit(rows, FitRequest(spec.seed, parameters, progress))
    rules = spec.fit_rules(rows)
    for artifact in (outcome.artifact, rules):
        write_artifact(artifact, settings.artifacts / artifact.sha256)
    record = CandidateRecord(
        model=spec.name,
        artifact_sha256=outcome.artifact.sha256,
        rules_sha256=rules.sha256,
        size_bytes=outcome.artifact.size_bytes,
        training_set_fingerprint=training_set.fingerprint,
        estimator_probabilities_sha256=save_probabilities(
            settings.home / "estimator_probabilities",
            rows.test,
            outcome.estimator.predict_proba(rows.test),
        ),
        parameters=outcome.parameters,
        fold_metrics=outcome.fold_metrics,
        seconds=round(outcome.seconds, 1),
    )
    platform.ledger.set_state(
        candidate_key(spec.name),
        {
            "sha256": record.artifact_sha256,
            "training_set": training_set.fingerprint,
            "requested": parameters,
        },
    )
    return record


def requested_parameters(platform: Connections, spec: ModelSpec) -> dict[str, Parameter]:
    """The defaults, and over them what a search or an experiment has shown to be better.

    A tuned parameter that the model's code no longer has is left out.
    """
    tuned = (platform.ledger.state(tuned_key(spec.name)) or {}).get("parameters", {})
    return {**spec.defaults, **{k: v for k, v in tuned.items() if k in spec.defaults}}
