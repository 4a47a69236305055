"""Scorers of the benches: exact Bayes rules of noisy evidence, so they are good, calibrated and sturdy.

Column ``e<k>_<copy>`` holds evidence for class k: normal with standard deviation 1 around the copy's gain where
k is the truth, around 0 elsewhere. The log of the likelihood ratio is gain * x - gain^2 / 2; evidence that is
missing says nothing, and what lies beyond anything seen is held at the rim.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

RIM = 8.0
"""Beyond it no evidence was ever seen."""


def column(head: str, place: int, copy: str) -> str:
    """Name of a feature: ``head`` tells one question from another."""
    return f"{head}{place}_{copy}"


@dataclass(frozen=True)
class Question:
    """Which of the classes; ``priors`` and the ``gains`` of each copy are those of the world."""

    head: str
    priors: tuple[float, ...]
    gains: dict[str, float]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(
            column(self.head, place, copy)
            for place in range(len(self.priors))
            for copy in self.gains
        )

    def draw(self, truth: np.ndarray, generator: np.random.Generator) -> dict[str, Array]:
        """Columns by name, each (rows,), for the true class of each row."""
        return {
            column(self.head, place, copy): generator.normal(size=len(truth))
            + gain * (truth == place)
            for place in range(len(self.priors))
            for copy, gain in self.gains.items()
        }

    def posterior(self, rows: "pd.DataFrame", copies: tuple[str, ...], power: float = 1.0) -> Array:
        """Shape (rows, classes); ``power`` other than 1 makes it over- or underconfident."""
        logs = np.tile(np.log(self.priors), (len(rows), 1))
        for place in range(len(self.priors)):
            for copy in copies:
                if copy not in self.gains:
                    continue
                gain = self.gains[copy]
                seen = rows[column(self.head, place, copy)].to_numpy(dtype=np.float64)
                seen = np.clip(
                    np.nan_to_num(seen, nan=gain / 2, posinf=RIM, neginf=-RIM), -RIM, RIM
                )
                logs[:, place] += gain * seen - gain**2 / 2
        logs *= power
        chances = np.exp(logs - logs.max(axis=1, keepdims=True))
        found: Array = chances / chances.sum(axis=1, keepdims=True)
        return found


@dataclass(frozen=True)
class Reader:
    """Predictions each question by the copies of the evidence that it reads, class after class."""

    classes: tuple[str, ...]
    questions: tuple[Question, ...]
    copies: tuple[str, ...] = ("a", "b")
    power: float = 1.0
    threshold: float = 0.5
    single: tuple[bool, ...] = field(default=())
    """By question: only the probability of its last class is answered."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        found = [q.posterior(rows, self.copies, self.power) for q in self.questions]
        kept = self.single or (False,) * len(found)
        return np.concatenate(
            [each[:, -1:] if last else each for each, last in zip(found, kept, strict=True)],
            axis=1,
        )


@dataclass(frozen=True)
class Level:
    """How much: a log-odds level of every item, normal around its mean; a copy adds noise of its own."""

    head: str
    means: tuple[float, ...]
    spread: float
    noises: dict[str, float]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(
            column(self.head, place, copy)
            for place in range(len(self.means))
            for copy in self.noises
        )

    def draw(self, levels: Array, generator: np.random.Generator) -> dict[str, Array]:
        """Columns by name, each (rows,), for the true levels (rows, items)."""
        return {
            column(self.head, place, copy): levels[:, place]
            + noise * generator.normal(size=len(levels))
            for place in range(len(self.means))
            for copy, noise in self.noises.items()
        }

    def expected(self, rows: "pd.DataFrame", copies: tuple[str, ...]) -> tuple[Array, Array]:
        """Mean (rows, items) and variance (rows, items) of the levels, given what is seen."""
        weights = np.full((len(rows), len(self.means)), self.spread**-2)
        sums = np.tile(np.array(self.means) * self.spread**-2, (len(rows), 1))
        for place in range(len(self.means)):
            for copy in (name for name in self.noises if name in copies):
                seen = rows[column(self.head, place, copy)].to_numpy(dtype=np.float64)
                there = np.isfinite(seen)
                worth = there * self.noises[copy] ** -2
                weights[:, place] += worth
                sums[:, place] += worth * np.clip(np.where(there, seen, 0.0), -RIM, RIM)
        return sums / weights, 1.0 / weights


@dataclass(frozen=True)
class LevelReader:
    """Probability that belongs to a level (MacKay 1992): of an item, of 'no' and 'yes', or the levels."""

    classes: tuple[str, ...]
    level: Level
    copies: tuple[str, ...] = ("a", "b")
    power: float = 1.0
    answer: str = "levels"
    """'levels': a probability each; 'yes': of no and of yes."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        mean, variance = self.level.expected(rows, self.copies)
        chance = 1.0 / (1.0 + np.exp(-self.power * mean / np.sqrt(1.0 + np.pi * variance / 8.0)))
        return np.column_stack([1.0 - chance, chance]) if self.answer == "yes" else chance


@dataclass(frozen=True)
class Instead:
    """Predictions as ``usual`` does, and as ``other`` does in the rows that ``where`` names."""

    usual: Scorer
    other: Scorer
    where: "Callable[[pd.DataFrame], np.ndarray]"

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of both."""
        return self.usual.classes

    @property
    def threshold(self) -> float:
        """That of ``usual``."""
        return getattr(self.usual, "threshold", 0.5)

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        found, other = self.usual.predict_proba(rows), self.other.predict_proba(rows)
        return np.where(self.where(rows)[:, None], other, found)


@dataclass(frozen=True)
class ByHead:
    """The steps by one reader, the need by another."""

    steps: Reader
    need: Reader

    @property
    def classes(self) -> tuple[str, ...]:
        """Those of both."""
        return self.steps.classes

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes)."""
        found = self.steps.predict_proba(rows)
        found[:, -1] = self.need.predict_proba(rows)[:, -1]
        return found
