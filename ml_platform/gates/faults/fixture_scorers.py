"""Exact Bayes rules for synthetic evidence: scorers that are as good as possible, calibrated and robust.

Evidence comes in copies of different quality: copy ``a`` tells most, ``b`` less. A scorer that reads all copies
is a good candidate, one that reads only ``b`` a middling one, and one that reads none knows frequencies alone.
Missing evidence counts as not looked at; values beyond `LARGEST`, which never occur, are cut off there.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ml_platform.arrays import Array

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 8.0
"""Evidence lies within plus and minus this."""
COPIES = ("a", "b")
REDUNDANT = tuple("abcdefg")
"""Copies of equal quality: which of them counts is a matter of chance."""
MORE_REDUNDANT = tuple("abcdefghijklmnop")
"""The copies where a single level has evidence; more are needed, as each counts for less."""

ScorerT = TypeVar("ScorerT", bound="EvidenceScorer")


def column(evidence: str, place: int, copy: str) -> str:
    """The name of a feature, such as ``step0_a``: the evidence, the class or item it is about, the copy."""
    return f"{evidence}{place}_{copy}"


@dataclass(frozen=True)
class EvidenceScorer(ABC):
    """A Bayes rule over the ``copies`` that it reads, and the scorers that follow from it."""

    classes: tuple[str, ...]
    copies: tuple[str, ...] = COPIES
    power: float = 1.0
    """Log odds are multiplied by it: above 1 claims too much confidence, -1 prefers what is least probable."""
    threshold: float = 0.5

    @abstractmethod
    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """One number per class, shape (rows, classes)."""

    @abstractmethod
    def informed(self, rows: "pd.DataFrame") -> np.ndarray:
        """What a scorer returns that knows the truth of each row, shape (rows, classes)."""

    def reading(self: ScorerT, *copies: str) -> ScorerT:
        """Return the same rule reading other ``copies``; without any it knows frequencies alone."""
        return replace(self, copies=copies)

    def claiming(self: ScorerT, power: float) -> ScorerT:
        """Return the same rule with log odds multiplied by ``power``."""
        return replace(self, power=power)


@dataclass(frozen=True)
class ClassEvidence:
    """Evidence about which of some classes a row belongs to.

    Column ``<name><class>_<copy>`` is normal with standard deviation 1, around the copy's gain where the class is
    the true one and around 0 elsewhere. Its log likelihood ratio is gain * x - gain^2 / 2.
    """

    name: str
    priors: tuple[float, ...]
    gains: dict[str, float]
    """The gain of each copy."""
    last_only: bool = False
    """Whether a scorer returns only the probability of the last class."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of its columns."""
        places = range(len(self.priors))
        return tuple(column(self.name, place, copy) for place in places for copy in self.gains)

    def draw(self, truth: np.ndarray, generator: np.random.Generator) -> dict[str, Array]:
        """Draw its columns, (rows,) each, for the true class of each row."""
        return {
            column(self.name, place, copy): generator.normal(size=len(truth))
            + gain * (truth == place)
            for place in range(len(self.priors))
            for copy, gain in self.gains.items()
        }

    def posterior(self, rows: "pd.DataFrame", copies: tuple[str, ...], power: float) -> Array:
        """Probabilities of all classes, shape (rows, classes), by the copies that are read."""
        logs = np.tile(np.log(self.priors), (len(rows), 1))
        for place in range(len(self.priors)):
            for copy in (name for name in self.gains if name in copies):
                gain = self.gains[copy]
                values = rows[column(self.name, place, copy)].to_numpy(dtype=np.float64)
                values = np.nan_to_num(values, nan=gain / 2, posinf=LARGEST, neginf=-LARGEST)
                logs[:, place] += gain * np.clip(values, -LARGEST, LARGEST) - gain**2 / 2
        logs *= power
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        probabilities: Array = weights / weights.sum(axis=1, keepdims=True)
        return probabilities


