"""What a report adds once features are compared: faults of values, joint shift, slices, the kind of shift."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_platform.monitoring.baseline import Baseline, FeatureBaseline
from ml_platform.monitoring.findings import ShiftReading
from ml_platform.monitoring.joint import joint_shift
from ml_platform.monitoring.report import Light, MonitoringReport, Severity
from ml_platform.monitoring.shift_kind import Confusions, shift_reading
from ml_platform.monitoring.slices import slice_drifts
from ml_platform.monitoring.value_faults import value_faults
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy
from ml_platform.spec.training_set import TIME

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = timedelta(weeks=8)
"""The newest part of the baseline's rows that is looked at again: a report stays bounded, whatever the history."""
_MOVED = (Severity.SIGNIFICANT, Severity.MODERATE)


@dataclass(frozen=True)
class Reference:
    """The newest rows of the baseline, with what is known of them and of their users."""

    rows: "pd.DataFrame"
    """``occurred_at``, ``cluster_id``, ``user_id`` and the features."""
    label: str = ""
    """The column of ``rows`` that holds the class; empty where labels are no classes."""
    users: "pd.DataFrame | None" = None
    """``user_id``, ``team``, ``region`` and ``tenure_days``, as far as the source has them."""
    confusions: Confusions | None = None
    share: float = 1.0
    """The share of the rows that ``rows`` are, in (0, 1], where only those of some clusters were read."""


def examined(
    report: MonitoringReport,
    baseline: Baseline,
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    reference: Reference,
    policy: MonitoringPolicy = POLICY,
) -> MonitoringReport:
    """Return the report with what the rows show beside distances of single features.

    A joint shift, or a feature that has moved in one slice alone, makes a green report yellow and is among its
    causes; it fires no row of the decision table and opens no incident. Where the features were not compared (the
    window begins before the end of the baseline) nothing is looked at.
    """
    if not compared(report, baseline):
        return report
    start, until = report.period
    watched = baseline.watched
    rows = rows[(rows[TIME] >= start) & (rows[TIME] < until)]
    known = _filled(watched, reference, baseline)
    faults = value_faults(watched, rows, policy)
    joint = joint_shift(watched, known, rows, baseline.reference_end, policy)
    slices = slice_drifts(watched, known, rows, reference.users, policy)
    moved = bool(slices) or joint.reported
    shift = None
    if report.drift in _MOVED:
        within = (predictions[TIME] >= start) & (predictions[TIME] < until)
        shift = _shift(watched, known, rows, predictions[within], reference)
    words = (
        *(fault.words for fault in faults[: policy.top]),
        *((joint.cause,) if joint.reported else ()),
        *(drift.cause for drift in slices[: policy.top]),
        *((shift.words,) if shift else ()),
    )
    return replace(
        report,
        light=Light.YELLOW if moved and report.light is Light.GREEN else report.light,
        causes=(*report.causes, *words),
        value_faults=faults,
        joint_shift=joint,
        slices=slices,
        shift=shift,
    )


def compared(report: MonitoringReport, baseline: Baseline) -> bool:
    """Whether the rows of the report begin after the baseline ends, so that features were compared at all."""
    return baseline.reference_end <= report.period[0]


def _filled(
    features: Sequence[FeatureBaseline], reference: Reference, baseline: Baseline
) -> "pd.DataFrame":
    """Return the newest rows of the baseline, as many as every feature was measured on, in order of time.

    The baseline of a feature that looks back far has fewer weeks: in earlier ones it is not filled.
    """
    rows = reference.rows
    within = (rows[TIME] >= baseline.reference_start) & (rows[TIME] < baseline.reference_end)
    filled = min((entry.total for entry in features), default=baseline.rows)
    return rows[within].sort_values(TIME, kind="stable").tail(round(filled * reference.share))


def _shift(
    features: Sequence[FeatureBaseline],
    known: "pd.DataFrame",
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    reference: Reference,
) -> ShiftReading | None:
    if reference.confusions is None or reference.label not in known:
        return None
    return shift_reading(
        features, known, known[reference.label], rows, predictions, reference.confusions
    )
