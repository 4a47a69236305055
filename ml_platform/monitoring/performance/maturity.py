"""The ledger of labels: which cohorts of predictions are old enough for their labels to count.

Labels that come early differ from those that come late (who accepts does so at once, who ignores is known to after
weeks), so a cohort counts as a whole and only once it is mature.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.monitoring.performance.delays import DelayDistribution, delay_distribution
from ml_platform.monitoring.performance.parts import Cohort, LabelMaturity, MaturityBasis
from ml_platform.spec.monitoring_policy import MonitoringPolicy
from ml_platform.spec.training_set import TIME

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = "outcome"
KNOWN_AT = "known_at"
DAY = timedelta(days=1)
SHORT_COHORT = timedelta(hours=6)
_SHORT_UP_TO = timedelta(days=2)
"""Ages of maturity below it are counted in cohorts of six hours, so that less than a day is left out."""
_FEWEST_EXPECTED = 10
"""Labels that a cohort must be expected to have before it is said that they have stayed away."""


def horizon(declared: timedelta | None, policy: MonitoringPolicy) -> timedelta:
    """How far back predictions are read: the declared delay, and two windows of cohorts that are mature."""
    return (declared or timedelta(0)) + 2 * policy.window


def label_maturity(
    predictions: "pd.DataFrame",
    end: datetime,
    declared: timedelta | None,
    policy: MonitoringPolicy,
) -> LabelMaturity:
    """Count the labels of each cohort, and find the latest window of mature ones.

    The age of maturity is ``declared``, or the age by which the policy's ``mature_share`` of the labels is seen to
    have come, where that is later. Predictions of a mature cohort are ``silent`` where at least ten labels are
    expected of it, by the share of all mature cohorts, and fewer than the policy's ``silent_share`` of these came.

    Args:
        predictions: One version's, with ``occurred_at``, ``outcome`` (missing until known) and ``known_at``, none
            of them at or after ``end``; as far back as `horizon`.
        end: The end of the report's window; cohorts are counted back from it.
        declared: How long a label takes by its definition; ``None`` where nobody says.
        policy: The window, and the two shares.
    """
    age_hours = (end - predictions[TIME]).dt.total_seconds().to_numpy(dtype=np.float64) / 3600
    labelled = predictions[OUTCOME].notna().to_numpy(dtype=bool)
    delays = delay_distribution(_delays(predictions)[labelled], age_hours[labelled])
    basis, mature_age = _age(declared, delays, policy)
    length = SHORT_COHORT if mature_age is not None and mature_age < _SHORT_UP_TO else DAY
    number = np.maximum(np.ceil(age_hours / _hours(length)) - 1, 0).astype(np.int64)
    first_mature = None if mature_age is None else -(-mature_age // length)
    cohorts = _cohorts(number, labelled, end, length, first_mature)
    window = _window(cohorts, end, length, first_mature, policy.window)
    counted = [each for each in cohorts if window and window[0] <= each.start < window[1]]
    return LabelMaturity(
        basis=basis,
        age_hours=None if mature_age is None else _hours(mature_age),
        declared_hours=None if declared is None else _hours(declared),
        delay_p50_hours=delays.quantile(0.5) if delays else None,
        delay_p90_hours=delays.quantile(0.9) if delays else None,
        cohort_hours=_hours(length),
        window_start=window[0] if window else None,
        window_end=window[1] if window else None,
        predictions=sum(each.predictions for each in counted),
        labelled=sum(each.labelled for each in counted),
        silent=sum(each.predictions for each in counted if _silent(each, cohorts, policy)),
        cohorts=cohorts,
    )


def of_window(predictions: "pd.DataFrame", maturity: LabelMaturity) -> "pd.DataFrame":
    """The predictions of the latest window of mature cohorts; none where there is no such window."""
    if maturity.window_start is None or maturity.window_end is None:
        return predictions.iloc[:0]
    times = predictions[TIME]
    return predictions[(times >= maturity.window_start) & (times < maturity.window_end)]


def _age(
    declared: timedelta | None, delays: DelayDistribution | None, policy: MonitoringPolicy
) -> tuple[MaturityBasis, timedelta | None]:
    observed = timedelta(hours=delays.quantile(policy.mature_share)) if delays else None
    if observed is not None and (declared is None or observed > declared):
        return MaturityBasis.OBSERVED, observed
    if declared is None:
        return MaturityBasis.UNKNOWN, None
    return MaturityBasis.DECLARED, declared


def _delays(predictions: "pd.DataFrame") -> Array:
    """Hours from row to label, NaN without one; a label known before its row is one of no delay."""
    seconds = (predictions[KNOWN_AT] - predictions[TIME]).dt.total_seconds()
    delays: Array = np.maximum(seconds.to_numpy(dtype=np.float64) / 3600, 0.0)
    return delays


def _cohorts(
    number: Codes, labelled: "np.ndarray", end: datetime, length: timedelta, mature: int | None
) -> tuple[Cohort, ...]:
    if not number.size:
        return ()
    predictions = np.bincount(number)
    with_label = np.bincount(number[labelled], minlength=len(predictions))
    return tuple(
        Cohort(
            start=end - (place + 1) * length,
            predictions=int(predictions[place]),
            labelled=int(with_label[place]),
            mature=mature is not None and place >= mature,
        )
        for place in reversed(range(len(predictions)))
    )


def _window(
    cohorts: tuple[Cohort, ...],
    end: datetime,
    length: timedelta,
    first_mature: int | None,
    window: timedelta,
) -> tuple[datetime, datetime] | None:
    """The window of cohorts that ends with the youngest mature one; it starts later where predictions do."""
    if first_mature is None or not any(each.mature and each.predictions for each in cohorts):
        return None
    last = end - first_mature * length
    return max(last - window, cohorts[0].start), last


def _silent(cohort: Cohort, cohorts: tuple[Cohort, ...], policy: MonitoringPolicy) -> bool:
    mature = [each for each in cohorts if each.mature]
    usual = sum(each.labelled for each in mature) / sum(each.predictions for each in mature)
    expected = usual * cohort.predictions
    return expected >= _FEWEST_EXPECTED and cohort.labelled < policy.silent_share * expected


def _hours(length: timedelta) -> float:
    return length.total_seconds() / 3600
