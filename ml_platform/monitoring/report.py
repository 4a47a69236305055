"""The monitoring report of one model and one window: a frozen value that can be replayed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How much a distribution has moved; INSUFFICIENT: too few rows or clusters to say."""

    NONE = "none"
    MODERATE = "moderate"
    SIGNIFICANT = "significant"
    INSUFFICIENT = "insufficient"


class Light(StrEnum):
    """The traffic light of a report: its severity in one word."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    INSUFFICIENT = "insufficient"


class Performance(StrEnum):
    """Relative loss against the baseline: OK <= 5 %, WARN 5-10 %, ALERT > 10 %; UNKNOWN without labels."""

    OK = "ok"
    WARN = "warn"
    ALERT = "alert"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class FeatureDrift:
    """One feature (or the predicted class, the confidence): sizes first, then evidence."""

    name: str
    test: str
    """'ks' or 'chi2'."""
    statistic: float
    p_value: float
    """The p-value with clusters as the unit."""
    adjusted_p_value: float
    """The p-value after false discovery control over all features of the report."""
    psi: float
    """The population stability index, corrected for sample size; it may be slightly negative without drift."""
    size: float
    """KS distance, or total variation distance, in [0, 1]."""
    missing_baseline: float
    missing_current: float
    missing_adjusted_p_value: float
    severity: Severity


@dataclass(frozen=True)
class PerformanceCheck:
    """The metric now against the baseline; ``matured`` is the share of predictions joined to an outcome."""

    level: Performance
    metric: str
    baseline: float
    current: float | None
    low: float | None
    high: float | None
    relative_loss: float | None
    rows: int
    matured: float


@dataclass(frozen=True)
class ReasonShare:
    """How much of all movement of the predictions one group of features makes, in [0, 1]."""

    group: str
    baseline: float
    current: float


@dataclass(frozen=True)
class ExplanationCheck:
    """Whether predictions rest on other features than when the version was evaluated."""

    reported: bool
    """The change is large, and chance does not explain it."""
    distance: float | None
    """Share of all movement that went over to other groups, in [0, 1]; ``None`` where nothing can be compared."""
    p_value: float | None
    """The p-value of the distance, with clusters as the unit."""
    shares: tuple[ReasonShare, ...]
    """The groups whose share grew most, at most five."""
    rows: int
    """Rows of the window that were sampled."""
    clusters: int
    reason: str
    """The reason why the two cannot be compared; empty otherwise."""

    @property
    def cause(self) -> str:
        """The change in words; empty where none is reported."""
        if not self.reported or self.distance is None or not self.shares:
            return ""
        foremost = self.shares[0]
        return (
            f"predictions rest on other features: {foremost.group} makes {foremost.current:.0%} of their movement, "
            f"at the evaluation {foremost.baseline:.0%} ({self.distance:.0%} went over, p {self.p_value:.3f})"
        )


@dataclass(frozen=True)
class MonitoringReport:
    """Trailing window ``[window_start, window_end)`` of one model against its version's baseline."""

    model: str
    version: str
    """Registered version, or ``rules@<hash>`` while there is no champion."""
    source: str
    simulated: bool
    window_start: datetime
    window_end: datetime
    rows: int
    clusters: int
    rows_baseline: int
    drift: Severity
    light: Light
    features: tuple[FeatureDrift, ...]
    """Every monitored feature, the largest first."""
    top: tuple[str, ...]
    predictions: tuple[FeatureDrift, ...]
    performance: PerformanceCheck
    action: str
    decision_row: str
    confidence: str
    causes: tuple[str, ...]
    policy_version: str
    explanations: ExplanationCheck | None = None
    """``None``: the version has no stored baseline of its explanations, as the rules have none."""

    @property
    def reasons_changed(self) -> bool:
        """Whether predictions rest on other features now."""
        return self.explanations is not None and self.explanations.reported
