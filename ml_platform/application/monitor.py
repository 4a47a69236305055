"""The monitoring of one window of one model: its report, the decision, the incidents and the page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.adapters.manifest import Manifest
from ml_platform.application.connections import Connections
from ml_platform.application.explanations import explained_version
from ml_platform.application.incidents import follow_report
from ml_platform.application.monitoring_changes import changes_of
from ml_platform.application.monitoring_reference import reference_of
from ml_platform.application.monitoring_rows import (
    MOST_ROWS,
    changed_since,
    counted_rows,
    loaded_rows,
    with_source,
)
from ml_platform.application.notify import deliver, tell_incidents
from ml_platform.application.predict import require_answering
from ml_platform.application.retrain import hand_over_incidents
from ml_platform.application.summarise_monitoring import (
    MonitoringSummary,
    summarise_monitoring,
)
from ml_platform.clock import WINDOW, last_boundary
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.home import HomeState
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import CLUSTER

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.monitoring.baseline import Baseline
    from ml_platform.monitoring.explanations import Explained
    from ml_platform.monitoring.performance.parts import EstimatedPerformance
    from ml_platform.monitoring.report import MonitoringReport
    from ml_platform.spec.training_set import TrainingSetRecord


@dataclass(frozen=True)
class MonitoredWindow:
    """The report of a window, and what became of it."""

    report: "MonitoringReport"
    alert: str
    """The subjects of what people are told of incidents; 'none' where there is nothing new."""
    page: Path


def monitor_window(
    platform: Connections,
    spec: ModelSpec,
    end: datetime,
    progress: Callable[[str], None],
    *,
    version: str | None = None,
    with_drawing: bool = True,
) -> MonitoredWindow:
    """Monitor what answers now, or ``version``, over the window that trails back from ``end``; keep and draw it.

    Evidently's drawing takes as long as all else; without it there is the page alone.

    Raises:
        InsufficientData: the model has neither champion nor rules.
        IntegrityError: what answers has no baseline.
    """
    version = version or require_answering(platform, spec.name)
    report = monitoring_report(platform, spec, version, end)
    platform.ledger.save_monitoring_report(report)
    alert = tell_report(platform, report)
    page = draw(platform, spec, report, progress, with_drawing=with_drawing)
    progress(
        f"{report.light.value.upper()}: drift {report.drift.value}, "
        f"performance {report.performance.level.value}; decision {report.action}; alert: {alert}"
    )
    return MonitoredWindow(report, alert, page)


def require_window(state: HomeState, end: datetime) -> None:
    """Refuse a moment at which no window of this home ends.

    Raises:
        UsageError: ``end`` lies before the first window of the home or after its clock.
    """
    first = state.first_window + WINDOW
    last = last_boundary(datetime.now(UTC)) if state.advances else state.as_of
    if not first <= end <= last:
        raise UsageError(
            f"No window of this home ends at {end:%Y-%m-%dT%H:%MZ}: they end from "
            f"{first:%Y-%m-%dT%H:%MZ} to {last:%Y-%m-%dT%H:%MZ}.",
            remedy="name one of these six-hour boundaries",
        )


def summarise_window(
    platform: Connections, models: Iterable[ModelSpec], end: datetime
) -> dict[str, MonitoringSummary | None]:
    """The reports of the window that ends at ``end``, by model; ``None`` where nothing could answer."""
    summaries: dict[str, MonitoringSummary | None] = {}
    for spec in models:
        reports = platform.ledger.monitoring_reports(spec.name)
        report = next((report for report in reports if report.window_end == end), None)
        summaries[spec.name] = summarise_monitoring(report) if report else None
    return summaries


def monitoring_report(
    platform: Connections,
    spec: ModelSpec,
    version: str,
    end: datetime,
    most_rows: int = MOST_ROWS,
) -> "MonitoringReport":
    """The decided report on ``version`` over the window that trails back from ``end``.

    Of a window, or a baseline, of more than ``most_rows`` rows those of some clusters are loaded; the drift of the
    features is that of all.

    Raises:
        IntegrityError: the version has no baseline.
    """
    from ml_platform.evaluation.tasks.registry import adapter_of
    from ml_platform.monitoring.baseline import Baseline
    from ml_platform.monitoring.late_rows import recent_reports, with_changed_windows
    from ml_platform.monitoring.monitor import monitor
    from ml_platform.retraining.decide import decided
    from ml_platform.spec.monitoring_policy import POLICY

    stored = platform.ledger.baseline(spec.name, version)
    if stored is None:
        raise IntegrityError(
            f"There is no baseline of {spec.name} {version}.",
            remedy=f"materialise {spec.name}/registered_version again",
        )
    adapter = adapter_of(spec.task)
    start = end - POLICY.window
    complete_after = spec.table.complete_after
    within = (start - complete_after, end - complete_after)
    loaded = loaded_rows(platform, spec, *within, most_rows)
    baseline = _dated(platform, spec, version, values.from_json(Baseline, stored))
    explained = explained_version(platform, spec, version)
    predictions = _predictions(platform, spec, version, end)
    reports = _reports(platform, spec)
    report = monitor(
        baseline,
        loaded.rows,
        predictions,
        model=spec.name,
        version=version,
        source=platform.home.source.label,
        simulated=platform.source_is_simulated,
        window_start=start,
        window_end=end,
        policy=replace(POLICY, metric=spec.monitored_metric),
        gain=adapter.gains[spec.monitored_metric],
        explained=explained,
        label_delay=spec.label_delay,
        complete_after=complete_after,
        what_if=adapter.what_if,
        earlier=_estimates(reports, version, end),
        counted=counted_rows(platform, spec, baseline, *within) if loaded.share < 1.0 else None,
    )
    report = _examined(platform, spec, report, baseline, loaded.rows, predictions, most_rows)
    changed = changed_since(platform, spec, recent_reports(reports, end))
    report = with_changed_windows(report, changed)
    return decided(_with_causes(platform, spec, report, baseline, explained))


def _examined(
    platform: Connections,
    spec: ModelSpec,
    report: "MonitoringReport",
    baseline: "Baseline",
    rows: "pd.DataFrame",
    predictions: "pd.DataFrame",
    most_rows: int,
) -> "MonitoringReport":
    """The report with what shows beside single features; unchanged where the window was not compared."""
    from ml_platform.monitoring.examine import compared, examined

    if not compared(report, baseline):
        return report
    start = report.window_start - spec.table.complete_after
    rows = with_source(platform, spec, rows, start, report.window_end)
    reference = reference_of(platform, spec, report.version, baseline, most_rows)
    return examined(report, baseline, rows, predictions, reference)


def _with_causes(
    platform: Connections,
    spec: ModelSpec,
    report: "MonitoringReport",
    baseline: "Baseline",
    explained: "Explained | None",
) -> "MonitoringReport":
    from ml_platform.monitoring.causes.likely import importances_of, with_likely_causes

    trained = _training_set(platform, spec, report.version)
    return with_likely_causes(
        report,
        importances_of(explained, [entry.name for entry in report.features]),
        changes_of(platform, spec, trained, report.window_start, report.window_end),
        (baseline.reference_start, baseline.reference_end),
    )


def _dated(
    platform: Connections, spec: ModelSpec, version: str, baseline: "Baseline"
) -> "Baseline":
    """The baseline; one of an earlier release, which lacks the end of its predictions, with the latest possible."""
    if not baseline.predictions or baseline.predictions_until is not None:
        return baseline
    return replace(baseline, predictions_until=_training_set(platform, spec, version).as_of)


def _predictions(
    platform: Connections, spec: ModelSpec, version: str, end: datetime
) -> "pd.DataFrame":
    """The version's predictions before ``end`` as far back as labels are awaited, with outcomes known by then."""
    from ml_platform.adapters.training_set_files import read_key
    from ml_platform.monitoring.performance.maturity import horizon
    from ml_platform.prediction_log.join import known_at
    from ml_platform.spec.monitoring_policy import POLICY

    start = end - horizon(spec.label_delay, POLICY)
    logged = known_at(platform.ledger.predictions(spec.name, start, end, version), end)
    clusters = read_key(platform.published_features(spec.table.name), CLUSTER, start, end)
    return logged.rename(columns={"prediction": "predicted", "label": "outcome"}).assign(
        **{CLUSTER: logged["row_id"].map(clusters).to_numpy()}
    )


