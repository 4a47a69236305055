"""The small frozen values that an evaluation report is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; clusters (sessions, commits) were resampled, not rows."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassRow:
    """One class on the test rows."""

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
    """ClassPredictions of like confidence: what was claimed and what came true."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ReportTable:
    """Figures of one task that are no metrics: shown as they are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
