"""One look at one window: features, predictions and outcomes joined, reported, decided, drawn."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform import files, values
from ml_platform.defs.platform import Connections
from ml_platform.defs.prediction_log import feature_rows
from ml_platform.errors import IntegrityError
from ml_platform.models.spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.monitoring.report import MonitoringReport


def watch(
    platform: Connections, spec: ModelSpec, version: str, end: datetime
) -> "MonitoringReport":
    """The decided report of the window that trails back from ``end``."""
    from ml_platform.monitoring.baseline import Baseline
    from ml_platform.monitoring.monitor import monitor
    from ml_platform.monitoring.policy import POLICY
    from ml_platform.retraining.decide import decided

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
    clusters = rows.set_index("event_id")["session_id"]
    return logged.rename(columns={"prediction": "predicted", "label": "outcome"}).assign(
        session_id=logged["row_id"].map(clusters).to_numpy()
    )


def draw(
    platform: Connections,
    spec: ModelSpec,
    report: "MonitoringReport",
    progress: Callable[[str], None],
) -> Path:
    """The report as a page for people, with Evidently's drawing beside it where it can be drawn."""
    from ml_platform.adapters.evidently_report import draw_drift
    from ml_platform.features.catalogue import PATTERN_FEATURES
    from ml_platform.monitoring.page import monitoring_html

    folder = platform.settings.reports / spec.name / report.window_end.strftime("%Y-%m-%dT%H%M")
    page = folder / "monitoring.html"
    files.write_text(page, monitoring_html(report))
    watched = {entry.name for entry in report.features}
    note = draw_drift(
        _reference(platform, spec),
        feature_rows(platform, spec, report.window_start, report.window_end),
        [feature for feature in PATTERN_FEATURES if feature.name in watched],
        folder / "evidently.html",
    )
    progress(f"page {page}" + (f" ({note})" if note else ""))
    return page


def _reference(platform: Connections, spec: ModelSpec) -> "pd.DataFrame":
    """Rows of the training part that the newest version learned from, for the drawing."""
    from ml_platform.training_sets.build import load_training_set

    record = platform.ledger.versions(spec.name)[-1]
    stored = platform.ledger.training_set(spec.name, record.training_set_fingerprint)
    assert stored is not None, "a version is registered after its training set was saved"
    return load_training_set(platform.settings.training_sets, stored).train


def alert(platform: Connections, report: "MonitoringReport") -> str | None:
    """Tell people about a report that is not green, once; returns the title of what was sent."""
    from ml_platform.adapters.alerts import LogAlerts, WebhookAlerts
    from ml_platform.monitoring.alerts import alert_of
    from ml_platform.registry.records import Alert

    found = alert_of(report)
    if found is None:
        return None
    kept = Alert(
        key=found.alert_id,
        model=report.model,
        severity=found.level.value,
        title=found.title,
        detail="; ".join(found.causes),
        at=found.at,
    )
    if not platform.ledger.save_alert(kept):
        return None
    url = platform.settings.webhook_url
    (WebhookAlerts(url) if url else LogAlerts()).send(found)
    return found.title
