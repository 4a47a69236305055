"""How the numbers of a scorer become a decision on each row, for the tasks that decide on a class."""

from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.spec.task import YES
from ml_platform.spec.training_set import TrainingSet

EVEN = 0.5
"""The threshold of a probability of yes, for a scorer without a threshold of its own."""


def threshold_or_even(threshold: float | None) -> float:
    """Return the ``threshold`` of a scorer, or `EVEN` where it has none."""
    return EVEN if threshold is None else threshold


@dataclass(frozen=True)
class NoDecisions:
    """No class is decided on, neither row by row nor in comparison."""

    why: str
    """The reason, as a report shows it, such as 'it predicts a list, not a class'."""


@dataclass(frozen=True)
class Decisions:
    """The rule by which a scorer's numbers become a class, and the true classes of the test rows."""

    classes: tuple[str, ...]
    truth: Codes
    """Shape (rows,): the code of each true class; -1 where it is not known."""
    yes: int | None
    """The column that holds the probability or score of yes; ``None``: the highest of ``columns`` is chosen."""
    columns: int
    """How many columns of the prediction are compared, counted from the first."""
    threshold: float
    """Yes is decided where its number is at least this."""
    probabilities: bool
    """Whether the numbers claim to be probabilities; otherwise a higher number means a more anomalous row."""
    compared: str = ""
    """Why no row is decided on alone, but only compared with other rows; empty where each row is decided on."""

    def chosen(self, values: Array) -> Codes:
        """Return the code of the class that is decided on, shape (rows,), from ``values`` (rows, classes)."""
        if self.yes is not None:
            return (values[:, self.yes] >= self.threshold).astype(np.int64)
        best: Codes = values[:, : self.columns].argmax(axis=1).astype(np.int64)
        return best

    def confidence(self, values: Array) -> Array:
        """Return the number of the class that is decided on, shape (rows,); for no, 1 minus that of yes."""
        if self.yes is None:
            return np.asarray(values[:, : self.columns].max(axis=1), dtype=np.float64)
        yes_values = values[:, self.yes]
        return np.where(yes_values >= self.threshold, yes_values, 1.0 - yes_values)

    def margin(self, values: Array) -> Array:
        """Return each row's distance to the threshold, or between its two highest classes, shape (rows,)."""
        if self.yes is not None:
            return np.abs(values[:, self.yes] - self.threshold)
        top = np.partition(values[:, : self.columns], -2, axis=1)[:, -2:]
        return np.asarray(top[:, 1] - top[:, 0], dtype=np.float64)

    def doubt(self, values: Array) -> Array:
        """Return how uncertain the scorer is about each row, shape (rows,); higher is less certain.

        For probabilities it is minus the confidence. For a detector it is the score itself: how anomalous a row is.
        """
        if self.yes is not None and not self.probabilities:
            return np.asarray(values[:, self.yes], dtype=np.float64)
        return -self.confidence(values)


def yes_or_no(training_set: TrainingSet, label: str) -> Codes:
    """Return the column ``label`` of the test rows as codes, shape (rows,): 1 is yes, 0 is no, -1 is unknown."""
    column = training_set.test[label]
    known = column.notna().to_numpy()
    return np.where(known, column.astype(object).to_numpy() == YES, -1).astype(np.int64)
