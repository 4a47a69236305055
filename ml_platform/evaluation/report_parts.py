"""The small frozen values of which an evaluation report consists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, over resampled clusters (sessions, commits), not rows."""

    value: float
    low: float
    high: float

    def rounded(self) -> tuple[float, float, float]:
        """Return value, low and high with four digits after the point, as tables show them."""
        return round(self.value, 4), round(self.low, 4), round(self.high, 4)


@dataclass(frozen=True)
class ClassRow:
    """The metrics of one class on the test rows."""

    name: str
    support: int
    precision: float
    recall: float
    f1: float
    average_precision: float | None
    """``None`` where the class, or every other, is absent from the test rows."""
    roc_auc: float | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of similar confidence: their mean confidence, and the share of them that was correct."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ReportTable:
    """A table of figures of one task beside its metrics, which a report shows unchanged."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
