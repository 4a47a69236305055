"""The monitoring of one window of one model: its report, the decision, the alert and the page."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import values
from ml_platform.adapters.manifest import Manifest
from ml_platform.application.connections import Connections
from ml_platform.application.explanations import explained_version
from ml_platform.application.notify import deliver, tell
from ml_platform.application.predict import feature_rows, require_answering
from ml_platform.application.summarise_monitoring import (
    MonitoringSummary,
    summarise_monitoring,
)
from ml_platform.clock import WINDOW, last_boundary
from ml_platform.errors import IntegrityError, UsageError
from ml_platform.home import HomeState
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import CLUSTER, ROW_ID

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.monitoring.report import MonitoringReport


@dataclass(frozen=True)
class MonitoredWindow:
    """The report of a window, and what became of it."""

    report: "MonitoringReport"
    alert: str
    """The title of the alert that was sent, 'none' where the report is green."""
    page: Path


def monitor_window(
    platform: Connections, spec: ModelSpec, end: datetime, progress: Callable[[str], None]
) -> MonitoredWindow:
    """Monitor what answers now over the window that trails back from ``end``; keep, alert and draw it.

    Raises:
        InsufficientData: the model has neither champion nor rules.
        IntegrityError: what answers has no baseline.
    """
    version = require_answering(platform, spec.name)
    report = monitoring_report(platform, spec, version, end)
    platform.ledger.save_monitoring_report(report)
    alert = send_alert(platform, report)
    page = draw(platform, spec, report, progress)
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
    platform: Connections, spec: ModelSpec, version: str, end: datetime
) -> "MonitoringReport":
    """The decided report on ``version`` over the window that trails back from ``end``.

    Raises:
        IntegrityError: the version has no baseline.
    """
    from ml_platform.evaluation.tasks.registry import adapter_of
    from ml_platform.monitoring.baseline import Baseline
    from ml_platform.monitoring.monitor import monitor
    from ml_platform.retraining.decide import decided
    from ml_platform.spec.monitoring_policy import POLICY

    stored = platform.ledger.baseline(spec.name, version)
    if stored is None:
        raise IntegrityError(
            f"There is no baseline of {spec.name} {version}.",
            remedy=f"materialise {spec.name}/registered_version again",
        )
    start = end - POLICY.window
    rows = feature_rows(platform, spec, start, end)
    report = monitor(
        values.from_json(Baseline, stored),
        rows,
        _predictions(platform, spec, version, start, end, rows),
        model=spec.name,
        version=version,
        source=platform.home.source.label,
        simulated=platform.source_is_simulated,
        window_start=start,
        window_end=end,
        policy=replace(POLICY, metric=spec.monitored_metric),
        gain=adapter_of(spec.task).gains[spec.monitored_metric],
        explained=explained_version(platform, spec, version),
    )
    return decided(report)


def _predictions(
    platform: Connections,
    spec: ModelSpec,
    version: str,
    start: datetime,
    end: datetime,
    rows: "pd.DataFrame",
) -> "pd.DataFrame":
    """The version's predictions in the window with the outcomes that were known by its end."""
    from ml_platform.prediction_log.join import known_at

    logged = known_at(platform.ledger.predictions(spec.name, start, end, version), end)
    clusters = rows.set_index(ROW_ID)[CLUSTER]
    return logged.rename(columns={"prediction": "predicted", "label": "outcome"}).assign(
        **{CLUSTER: logged["row_id"].map(clusters).to_numpy()}
    )


def draw(
    platform: Connections,
    spec: ModelSpec,
    report: "MonitoringReport",
    progress: Callable[[str], None],
) -> Path:
    """Write the report as a page, and Evidently's drift report beside it where that can be drawn; the page."""
    from ml_platform.adapters.evidently_report import draw_drift
    from ml_platform.reporting.monitoring import monitoring_html

    folder = platform.settings.reports / spec.name / report.window_end.strftime("%Y-%m-%dT%H%M")
    page = folder / "monitoring.html"
    manifest = Manifest(platform.settings.home)
    manifest.write_text(page, monitoring_html(report))
    watched = {entry.name for entry in report.features}
    note = draw_drift(
        reference_rows(platform, spec, report.version),
        feature_rows(platform, spec, report.window_start, report.window_end),
        [feature for feature in spec.table.features if feature.name in watched],
        folder / "evidently.html",
        manifest,
    )
    progress(f"page {page}" + (f" ({note})" if note else ""))
    return page


def reference_rows(platform: Connections, spec: ModelSpec, version: str) -> "pd.DataFrame":
    """The training rows that a version was fitted on; of the rules, those of the newest version."""
    from ml_platform.adapters.training_set_files import load_training_set

    ledger = platform.ledger
    number = int(version) if version.isdecimal() else ledger.version_numbers(spec.name)[-1]
    record = ledger.version(spec.name, number)
    stored = ledger.training_set(spec.name, record.training_set_fingerprint)
    assert stored is not None, "a version is registered after its training set was saved"
    return load_training_set(platform.settings.training_sets, stored).train


def send_alert(platform: Connections, report: "MonitoringReport") -> str:
    """Record an alert about a report that is not green, and send it; its title, and whether it arrived.

    A receiver that is down is no fault of the report: the message waits for it, and nothing is raised.
    """
    from ml_platform.monitoring.alerts import alert_of
    from ml_platform.reporting.messages import message_of_alert

    alert = alert_of(report)
    if alert is None:
        return "none"
    if not platform.ledger.save_alert(alert):
        return f"{alert.title} (sent before)"
    tell(platform, message_of_alert(alert))
    faults = deliver(platform).faults
    return f"{alert.title} (NOT DELIVERED: {'; '.join(faults.values())})" if faults else alert.title
