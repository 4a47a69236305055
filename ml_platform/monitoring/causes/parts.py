"""Likely causes of what a monitoring report sees, and what a retraining would be made of: frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CauseKind(StrEnum):
    """The kinds of likely cause."""

    FEATURE = "feature"
    """Features that have moved, by how much predictions rest on them."""
    DEFINITION = "definition"
    """Features are computed otherwise than when the version was trained."""
    SOURCE = "source"
    """The data come from another source than those of the baseline."""
    UPSTREAM = "upstream"
    """A table of the lake that features are computed from brought nothing, or rows were refused."""
    PRODUCTION = "production"
    """Another version answers since some moment of the window."""


@dataclass(frozen=True)
class LikelyCause:
    """One likely cause."""

    kind: CauseKind
    names: tuple[str, ...]
    """The features, tables or versions that it is about."""
    weight: float
    """The share of all movement of the predictions that rests on what the cause touches, in [0, 1]; of features
    that have moved times the size of that, in [0, 1]. The causes of a report are in its descending order."""
    words: str


@dataclass(frozen=True)
class Suggestion:
    """The rows that a retraining would best be fitted to, and the features to look at first."""

    start: datetime
    end: datetime
    """The end of the newest rows whose labels are mature."""
    features: tuple[str, ...]
    """The features named by the likely causes, the most likely first."""
    changed_days: float
    """How many days of the report's rows the period holds; 0: no label of them is mature yet."""

    @property
    def words(self) -> str:
        """The suggestion in a sentence."""
        held = (
            f"which holds {self.changed_days:.1f} days of the rows that have moved"
            if self.changed_days
            else "which holds no row that has moved: their labels are not mature yet"
        )
        look = f"; look first at {', '.join(self.features[:5])}" if self.features else ""
        return f"a retraining would use {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}, {held}{look}"


@dataclass(frozen=True)
class PlatformChange:
    """A change of the platform that is known beside the report, which may explain what it sees."""

    kind: CauseKind
    names: tuple[str, ...]
    words: str
    features: tuple[str, ...] | None = None
    """The features that it touches; ``None``: all of them."""