def _reports(platform: Connections, spec: ModelSpec) -> "tuple[MonitoringReport, ...]":
    """The newest reports of the model as far back as labels are awaited, the newest first."""
    from ml_platform.monitoring.performance.maturity import horizon
    from ml_platform.spec.monitoring_policy import POLICY

    windows = horizon(spec.label_delay, POLICY) // WINDOW
    return platform.ledger.monitoring_reports(spec.name, limit=windows)


def _estimates(
    reports: "tuple[MonitoringReport, ...]", version: str, end: datetime
) -> "list[EstimatedPerformance]":
    """The estimates of the version's reports whose windows end before ``end``, the oldest first."""
    return [
        report.estimate
        for report in reversed(reports)
        if report.version == version and report.window_end < end and report.estimate is not None
    ]


def draw(
    platform: Connections,
    spec: ModelSpec,
    report: "MonitoringReport",
    progress: Callable[[str], None],
    *,
    with_drawing: bool = True,
) -> Path:
    """Write the report as a page, and Evidently's drift report beside it where that can be drawn; the page."""
    from ml_platform.reporting.monitoring import monitoring_html

    folder = platform.settings.reports / spec.name / report.window_end.strftime("%Y-%m-%dT%H%M")
    page = folder / "monitoring.html"
    manifest = Manifest(platform.settings.home)
    manifest.write_text(page, monitoring_html(report))
    if not with_drawing:
        return page
    from ml_platform.adapters.evidently_report import draw_drift

    watched = {entry.name for entry in report.features}
    until = report.rows_until or report.window_end
    note = draw_drift(
        reference_rows(platform, spec, report.version),
        loaded_rows(platform, spec, until - (report.window_end - report.window_start), until).rows,
        [feature for feature in spec.table.features if feature.name in watched],
        folder / "evidently.html",
        manifest,
    )
    progress(f"page {page}" + (f" ({note})" if note else ""))
    return page


