"""The monitoring report of one model and one window: a frozen value that can be replayed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ml_platform.monitoring.causes.parts import LikelyCause, Suggestion
from ml_platform.monitoring.findings import (
    ChangedWindow,
    JointShift,
    ShiftReading,
    SliceDrift,
    ValueFault,
)
from ml_platform.monitoring.performance.parts import (
    EstimatedPerformance,
    LabelMaturity,
    Reconciliation,
    Trust,
)
from ml_platform.monitoring.shapes import Shape


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
    jensen_shannon: float | None = None
    """Jensen-Shannon distance of the binned distributions, in [0, 1]; not corrected for sample size, it decides
    nothing. ``None`` where there is nothing to compare, and in reports of earlier releases."""


@dataclass(frozen=True)
class PerformanceCheck:
    """The metric over the latest window of mature cohorts, against the baseline: it alone sets the level."""

    level: Performance
    metric: str
    baseline: float
    current: float | None
    low: float | None
    high: float | None
    relative_loss: float | None
    rows: int
    """Predictions of the window that have a label."""
    matured: float
    """Their share of the window's predictions, in [0, 1]."""
    window_start: datetime | None = None
    """The first moment of the window of mature cohorts; ``None`` without one, and in reports of earlier releases,
    whose performance is that of the report's own window."""
    window_end: datetime | None = None
    reason: str = ""
    """The reason why the level is UNKNOWN; empty otherwise."""


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
    maturity: LabelMaturity | None = None
    """The ledger of labels; ``None`` in reports of earlier releases, as are those below."""
    rows_until: datetime | None = None
    """The end of the rows whose drift this is, as long as the window: before the window's end where younger rows of
    the table may still be missing. ``None`` in reports of earlier releases: the window's end."""
    estimate: EstimatedPerformance | None = None
    """Performance of the window while its labels mature; it decides no level."""
    reconciliation: Reconciliation | None = None
    """Earlier estimates of this version, whose labels have matured by now, against the truth."""
    shapes: tuple[Shape, ...] = ()
    """The distributions then and now of what has moved, the gravest first."""
    likely_causes: tuple[LikelyCause, ...] = ()
    """What most likely explains the report, at most five, the likeliest first; empty where nothing has moved, and
    in reports of earlier releases."""
    suggestion: Suggestion | None = None
    """What a retraining would be made of; ``None`` where there is no likely cause."""
    value_faults: tuple[ValueFault, ...] = ()
    """Faults of single columns by name, the gravest first."""
    joint_shift: JointShift | None = None
    """Whether features go together otherwise; ``None`` in reports of earlier releases, as is the kind of shift."""
    slices: tuple[SliceDrift, ...] = ()
    """Features that have moved in one slice of the rows alone."""
    shift: ShiftReading | None = None
    """What kind of shift explains the drift; ``None`` too where nothing has moved or labels are no classes."""
    rows_loaded: int | None = None
    """The rows of whole clusters that stood for all of a window that is too large to be loaded, in everything but
    the drift of the features; ``None`` where they were all."""
    changed_windows: tuple[ChangedWindow, ...] = ()
    """The windows of the last seven days that were reported before and have other rows by now, the oldest first."""

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The first moment of the rows whose drift this is, and the end of them."""
        until = self.rows_until or self.window_end
        return until - (self.window_end - self.window_start), until

    @property
    def loss_suspected(self) -> bool:
        """Whether an estimate that is not known to be wrong shows a loss."""
        untrusted = self.reconciliation is not None and self.reconciliation.trust is Trust.UNTRUSTED
        return self.estimate is not None and self.estimate.suspected and not untrusted

    @property
    def reasons_changed(self) -> bool:
        """Whether predictions rest on other features now."""
        return self.explanations is not None and self.explanations.reported
