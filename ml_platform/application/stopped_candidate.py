"""The last candidate of a model, where an integrity gate has stopped it: it has a verdict and no version."""

from ml_platform.application.connections import Connections
from ml_platform.application.records import read_record, record_path
from ml_platform.gates.decide import signals
from ml_platform.gates.record import EvaluationRecord

EVALUATION_STEP = "evaluation_report"
"""The step of a model's chain that leaves the record of its evaluation."""


def stopped_candidate(platform: Connections, model: str) -> EvaluationRecord | None:
    """The last evaluation of ``model`` if integrity did not hold; ``None`` if it held, or there is none."""
    if not record_path(platform.settings, (model, EVALUATION_STEP)).exists():
        return None
    evaluation_record = read_record(platform.settings, (model, EVALUATION_STEP), EvaluationRecord)
    return evaluation_record if was_stopped(evaluation_record) else None


def was_stopped(evaluation_record: EvaluationRecord) -> bool:
    """Whether an integrity gate has stopped the candidate that was evaluated."""
    return signals(evaluation_record.decision.gates).integrity_failed
