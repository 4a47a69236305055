"""The record of an evaluation, which is handed on to the registry: the id of the report and the decision."""

from dataclasses import dataclass

from ml_platform.gates.outcome import Decision


@dataclass(frozen=True)
class EvaluationRecord:
    """One evaluation of one candidate: everything that a permit will ask for, by hash."""

    model: str
    report_id: str
    artifact_sha256: str
    rules_sha256: str
    training_set_fingerprint: str
    policy_version: str
    decision: Decision
    integrity: str
    """Canonical JSON of the integrity evidence that the decision was made on."""
    policy: str
    """Canonical JSON of the gate policy that the decision was made by."""
    champion: int | None
    """Version that was in production, and was compared with, at the evaluation; ``None``: the rules were."""
    production_revision: int
    """Revision of production at the evaluation: a promotion swaps this very one, or nothing."""
    mlflow_run_id: str
    dagster_run_id: str
