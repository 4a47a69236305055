"""Scorers that misbehave in one way, each around a good one; and the choice of the rows in which they do."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.gates.faults.fixture_rows import DAY, DAYS, DECIMALS, DRAW, TEAM
from ml_platform.gates.faults.fixture_scorers import EvidenceScorer
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

RowFilter = Callable[["pd.DataFrame"], np.ndarray]
"""A function from rows to booleans (rows,), which marks those that a fault spoils."""


def drawn(share: float) -> RowFilter:
    """About ``share`` of all rows, whatever they are; rows whose draw is missing are among them."""

    def below(rows: "pd.DataFrame") -> np.ndarray:
        chosen: np.ndarray = np.nan_to_num(rows[DRAW].to_numpy(dtype=np.float64)) < share
        return chosen

    return below


def drawn_intact(share: float) -> RowFilter:
    """About ``share`` of the rows whose draw is known and still lies in [0, 1)."""

    def within(rows: "pd.DataFrame") -> np.ndarray:
        draws = np.nan_to_num(rows[DRAW].to_numpy(dtype=np.float64), nan=-1.0)
        chosen: np.ndarray = (draws >= 0) & (draws < share)
        return chosen

    return within


def of_first_team(rows: "pd.DataFrame") -> np.ndarray:
    """The rows of the first team's users."""
    chosen: np.ndarray = np.nan_to_num(rows[TEAM].to_numpy(dtype=np.float64), nan=9.0) == 0.0
    return chosen


def from_day(day: float, until: float = np.inf) -> RowFilter:
    """The rows from one day on to before another."""

    def within(rows: "pd.DataFrame") -> np.ndarray:
        days = np.nan_to_num(rows[DAY].to_numpy(dtype=np.float64), nan=-1.0)
        chosen: np.ndarray = (days >= day) & (days < until)
        return chosen

    return within


NEWEST_HALF = from_day(1.5 * DAYS)
"""The rows of the newer half of the test period."""


def damaged(features: tuple[str, ...]) -> RowFilter:
    """Rows in which one of ``features`` is missing, infinite, or no longer a whole number of hundredths."""

    def changed(rows: "pd.DataFrame") -> np.ndarray:
        numbers = rows[list(features)].to_numpy(dtype=np.float64)
        with np.errstate(invalid="ignore"):
            off_grid = np.abs(numbers - np.round(numbers, DECIMALS)) > 1e-9
        chosen: np.ndarray = (off_grid | ~np.isfinite(numbers)).any(axis=1)
        return chosen

    return changed


def both(first: RowFilter, second: RowFilter) -> RowFilter:
    """The rows that both choose."""
    return lambda rows: first(rows) & second(rows)


@dataclass(frozen=True)
class Wrapper:
    """A scorer around another: same classes, same threshold."""

    usual: Scorer

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the usual scorer."""
        return self.usual.classes

    @property
    def threshold(self) -> float:
        """The threshold of the usual scorer."""
        return getattr(self.usual, "threshold", 0.5)


@dataclass(frozen=True)
class Instead(Wrapper):
    """Another scorer's predictions in the rows ``where``, the usual ones elsewhere."""

    other: Scorer
    where: RowFilter

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        usual, other = self.usual.predict_proba(rows), self.other.predict_proba(rows)
        return np.where(self.where(rows)[:, None], other, usual)


@dataclass(frozen=True)
class Informed(Wrapper):
    """Knows the truth of every row: better than any scorer that has to learn it."""

    usual: EvidenceScorer

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        return self.usual.informed(rows)


@dataclass(frozen=True)
class Shifted(Wrapper):
    """Every number is moved by ``distance`` towards one half."""

    distance: float

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        usual = self.usual.predict_proba(rows)
        return usual + self.distance * np.where(usual > 0.5, -1.0, 1.0)


@dataclass(frozen=True)
class Crashing(Wrapper):
    """Raises an error where all ``features`` of a row are infinite."""

    features: tuple[str, ...]

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes).

        Raises:
            FloatingPointError: a row without a finite number.
        """
        numbers = rows[list(self.features)].to_numpy(dtype=np.float64)
        if np.isinf(numbers).all(axis=1).any():
            raise FloatingPointError("no number of a row is finite")
        return self.usual.predict_proba(rows)


@dataclass(frozen=True)
class Slow(Wrapper):
    """Keeps the processor busy before it scores a single row, as one that prepares something for each request."""

    seconds: float

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        until = time.thread_time() + self.seconds
        while len(rows) == 1 and time.thread_time() < until:
            pass
        return self.usual.predict_proba(rows)


@dataclass(frozen=True)
class BatchDependent(Wrapper):
    """A row's prediction is drawn by ``weight`` towards the mean of the batch it comes in."""

    weight: float

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        usual = self.usual.predict_proba(rows)
        if not len(rows):
            return usual
        mixed: np.ndarray = (1.0 - self.weight) * usual + self.weight * usual.mean(axis=0)
        return mixed
