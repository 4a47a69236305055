"""The decision that follows from a monitoring report: the first matching row of a table."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ml_platform.decision_table import DecisionTable, Row, always
from ml_platform.monitoring.causes.parts import LikelyCause, Suggestion
from ml_platform.monitoring.report import MonitoringReport, Performance, Severity


class Action(StrEnum):
    """The action that follows from a report."""

    RETRAIN_URGENT = "retrain_urgent"
    RETRAIN = "retrain"
    INVESTIGATE = "investigate"
    MONITOR = "monitor"
    NO_ACTION = "no_action"


class Confidence(StrEnum):
    """HIGH: drift and performance are both known; MEDIUM: performance is not; LOW: drift is not.

    One step lower where an estimate shows a loss that no label confirms yet.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class RetrainingSignals:
    """The signals on which the decision rests."""

    drift: Severity
    performance: Performance
    window: tuple[datetime, datetime]
    features: tuple[str, ...] = ()
    """Features that moved, the gravest first."""
    causes: tuple[str, ...] = ()
    loss_suspected: bool = False
    """Performance is estimated to have fallen, and the estimates of this version are not known to be wrong."""
    likely_causes: tuple[LikelyCause, ...] = ()
    suggestion: Suggestion | None = None


@dataclass(frozen=True)
class RetrainingDecision:
    """The action, the row of the table that fired, and the signals behind it."""

    action: Action
    row: str
    confidence: Confidence
    window: tuple[datetime, datetime]
    features: tuple[str, ...]
    causes: tuple[str, ...]
    """What has moved, in words."""
    likely_causes: tuple[LikelyCause, ...] = ()
    """What most likely explains that, the likeliest first; no row of the table looks at it."""
    suggestion: Suggestion | None = None
    """What a retraining would be made of, whether or not the action is one."""


RETRAINING_TABLE: DecisionTable[RetrainingSignals, Action] = DecisionTable(
    (
        Row(
            "performance alert",
            lambda s: s.performance is Performance.ALERT,
            Action.RETRAIN_URGENT,
        ),
        Row(
            "significant drift, performance warning",
            lambda s: s.drift is Severity.SIGNIFICANT and s.performance is Performance.WARN,
            Action.RETRAIN_URGENT,
        ),
        Row(
            "moderate drift, performance warning",
            lambda s: s.drift is Severity.MODERATE and s.performance is Performance.WARN,
            Action.RETRAIN,
        ),
        Row(
            "no drift, performance warning",
            lambda s: s.performance is Performance.WARN,
            Action.INVESTIGATE,
        ),
        Row("significant drift", lambda s: s.drift is Severity.SIGNIFICANT, Action.INVESTIGATE),
        Row("moderate drift", lambda s: s.drift is Severity.MODERATE, Action.MONITOR),
        Row("nothing moved", always, Action.NO_ACTION),
    )
)

NO_LABELS = "performance is unknown: too few outcomes have matured"
_ONE_STEP_LOWER = {
    Confidence.HIGH: Confidence.MEDIUM,
    Confidence.MEDIUM: Confidence.LOW,
    Confidence.LOW: Confidence.LOW,
}
TOO_FEW = "drift is unknown: too few rows or sessions, so none is assumed"


def decide(signals: RetrainingSignals) -> RetrainingDecision:
    """First matching row of `RETRAINING_TABLE`; total, since the last row takes what is left.

    Unknown performance takes the rows of OK and insufficient drift those of no drift, each with lower
    confidence, and the causes say so. A suspected loss fires no row: it lowers confidence by one step where
    realised performance shows none.
    """
    row = RETRAINING_TABLE.first_match(signals)
    unknown = signals.performance is Performance.UNKNOWN
    drift_unknown = signals.drift is Severity.INSUFFICIENT
    limitations = (*((NO_LABELS,) if unknown else ()), *((TOO_FEW,) if drift_unknown else ()))
    confidence = (
        Confidence.LOW if drift_unknown else Confidence.MEDIUM if unknown else Confidence.HIGH
    )
    if signals.loss_suspected and signals.performance in (Performance.OK, Performance.UNKNOWN):
        confidence = _ONE_STEP_LOWER[confidence]
    return RetrainingDecision(
        action=row.outcome,
        row=row.name,
        confidence=confidence,
        window=signals.window,
        features=signals.features,
        causes=(*(cause for cause in signals.causes if cause not in limitations), *limitations),
        likely_causes=signals.likely_causes,
        suggestion=signals.suggestion,
    )


def signals_of(report: MonitoringReport) -> RetrainingSignals:
    """The signals of a report, fresh or stored, on which the decision rests."""
    moved = (Severity.SIGNIFICANT, Severity.MODERATE)
    return RetrainingSignals(
        drift=report.drift,
        performance=report.performance.level,
        window=(report.window_start, report.window_end),
        features=tuple(
            entry.name
            for entry in (*report.features, *report.predictions)
            if entry.severity in moved
        ),
        causes=report.causes,
        loss_suspected=report.loss_suspected,
        likely_causes=report.likely_causes,
        suggestion=report.suggestion,
    )


def decided(report: MonitoringReport) -> MonitoringReport:
    """The report with its decision filled in; of a decided report the same report again."""
    decision = decide(signals_of(report))
    return replace(
        report,
        action=decision.action.value,
        decision_row=decision.row,
        confidence=decision.confidence.value,
        causes=decision.causes,
    )
