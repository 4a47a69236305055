"""The monitoring report: one window of one version against its baseline."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.errors import UsageError
from ml_platform.evaluation.tasks.adapter import Gain
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.monitoring.baseline import Baseline, FeatureBaseline, cluster_codes, require
from ml_platform.monitoring.compare import (
    FeatureComparison,
    assign_severities,
    compare,
    overall,
    rank,
)
from ml_platform.monitoring.explanations import Explained, check_explanations
from ml_platform.monitoring.performance import OUTCOME, check_performance
from ml_platform.monitoring.predictions import compare_predictions
from ml_platform.monitoring.report import (
    ExplanationCheck,
    FeatureDrift,
    Light,
    MonitoringReport,
    Performance,
    PerformanceCheck,
    Severity,
)
from ml_platform.monitoring.weeks import WEEK
from ml_platform.spec.feature import Comparison
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy
from ml_platform.spec.training_set import CLUSTER, TIME

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Drift:
    """Drift of the features, the gravest first, and of the predictions, with the change of each in words."""

    severity: Severity
    features: tuple[FeatureDrift, ...]
    predictions: tuple[FeatureDrift, ...]
    words: dict[str, str]

    def causes(self, most: int) -> tuple[str, ...]:
        """The changes with a moderate or significant severity in words, the ``most`` gravest of them."""
        entries = sorted((*self.features, *self.predictions), key=rank)
        moved = [
            entry
            for entry in entries
            if entry.severity in (Severity.SIGNIFICANT, Severity.MODERATE)
        ]
        return tuple(self.words[entry.name] for entry in moved[:most])


def monitor(
    baseline: Baseline,
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    *,
    model: str,
    version: str,
    source: str,
    simulated: bool,
    window_start: datetime,
    window_end: datetime,
    policy: MonitoringPolicy = POLICY,
    gain: Gain = came_true,
    explained: Explained | None = None,
) -> MonitoringReport:
    """Drift of features and predictions, and performance, of the rows in ``[window_start, window_end)``.

    ``rows`` has ``occurred_at``, ``cluster_id`` and the baseline's features; ``predictions`` has
    ``occurred_at``, ``cluster_id``, ``predicted``, ``confidence`` and ``outcome`` (missing until it is
    known). Rows outside the window are left out. ``gain`` is what each matured prediction adds to the mean of
    the policy's metric. ``explained`` is the version with the stored baseline of its explanations, if any.
    Calendar features are compared when window and baseline cover whole weeks. ``action``, ``decision_row`` and
    ``confidence`` stay empty: `ml_platform.retraining.decide` decides from the report.

    Raises:
        UsageError: the window ends before it starts, or the baseline is of another model.
        IntegrityError: a column is missing.
    """
    _valid(baseline, model, window_start, window_end)
    rows = _within(rows, window_start, window_end, "feature rows")
    predictions = _within(predictions, window_start, window_end, "predictions")
    drift = _drift(baseline, rows, predictions, window_end - window_start, policy)
    performance = check_performance(
        baseline.performance.get(policy.metric), predictions, policy, gain
    )
    explanations = check_explanations(explained, rows, seed=policy.seed) if explained else None
    reasons_changed = explanations is not None and explanations.reported
    return MonitoringReport(
        model=model,
        version=version,
        source=source,
        simulated=simulated,
        window_start=window_start,
        window_end=window_end,
        rows=len(rows),
        clusters=int(rows[CLUSTER].nunique()),
        rows_baseline=baseline.rows,
        drift=drift.severity,
        light=light(drift.severity, performance.level, reasons_changed=reasons_changed),
        features=drift.features,
        top=tuple(entry.name for entry in drift.features[: policy.top]),
        predictions=drift.predictions,
        performance=performance,
        action="",
        decision_row="",
        confidence="",
        causes=_causes(drift, performance, explanations, policy),
        policy_version=policy.version,
        explanations=explanations,
    )


def light(drift: Severity, performance: Performance, *, reasons_changed: bool = False) -> Light:
    """The light of a report: what is known to be bad comes before what is not known.

    RED is significant drift or an alert of performance; YELLOW moderate drift, a warning of performance, or
    predictions that rest on other features (``reasons_changed``).
    """
    if drift is Severity.SIGNIFICANT or performance is Performance.ALERT:
        return Light.RED
    if drift is Severity.MODERATE or performance is Performance.WARN or reasons_changed:
        return Light.YELLOW
    return Light.INSUFFICIENT if drift is Severity.INSUFFICIENT else Light.GREEN


def _valid(baseline: Baseline, model: str, start: datetime, end: datetime) -> None:
    if end <= start:
        raise UsageError(
            f"The window ends at {end.isoformat()}, not after its start {start.isoformat()}.",
            remedy="Give a start before the end; the default is the trailing seven days.",
        )
    if baseline.model != model:
        raise UsageError(
            f"The baseline is of {baseline.model}, the window of {model}.",
            remedy="Load the baseline of the model that is monitored.",
        )


def _within(frame: "pd.DataFrame", start: datetime, end: datetime, what: str) -> "pd.DataFrame":
    columns = (TIME, CLUSTER) if what == "feature rows" else (TIME, CLUSTER, OUTCOME)
    require(frame, columns, what)
    return frame[(frame[TIME] >= start) & (frame[TIME] < end)]


def _drift(
    baseline: Baseline,
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    window: timedelta,
    policy: MonitoringPolicy,
) -> _Drift:
    whole_weeks = window % WEEK == timedelta(0)
    watched = [entry for entry in baseline.features if _comparable(entry, baseline, whole_weeks)]
    require(rows, [entry.name for entry in watched], "feature rows")
    clusters = cluster_codes(rows)
    count = int(clusters.max()) + 1 if clusters.size else 0
    comparisons: list[FeatureComparison] = [
        compare(entry, entry.measure(rows, clusters), clusters=count, policy=policy)
        for entry in watched
    ]
    comparisons.extend(compare_predictions(baseline, predictions, policy))
    entries = assign_severities(comparisons, policy)
    return _Drift(
        severity=overall(entries, policy),
        features=tuple(sorted(entries[: len(watched)], key=rank)),
        predictions=entries[len(watched) :],
        words={entry.drift.name: entry.words for entry in comparisons},
    )


def _comparable(entry: FeatureBaseline, baseline: Baseline, whole_weeks: bool) -> bool:
    return entry.compare is not Comparison.SAME_SLOTS or (whole_weeks and baseline.weeks > 0)


def _causes(
    drift: _Drift,
    performance: PerformanceCheck,
    explanations: ExplanationCheck | None,
    policy: MonitoringPolicy,
) -> tuple[str, ...]:
    causes = list(drift.causes(policy.top))
    if explanations is not None and explanations.cause:
        causes.append(explanations.cause)
    if performance.level in (Performance.WARN, Performance.ALERT):
        causes.insert(
            0,
            f"{performance.metric} fell from {performance.baseline:.3f} to {performance.current:.3f}, "
            f"a relative loss of {performance.relative_loss:.1%} on {performance.rows} labelled rows",
        )
    if drift.severity is Severity.INSUFFICIENT:
        causes.append(
            f"fewer than {policy.minimum_rows} rows or {policy.minimum_clusters} clusters, or quiet weeks differ "
            "too much for a shift to stand out"
        )
    return tuple(causes)