@dataclass(frozen=True)
class ClassScorer(EvidenceScorer):
    """Class probabilities, one kind of evidence after the other."""

    evidence: tuple[ClassEvidence, ...] = ()
    truths: tuple[str, ...] = ()
    """The column of the true class's number, for each piece of evidence."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        return self._joined([e.posterior(rows, self.copies, self.power) for e in self.evidence])

    def informed(self, rows: "pd.DataFrame") -> np.ndarray:
        """1 for the true class, else 0."""
        return self._joined(
            [
                np.eye(len(evidence.priors))[rows[truth].to_numpy(dtype=np.int64)]
                for evidence, truth in zip(self.evidence, self.truths, strict=True)
            ]
        )

    def _joined(self, parts: list[Array]) -> Array:
        kept = [
            part[:, -1:] if evidence.last_only else part
            for evidence, part in zip(self.evidence, parts, strict=True)
        ]
        return np.concatenate(kept, axis=1)


@dataclass(frozen=True)
class LevelEvidence:
    """Evidence about how high the log odds of some items are.

    Each level is normal around the item's mean with standard deviation ``spread``; column
    ``<name><item>_<copy>`` is the level plus normal noise of the copy's own.
    """

    name: str
    means: tuple[float, ...]
    spread: float
    noises: dict[str, float]
    """Standard deviation of the noise by copy."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of its columns."""
        places = range(len(self.means))
        return tuple(column(self.name, place, copy) for place in places for copy in self.noises)

    def draw(self, levels: Array, generator: np.random.Generator) -> dict[str, Array]:
        """Draw its columns, (rows,) each, for the true levels (rows, items)."""
        return {
            column(self.name, place, copy): levels[:, place]
            + noise * generator.normal(size=len(levels))
            for place in range(len(self.means))
            for copy, noise in self.noises.items()
        }

    def posterior(self, rows: "pd.DataFrame", copies: tuple[str, ...]) -> tuple[Array, Array]:
        """Mean and variance of the levels, each (rows, items), by the copies that are read."""
        precisions = np.full((len(rows), len(self.means)), self.spread**-2)
        weighted = np.tile(np.array(self.means) * self.spread**-2, (len(rows), 1))
        for place in range(len(self.means)):
            for copy in (name for name in self.noises if name in copies):
                values = rows[column(self.name, place, copy)].to_numpy(dtype=np.float64)
                known = np.isfinite(values)
                precision = known * self.noises[copy] ** -2
                precisions[:, place] += precision
                clipped = np.clip(np.where(known, values, 0.0), -LARGEST, LARGEST)
                weighted[:, place] += precision * clipped
        return weighted / precisions, 1.0 / precisions


@dataclass(frozen=True)
class LevelScorer(EvidenceScorer):
    """Probabilities that belong to levels, by MacKay's approximation of the mean of a logistic normal.

    Source: MacKay (1992), "The evidence framework applied to classification networks", equation 9.
    """

    evidence: LevelEvidence = LevelEvidence("", (), 1.0, {})
    yes_or_no: bool = False
    """Whether the classes are 'no' and 'yes' of the only level; else they are the items."""
    truths: tuple[str, ...] = ()
    """The column of each item's true level."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        mean, variance = self.evidence.posterior(rows, self.copies)
        return self._of_log_odds(self.power * mean / np.sqrt(1.0 + np.pi * variance / 8.0))

    def informed(self, rows: "pd.DataFrame") -> np.ndarray:
        """The true probabilities."""
        return self._of_log_odds(rows[list(self.truths)].to_numpy(dtype=np.float64))

    def _of_log_odds(self, log_odds: Array) -> Array:
        probabilities = 1.0 / (1.0 + np.exp(-log_odds))
        if not self.yes_or_no:
            return probabilities
        return np.concatenate([1.0 - probabilities, probabilities], axis=1)
