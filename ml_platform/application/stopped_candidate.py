"""The last candidate of a model, where an integrity gate has stopped it: it has a verdict and no version."""

from ml_platform.application.connections import Connections
from ml_platform.application.records import read_record, record_path
from ml_platform.gates.decide import signals
from ml_platform.gates.record import EvaluationRecord

STEP = "evaluation_report"
"""The step of a model's chain that leaves the record of its evaluation."""


def stopped_candidate(platform: Connections, model: str) -> EvaluationRecord | None:
    """The last evaluation of ``model`` if integrity did not hold; ``None`` if it held, or there is none."""
    if not record_path(platform.settings, (model, STEP)).exists():
        return None
    evaluation_record = read_record(platform.settings, (model, STEP), EvaluationRecord)
    stopped = signals(evaluation_record.decision.gates).integrity_failed
    return evaluation_record if stopped else None
