"""Estimates that were kept, against the labels that came later: the estimator is monitored itself.

A change of the concept (the same features and scores come to mean something else) is not seen by an estimate from
confidence. It is seen here, once labels have matured, and estimates are then said not to be trusted.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.tasks.adapter import Gain
from ml_platform.monitoring.performance.maturity import OUTCOME
from ml_platform.monitoring.performance.parts import (
    CohortEstimate,
    EstimatedPerformance,
    LabelMaturity,
    ReconciledCohort,
    Reconciliation,
    Trust,
    prediction_interval,
)
from ml_platform.monitoring.performance.realised import labelled_predictions
from ml_platform.spec.training_set import TIME

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_LABELS = 30
"""Cohorts with fewer labels are left out: their mean is not near to normal."""
LEVEL = 0.01
"""The p-value below which estimates are not trusted any more."""
_Z_LEVEL = 2.575829
"""The normal quantile of a 99 % interval."""


def reconcile(
    estimates: Iterable[EstimatedPerformance],
    predictions: "pd.DataFrame",
    maturity: LabelMaturity,
    end: datetime,
    gain: Gain,
) -> Reconciliation:
    """Compare the first estimate of each mature cohort with the labels that have come.

    Estimates are not trusted where the mean error over all cohorts lies outside its 99 % interval (they are off in
    one direction), or where the errors scatter more than their intervals allow, at 1 % (they are off in turns).

    Args:
        estimates: Of the same version, from earlier reports, the oldest first.
        predictions: The version's, with outcomes, as far back as the ledger of labels looks.
        maturity: The ledger of labels; cohorts of other lengths or starts than its own are left out.
        end: The end of the report's window.
        gain: What a labelled prediction adds to the mean of the metric.
    """
    kept = _first_of_each(estimates, maturity, end)
    pairs = list(_pairs(kept, predictions, gain))
    cohorts = tuple(cohort for cohort, _, _ in pairs)
    if not pairs:
        return Reconciliation(Trust.UNPROVEN, (), None, None, "")
    labels = np.array([cohort.rows for cohort in cohorts], dtype=np.float64)
    errors = np.array([cohort.realised - cohort.estimate for cohort in cohorts])
    sampling = np.array([sampling for _, sampling, _ in pairs])
    calibration = max(calibration for _, _, calibration in pairs)
    weights = labels / labels.sum()
    error = float(weights @ errors)
    allowed = _Z_LEVEL * float(np.hypot(np.sqrt(weights**2 @ sampling**2), calibration))
    reason = _against(cohorts, error, allowed, _scatter_p_value(errors, sampling))
    trust = Trust.UNTRUSTED if reason else Trust.TRUSTED
    return Reconciliation(trust, cohorts, error, allowed, reason)


def _first_of_each(
    estimates: Iterable[EstimatedPerformance], maturity: LabelMaturity, end: datetime
) -> list[CohortEstimate]:
    """The earliest estimate of each mature cohort of the ledger, in order of time."""
    if maturity.age is None:
        return []
    length, mature_until = timedelta(hours=maturity.cohort_hours), end - maturity.age
    first: dict[datetime, CohortEstimate] = {}
    for estimate in estimates:
        for cohort in estimate.cohorts:
            whole = cohort.end - cohort.start == length and (
                end - cohort.end
            ) % length == timedelta(0)
            if whole and cohort.end <= mature_until:
                first.setdefault(cohort.start, cohort)
    return [first[start] for start in sorted(first)]


def _pairs(
    kept: list[CohortEstimate], predictions: "pd.DataFrame", gain: Gain
) -> Iterator[tuple[ReconciledCohort, float, float]]:
    """Each cohort with enough labels, and both standard errors of its estimate for that number of labels."""
    for cohort in kept:
        times = predictions[TIME]
        rows = predictions[(times >= cohort.start) & (times < cohort.end)]
        labelled = rows[rows[OUTCOME].notna()]
        if len(labelled) < MINIMUM_LABELS:
            continue
        sampling = cohort.sampling_error * float(np.sqrt(max(cohort.rows / len(labelled), 1.0)))
        expected = prediction_interval(cohort.value, sampling, cohort.calibration_error)
        reconciled = ReconciledCohort(
            start=cohort.start,
            rows=len(labelled),
            estimate=cohort.value,
            low=expected.low,
            high=expected.high,
            realised=float(gain(labelled_predictions(labelled)).mean()),
        )
        yield reconciled, sampling, cohort.calibration_error


def _scatter_p_value(errors: Array, sampling: Array) -> float:
    """How likely errors scatter so much around their own mean by chance; 1 for a single cohort."""
    from scipy.special import chdtrc

    if len(errors) < 2 or sampling.min() <= 0.0:
        return 1.0
    weights = 1.0 / sampling**2
    around = errors - weights @ errors / weights.sum()
    return float(chdtrc(len(errors) - 1, weights @ around**2))


def _against(
    cohorts: tuple[ReconciledCohort, ...], error: float, allowed: float, scatter: float
) -> str:
    covered = sum(cohort.covered for cohort in cohorts)
    if abs(error) > allowed:
        side = "below" if error < 0 else "above"
        return (
            f"the metric came out {abs(error):.3f} {side} what was estimated ({allowed:.3f} is chance), "
            f"{covered} of {len(cohorts)} cohorts lie in their interval"
        )
    if scatter < LEVEL:
        return (
            f"the metric scatters around its estimates more than chance does (p {scatter:.2g}), "
            f"{covered} of {len(cohorts)} cohorts lie in their interval"
        )
    return ""
