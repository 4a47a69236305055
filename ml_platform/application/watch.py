"""One look at one window: features, predictions and outcomes joined, reported, decided, drawn."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import files, values
from ml_platform.application.connections import Connections
from ml_platform.application.explanations import explained_version
from ml_platform.application.predict import feature_rows
from ml_platform.errors import IntegrityError, ServiceError, UsageError
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import CLUSTER, ROW_ID

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.monitoring.report import MonitoringReport


def watch(
    platform: Connections, spec: ModelSpec, version: str, end: datetime
) -> "MonitoringReport":
    """The decided report of the window that trails back from ``end``."""
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
        policy=replace(POLICY, metric=spec.monitored),
        gain=adapter_of(spec.task).gains[spec.monitored],
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
    """The report as a page for people, with Evidently's drawing beside it where it can be drawn."""
    from ml_platform.adapters.evidently_report import draw_drift
    from ml_platform.reporting.monitoring import monitoring_html

    folder = platform.settings.reports / spec.name / report.window_end.strftime("%Y-%m-%dT%H%M")
    page = folder / "monitoring.html"
    files.write_text(page, monitoring_html(report))
    watched = {entry.name for entry in report.features}
    note = draw_drift(
        _reference(platform, spec, report.version),
        feature_rows(platform, spec, report.window_start, report.window_end),
        [feature for feature in spec.table.features if feature.name in watched],
        folder / "evidently.html",
    )
    progress(f"page {page}" + (f" ({note})" if note else ""))
    return page


def _reference(platform: Connections, spec: ModelSpec, version: str) -> "pd.DataFrame":
    """Rows of the training part that a version learned from; for the rules, of the newest one's."""
    from ml_platform.adapters.training_set_files import load_training_set

    ledger = platform.ledger
    number = int(version) if version.isdecimal() else ledger.version_numbers(spec.name)[-1]
    record = ledger.version(spec.name, number)
    stored = ledger.training_set(spec.name, record.training_set_fingerprint)
    assert stored is not None, "a version is registered after its training set was saved"
    return load_training_set(platform.settings.training_sets, stored).train


def alert(platform: Connections, report: "MonitoringReport") -> str:
    """Tell people about a report that is not green, once; what was told, and whether it arrived.

    It is recorded after it has arrived: one that did not arrive is sent again at the next look at
    the window. A receiver that is down is no fault of the report, so nothing is raised for it.
    """
    from ml_platform.adapters.alerts import LogAlerts, WebhookAlerts
    from ml_platform.monitoring.alerts import alert_of

    found = alert_of(report)
    if found is None:
        return "none"
    if found.alert_id in {kept.alert_id for kept in platform.ledger.alerts(report.model)}:
        return f"{found.title} (told before)"
    url = platform.settings.webhook_url
    try:
        (WebhookAlerts(url) if url else LogAlerts()).send(found)
    except (ServiceError, UsageError) as error:
        return f"{found.title} (NOT DELIVERED: {error})"
    platform.ledger.save_alert(found)
    return found.title
