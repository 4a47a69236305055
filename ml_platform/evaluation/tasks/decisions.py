"""How the numbers of a scorer become a decision on each row, for the tasks that decide on a class."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.spec.task import YES
from ml_platform.spec.training_set import TrainingSet

EVEN = 0.5
"""The threshold of a probability of yes, for a scorer without a threshold of its own."""


@dataclass(frozen=True)
class NoDecisions:
    """No class is decided on, neither row by row nor in comparison."""

    why: str
    """The reason, as a report shows it: 'it answers a list, not a class'."""


@dataclass(frozen=True)
class Decisions:
    """How numbers become a class, and the true classes of the test rows."""

    classes: tuple[str, ...]
    truth: Codes
    """Shape (rows,); -1 where it is not known."""
    yes: int | None
    """Column of the prediction that says yes; ``None``: the highest of ``columns`` is chosen."""
    columns: int
    """How many columns of the prediction are compared."""
    threshold: float
    """The number from which on ``yes`` is decided."""
    probabilities: bool
    """Whether the numbers claim to be probabilities; else a higher one means a stranger row."""
    compared: str = ""
    """Why no row is decided on by itself: its number is only compared with others. Empty where each is."""

    def chosen(self, values: Array) -> Codes:
        """The class that is decided on, shape (rows,)."""
        if self.yes is not None:
            return (values[:, self.yes] >= self.threshold).astype(np.int64)
        best: Codes = values[:, : self.columns].argmax(axis=1).astype(np.int64)
        return best

    def confidence(self, values: Array) -> Array:
        """The number of the class that is decided on, shape (rows,)."""
        if self.yes is None:
            return np.asarray(values[:, : self.columns].max(axis=1), dtype=np.float64)
        of_yes = values[:, self.yes]
        return np.where(of_yes >= self.threshold, of_yes, 1.0 - of_yes)

    def margin(self, values: Array) -> Array:
        """How far each decision is from another one, shape (rows,)."""
        if self.yes is not None:
            return np.abs(values[:, self.yes] - self.threshold)
        top = np.partition(values[:, : self.columns], -2, axis=1)[:, -2:]
        return np.asarray(top[:, 1] - top[:, 0], dtype=np.float64)

    def doubt(self, values: Array) -> Array:
        """How little the scorer claims to know of each row, shape (rows,); higher is less.

        Minus the confidence of a probability. The score of a detector is itself how strange a row is.
        """
        if self.yes is not None and not self.probabilities:
            return np.asarray(values[:, self.yes], dtype=np.float64)
        return -self.confidence(values)


def yes_or_no(training_set: TrainingSet, label: str) -> Codes:
    """The column ``label`` of the test rows as codes, shape (rows,): 1 is yes, 0 is no, -1 is not known."""
    column = training_set.test[label]
    known = column.notna().to_numpy()
    return np.where(known, column.astype(object).to_numpy() == YES, -1).astype(np.int64)
