"""What a candidate decides row by row, for those tasks that decide on a class."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.tasks.scorers import class_codes
from ml_platform.spec.task import (
    NO,
    SOON,
    YES,
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform.spec.training_set import TrainingSet

EVEN = 0.5
NO_CLASS = {
    ProportionRegression: "it answers an expected share, not a class",
    Ranking: "it answers a list, not a class",
}


@dataclass(frozen=True)
class Decisions:
    """How numbers become a class, and the true classes of the test rows."""

    classes: tuple[str, ...]
    truth: Codes
    """Shape (rows,); -1 where it is not known."""
    yes: int | None
    """Column of the answer that says yes; ``None``: the highest of ``columns`` is chosen."""
    columns: int
    threshold: float
    probabilities: bool
    """Whether the numbers claim to be probabilities."""

    def chosen(self, values: Array) -> Codes:
        """Shape (rows,): the class that is decided on."""
        if self.yes is not None:
            return (values[:, self.yes] >= self.threshold).astype(np.int64)
        best: Codes = values[:, : self.columns].argmax(axis=1).astype(np.int64)
        return best

    def confidence(self, values: Array) -> Array:
        """Shape (rows,): the number of the class that is decided on."""
        if self.yes is None:
            return np.asarray(values[:, : self.columns].max(axis=1), dtype=np.float64)
        says = values[:, self.yes]
        return np.where(says >= self.threshold, says, 1.0 - says)

    def margin(self, values: Array) -> Array:
        """Shape (rows,): how far the decision is from another one."""
        if self.yes is not None:
            return np.abs(values[:, self.yes] - self.threshold)
        top = np.partition(values[:, : self.columns], -2, axis=1)[:, -2:]
        return np.asarray(top[:, 1] - top[:, 0], dtype=np.float64)


def decisions_of(
    task: Task, training_set: TrainingSet, threshold: float | None
) -> Decisions | None:
    """Those of the test rows; ``None`` where no class is decided on (`NO_CLASS` says why)."""
    record, test = training_set.record, training_set.test
    limit = EVEN if threshold is None else threshold
    match task:
        case Classification():
            truth = class_codes(test[record.label], record.classes)
            count = len(record.classes)
            return None if count < 2 else Decisions(record.classes, truth, None, count, limit, True)
        case Detection():
            return Decisions((NO, YES), _yes(training_set, record.label), 1, 2, limit, False)
        case OffPolicyChoice():
            place = record.classes.index(YES)
            truth = _yes(training_set, record.label)
            return Decisions((NO, YES), truth, place, 2, limit, True)
        case SequencePrediction():
            steps = tuple(name for name in record.classes if name != SOON)
            if test[task.soon].notna().any():
                truth = _yes(training_set, task.soon)
                return Decisions((NO, YES), truth, len(steps), 2, limit, True)
            truth = class_codes(test[record.label], steps)
            return Decisions(steps, truth, None, len(steps), limit, True)
        case _:
            return None


def _yes(training_set: TrainingSet, label: str) -> Codes:
    column = training_set.test[label].astype(object).to_numpy()
    known = training_set.test[label].notna().to_numpy()
    return np.where(known, column == YES, -1).astype(np.int64)
