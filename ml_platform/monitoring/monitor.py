"""The monitoring report: one window of one version against its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.errors import UsageError
from ml_platform.evaluation.tasks.adapter import Gain, WhatIf
from ml_platform.evaluation.tasks.classification import came_true
from ml_platform.monitoring.baseline import Baseline, FeatureBaseline, clusters_by_column
from ml_platform.monitoring.cells import CountedWindow
from ml_platform.monitoring.columns import require
from ml_platform.monitoring.compare import (
    assign_severities,
    compare,
    not_compared,
    overall,
    rank,
)
from ml_platform.monitoring.explanations import Explained, check_explanations
from ml_platform.monitoring.performance.estimate import estimated_performance
from ml_platform.monitoring.performance.maturity import KNOWN_AT, OUTCOME, label_maturity
from ml_platform.monitoring.performance.parts import (
    EstimatedPerformance,
    Reconciliation,
    Trust,
)
from ml_platform.monitoring.performance.realised import realised_performance
from ml_platform.monitoring.performance.reconciliation import reconcile
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
from ml_platform.monitoring.shapes import Shape
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy
from ml_platform.spec.training_set import CLUSTER, TIME

if TYPE_CHECKING:
    import pandas as pd

AS_PREDICTED = WhatIf()
"""The outcomes of tasks that predict a class."""


MOST_SHAPES = 12
"""The features and predictions whose distributions a report keeps."""


@dataclass(frozen=True)
class _Drift:
    """Drift of the features, the gravest first, and of the predictions, with the change of each in words."""

    severity: Severity
    features: tuple[FeatureDrift, ...]
    predictions: tuple[FeatureDrift, ...]
    words: dict[str, str]
    distributions: dict[str, Shape | None]
    not_compared: str
    """The parts of the baseline that end within the window, in words; empty where none does."""

    def causes(self, most: int) -> tuple[str, ...]:
        """The changes with a moderate or significant severity in words, the ``most`` gravest of them."""
        return tuple(self.words[name] for name in self._moved()[:most])

    def shapes(self) -> tuple[Shape, ...]:
        """The distributions of the gravest changes, at most `MOST_SHAPES`."""
        shapes = (self.distributions[name] for name in self._moved()[:MOST_SHAPES])
        return tuple(shape for shape in shapes if shape is not None)

    def _moved(self) -> list[str]:
        """The names of what has moved, the gravest first."""
        return [
            entry.name
            for entry in sorted((*self.features, *self.predictions), key=rank)
            if entry.severity in (Severity.SIGNIFICANT, Severity.MODERATE)
        ]


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
    label_delay: timedelta | None = None,
    complete_after: timedelta = timedelta(0),
    what_if: WhatIf = AS_PREDICTED,
    earlier: Sequence[EstimatedPerformance] = (),
    counted: CountedWindow | None = None,
) -> MonitoringReport:
    """Drift of features and predictions, and performance, of the rows in ``[window_start, window_end)``.

    ``rows`` has ``occurred_at``, ``cluster_id`` and the baseline's features; ``predictions`` has
    ``occurred_at``, ``cluster_id``, ``predicted``, ``confidence``, ``outcome`` and ``known_at`` (both missing until
    it is known), as far back as `ml_platform.monitoring.performance.maturity.horizon`: performance is that of the
    latest window whose labels are mature, ``label_delay`` after it or, where that is ``None``, when labels are
    seen to have come. Other rows outside the window are left out. ``gain`` is what each prediction with a label
    adds to the mean of the policy's metric. ``explained`` is the version with the stored baseline of its
    explanations, if any. ``what_if`` says how outcomes read with which the metric is estimated; ``earlier`` are
    the estimates of this version's earlier reports, the oldest first, which are held against the labels.
    Younger than ``complete_after`` a row may still be missing or change: where it is not zero, drift is that of
    the rows so much earlier. What the baseline was made of is never compared with it: a window that begins
    before the end of the baseline has INSUFFICIENT drift, and the causes say that there is none after it yet.
    Where the compared rows are too many to be loaded, ``counted`` has the drift of all of them, and ``rows`` are
    those of some clusters, for all else.
    ``action``, ``decision_row`` and ``confidence`` stay empty: `ml_platform.retraining.decide` decides from the
    report.

    Raises:
        UsageError: the window ends before it starts, or the baseline is of another model.
        IntegrityError: a column is missing.
    """
    _valid(baseline, model, window_start, window_end)
    require(rows, (TIME, CLUSTER), "feature rows")
    require(predictions, (TIME, CLUSTER, OUTCOME, KNOWN_AT), "predictions")
    compared = (window_start - complete_after, window_end - complete_after)
    rows = _within(rows, *compared)
    history = predictions[predictions[TIME] < window_end]
    drift = _drift(baseline, rows, _within(history, *compared), compared[0], policy, counted)
    maturity = label_maturity(history, window_end, label_delay, policy)
    evaluated = baseline.performance.get(policy.metric)
    performance = realised_performance(evaluated, history, maturity, policy, gain)
    estimate = estimated_performance(
        baseline.estimator,
        evaluated,
        _within(history, window_start, window_end),
        window_end,
        timedelta(hours=maturity.cohort_hours),
        policy=policy,
        gain=gain,
        what_if=what_if,
    )
    reconciliation = reconcile(earlier, history, maturity, window_end, gain)
    explanations = check_explanations(explained, rows, seed=policy.seed) if explained else None
    reasons_changed = explanations is not None and explanations.reported
    return MonitoringReport(
        model=model,
        version=version,
        source=source,
        simulated=simulated,
        window_start=window_start,
        window_end=window_end,
        rows=counted.rows if counted else len(rows),
        clusters=counted.clusters[CLUSTER] if counted else int(rows[CLUSTER].nunique()),
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
        causes=(
            *_causes(drift, performance, explanations, policy),
            *_estimate_causes(estimate, reconciliation, performance),
        ),
        policy_version=policy.version,
        explanations=explanations,
        maturity=maturity,
        rows_until=compared[1],
        estimate=estimate,
        reconciliation=reconciliation,
        shapes=drift.shapes(),
        rows_loaded=len(rows) if counted else None,
    )


def _estimate_causes(
    estimate: EstimatedPerformance,
    reconciliation: Reconciliation,
    performance: PerformanceCheck,
) -> tuple[str, ...]:
    """What estimates add in words; a loss that is estimated lowers the confidence of the decision, no more."""
    if reconciliation.trust is Trust.UNTRUSTED:
        return (f"estimates of {estimate.metric} are not to be trusted: {reconciliation.reason}",)
    if not estimate.suspected or estimate.relative_loss is None:
        return ()
    return (
        f"{estimate.metric} is estimated at {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] "
        f"while labels mature, a relative loss of {estimate.relative_loss:.1%} to {performance.baseline:.3f}: "
        "no label confirms it yet",
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


def _within(frame: "pd.DataFrame", start: datetime, end: datetime) -> "pd.DataFrame":
    return frame[(frame[TIME] >= start) & (frame[TIME] < end)]


def _drift(
    baseline: Baseline,
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    start: datetime,
    policy: MonitoringPolicy,
    counted: CountedWindow | None,
) -> _Drift:
    """Compare the rows from ``start`` on with the parts of the baseline that end before.

    Predictions whose baseline ends later are INSUFFICIENT each; they do not make a drift of few features unknown.
    """
    watched = baseline.watched
    require(
        rows, [*{entry.cluster for entry in watched}, *(e.name for e in watched)], "feature rows"
    )
    if baseline.reference_end <= start:
        window = counted or _counted(watched, rows)
        comparisons = [
            compare(
                entry,
                window.shares[entry.name],
                clusters=window.clusters[entry.cluster],
                policy=policy,
            )
            for entry in watched
        ]
    else:
        comparisons = [not_compared(entry) for entry in watched]
    until = baseline.predictions_until
    predicted = until is not None and until <= start
    comparisons.extend(
        compare_predictions(baseline, predictions, policy)
        if predicted
        else (not_compared(entry) for entry in baseline.predictions)
    )
    entries = assign_severities(comparisons, policy)
    return _Drift(
        severity=overall(entries if predicted else entries[: len(watched)], policy),
        features=tuple(sorted(entries[: len(watched)], key=rank)),
        predictions=entries[len(watched) :],
        words={entry.drift.name: entry.words for entry in comparisons},
        distributions={entry.drift.name: entry.shape for entry in comparisons},
        not_compared=_not_compared(baseline, start),
    )


def _counted(features: Sequence[FeatureBaseline], rows: "pd.DataFrame") -> CountedWindow:
    clusters = clusters_by_column(rows, features)
    counts = {column: int(codes.max(initial=-1)) + 1 for column, codes in clusters.items()}
    shares = {entry.name: entry.measure(rows, clusters[entry.cluster]) for entry in features}
    return CountedWindow(len(rows), counts, shares)


def _not_compared(baseline: Baseline, start: datetime) -> str:
    """Which parts of the baseline end after ``start``, in words; empty where all do before."""
    ends = [("", baseline.reference_end)]
    if baseline.predictions and baseline.predictions_until is not None:
        ends.append((" of the predictions", baseline.predictions_until))
    late = [f"baseline{what} ({end:%Y-%m-%dT%H:%MZ})" for what, end in ends if end > start]
    if not late:
        return ""
    return (
        f"no window after the {' and the '.join(late)} yet: the rows of this one begin at "
        f"{start:%Y-%m-%dT%H:%MZ}, and nothing is compared with rows that its baseline was made of"
    )


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
    if performance.reason:
        causes.append(f"{performance.metric} is not known: {performance.reason}")
    if drift.not_compared:
        causes.append(drift.not_compared)
    elif drift.severity is Severity.INSUFFICIENT:
        causes.append(
            f"fewer than {policy.minimum_rows} rows or {policy.minimum_clusters} clusters, or quiet weeks differ "
            "too much for a shift to stand out"
        )
    return tuple(causes)
