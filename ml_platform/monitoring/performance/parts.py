"""The frozen values about performance that a monitoring report keeps."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import hypot

from ml_platform.evaluation.report_parts import Estimate

Z = 1.959964
"""The normal quantile of a 95 % interval."""


class MaturityBasis(StrEnum):
    """Where the age of maturity comes from."""

    DECLARED = "declared"
    """The definition of the model's label says how long a label takes."""
    OBSERVED = "observed"
    """Labels are seen to come later than declared, or nothing is declared."""
    UNKNOWN = "unknown"
    """Nothing is declared, and too few labels have come to tell."""


@dataclass(frozen=True)
class Cohort:
    """The predictions of rows that occurred in one stretch of time, and how many of them have a label by now."""

    start: datetime
    predictions: int
    labelled: int
    mature: bool
    """Its youngest row is as old as the age of maturity."""


@dataclass(frozen=True)
class LabelMaturity:
    """The ledger of labels: what has come of which cohort, how long labels take, and which cohorts count."""

    basis: MaturityBasis
    age_hours: float | None
    """The age from which a cohort counts; ``None`` where the basis is UNKNOWN."""
    declared_hours: float | None
    """How long a label takes by the definition of the model's label."""
    delay_p50_hours: float | None
    """Median delay of labels, corrected for those that have not come yet; ``None`` where too few have come."""
    delay_p90_hours: float | None
    cohort_hours: float
    """Length of a cohort, counted back from the end of the report's window."""
    window_start: datetime | None
    """First moment of the latest window of mature cohorts; ``None`` where no cohort with predictions is mature."""
    window_end: datetime | None
    predictions: int
    """Predictions in the window of mature cohorts."""
    labelled: int
    silent: int
    """Predictions in cohorts of that window whose labels have stayed away, see `maturity.label_maturity`."""
    cohorts: tuple[Cohort, ...]
    """Every cohort since the first prediction that was looked at, the oldest first."""

    @property
    def share(self) -> float:
        """Share of the predictions in the window of mature cohorts that have a label, in [0, 1]."""
        return self.labelled / self.predictions if self.predictions else 0.0

    @property
    def age(self) -> timedelta | None:
        """The age from which a cohort counts."""
        return None if self.age_hours is None else timedelta(hours=self.age_hours)


def prediction_interval(value: float, sampling_error: float, calibration_error: float) -> Estimate:
    """An estimated metric in [0, 1] and the 95 % interval of what will be realised, by two independent errors."""
    reach = Z * hypot(sampling_error, calibration_error)
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach))


@dataclass(frozen=True)
class CohortEstimate:
    """The estimated metric of the predictions of one stretch of time, kept to be compared with the truth."""

    start: datetime
    end: datetime
    rows: int
    value: float
    sampling_error: float
    """Standard error by chance of which predictions come true."""
    calibration_error: float
    """Standard error of the calibration, in common to all cohorts of a version."""

    @property
    def interval(self) -> Estimate:
        """The value with the 95 % interval of the metric that will be realised, if every row gets a label."""
        return prediction_interval(self.value, self.sampling_error, self.calibration_error)


@dataclass(frozen=True)
class EstimatedPerformance:
    """The metric of the report's window, estimated from calibrated confidence; it decides no level."""

    metric: str
    value: float | None = None
    """``None`` where nothing can be estimated."""
    low: float | None = None
    """Lower end of the 95 % interval of the metric that will be realised."""
    high: float | None = None
    sampling_error: float | None = None
    calibration_error: float | None = None
    relative_loss: float | None = None
    """Against the evaluation, as that of realised performance."""
    suspected: bool = False
    """The estimate, its interval included, is as low as a warning of realised performance would need."""
    rows: int = 0
    others: dict[str, Estimate] = field(default_factory=dict)
    """F1 and ROC AUC by name, where the score is the probability of one of two answers."""
    cohorts: tuple[CohortEstimate, ...] = ()
    """Each cohort of the window by itself, the oldest first."""
    reason: str = ""
    """The reason why nothing can be estimated; empty otherwise."""


class Trust(StrEnum):
    """Whether the estimates of a version were borne out by the labels that came later."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNPROVEN = "unproven"
    """No estimate that was kept has matured yet."""


@dataclass(frozen=True)
class ReconciledCohort:
    """An estimate that was kept, and what the labels said later."""

    start: datetime
    rows: int
    """Predictions with a label."""
    estimate: float
    low: float
    """Lower end of the 95 % interval of the metric over so many labels."""
    high: float
    realised: float

    @property
    def covered(self) -> bool:
        """Whether the realised metric lies in the interval of the estimate."""
        return self.low <= self.realised <= self.high


@dataclass(frozen=True)
class Reconciliation:
    """Stored estimates of mature cohorts against the truth."""

    trust: Trust
    cohorts: tuple[ReconciledCohort, ...]
    """The oldest first."""
    error: float | None
    """Realised less estimated, over all of them; ``None`` without one."""
    allowed: float | None
    """How large that may be by chance, at 99 %."""
    reason: str
    """What speaks against the estimates; empty where nothing does."""

    @property
    def covered(self) -> int:
        """The number of cohorts whose interval holds the realised metric."""
        return sum(each.covered for each in self.cohorts)


def duration_words(hours: float) -> str:
    """Hours as people say them: 'an hour', '30 hours', '2.5 days'."""
    if hours == 1:
        return "an hour"
    return f"{hours:.3g} hours" if hours < 48 else f"{hours / 24:.3g} days"