def reference_rows(platform: Connections, spec: ModelSpec, version: str) -> "pd.DataFrame":
    """The training rows that a version was fitted on; of the rules, those of the newest version."""
    from ml_platform.adapters.training_set_files import load_training_set

    stored = _training_set(platform, spec, version)
    return load_training_set(platform.settings.training_sets, stored).train


def _training_set(platform: Connections, spec: ModelSpec, version: str) -> "TrainingSetRecord":
    """The training set of a version; of the rules, that of the newest version."""
    ledger = platform.ledger
    number = int(version) if version.isdecimal() else ledger.version_numbers(spec.name)[-1]
    record = ledger.version(spec.name, number)
    stored = ledger.training_set(spec.name, record.training_set_fingerprint)
    assert stored is not None, "a version is registered after its training set was saved"
    return stored


def tell_report(platform: Connections, report: "MonitoringReport") -> str:
    """Let incidents open, go on or end by a report, and tell people what is new; the subjects, and what failed.

    A receiver that is down is no fault of the report: the message waits for it, and nothing is raised.
    """
    follow_report(platform, report)
    hand_over_incidents(platform, report.model)
    subjects = tell_incidents(platform)
    if not subjects:
        return "none"
    faults = deliver(platform).faults
    failed = f" (NOT DELIVERED: {'; '.join(faults.values())})" if faults else ""
    return "; ".join(subjects) + failed
