"""Homes whose ledger and folders hold things of many days, filled by code: nothing is trained for them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from ml_platform import values
from ml_platform.adapters.database_urls import DatabaseUrls
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.training_set_files import RECORD_FILE, rows_path
from ml_platform.application.connections import Connections
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.monitoring.alerts import Alert, AlertLevel
from ml_platform.registry.records import RetrainingRequest, VersionRecord
from ml_platform.retention.plan import Item
from ml_platform.retention.rules import Clock, Kind
from ml_platform.retraining.decide import decided
from ml_platform_tests.application.homes import AS_OF, DATA, ROWS, ask, home, promotable
from ml_platform_tests.conformance.monitoring_reports import monitoring_report
from ml_platform_tests.prediction_log.examples import outcomes, predictions

DAY = timedelta(days=1)
MODEL = "example"
WEEKLY = range(0, 203, 7)
"""The days of these homes."""
LAST = AS_OF + WEEKLY[-1] * DAY


class RunsInMemory:
    """MLflow's runs of these homes."""

    def __init__(self) -> None:
        self.runs: dict[str, datetime] = {}
        self.aliases: dict[str, str] = {}

    def named_by_aliases(self) -> Mapping[str, str]:
        return self.aliases

    def items(self) -> Iterator[Item]:
        for run_id, at in sorted(self.runs.items()):
            yield Item(Kind.MLFLOW_RUN, run_id, at, 1_000, clock=Clock.WALL)

    def remove(self, items: Iterable[Item]) -> None:
        for item in items:
            self.runs.pop(item.key, None)


def fill(folder: Path, url: str) -> None:
    """Let a home be run once a week, from `AS_OF` to `LAST` by its clock; versions 1, 5 and 10 were promoted."""
    platform = kept_home(folder, url)
    for number, day in enumerate(WEEKLY, start=1):
        live_through(platform, number, AS_OF + day * DAY)
    platform.ledger.close()


def kept_home(folder: Path, url: str) -> Connections:
    """The home that `fill` has filled, at its last moment."""
    platform = home(folder, PostgresLedger(url))
    set_clock(platform, LAST)
    platform.urls = DatabaseUrls("", "", url)
    runs = platform.kept_runs = RunsInMemory()
    runs.runs = {f"run {number}": AS_OF + day * DAY for number, day in enumerate(WEEKLY, start=1)}
    return platform


def live_through(platform: Connections, number: int, at: datetime) -> VersionRecord:
    """One run of the home: a version with everything that belongs to it, predictions, a report with its pages."""
    set_clock(platform, at)
    record = _version(platform, number, at)
    if number in (1, 5, 10):
        ask(platform, record)
    ledger, settings = platform.ledger, platform.settings
    ledger.save_baseline(MODEL, str(record.version), '"baseline"')
    moved = pd.Timestamp(at) - predictions()["occurred_at"].iloc[0]
    logged = predictions(version=str(record.version), model=MODEL)
    for column in ("occurred_at", "predicted_at"):
        logged[column] += moved
    logged["row_id"] += f" of {number}"
    ledger.log_predictions(logged)
    known = outcomes(MODEL, r0="fix", r1="docs")
    known["known_at"] += moved
    known["row_id"] += f" of {number}"
    ledger.log_outcomes(known)
    ledger.save_monitoring_report(decided(monitoring_report(MODEL, at)))
    ledger.save_alert(Alert(f"alert {number}", MODEL, AlertLevel.WARNING, "drift", (), at))
    ledger.request_retraining(
        RetrainingRequest(f"key {number}", MODEL, "1", "retrain", "drift", at, at)
    )
    manifest, pages = Manifest(settings.home), settings.reports / MODEL / f"{at:%Y-%m-%dT%H%M}"
    manifest.write_text(pages / "monitoring.html", "<html>report</html>")
    manifest.write_text(pages / "evidently.html", "<html>drift</html>")
    window = f"{MODEL}__monitoring_report@{at:%Y-%m-%d-%H-%M}.json"
    manifest.write_text(settings.home / "records" / window, "{}")
    return record


def set_clock(platform: Connections, at: datetime) -> None:
    """Let the home be at another moment."""
    write_home(
        platform.settings, HomeState(SourceChoice("simulate"), at, AS_OF - DAY, settled=True)
    )


def _version(platform: Connections, number: int, at: datetime) -> VersionRecord:
    fingerprint = values.text_sha256(f"rows of {number}")
    data = replace(DATA, fingerprint=fingerprint, as_of=at)
    manifest = Manifest(platform.settings.home)
    rows = rows_path(platform.settings.training_sets, data)
    manifest.write_bytes(rows, ROWS)
    manifest.write_text(rows.parent / RECORD_FILE, values.to_json(data))
    platform.ledger.save_training_set(data)
    record = promotable(
        platform,
        f"rules {number}".encode(),
        training_set_fingerprint=fingerprint,
        registered_at=at,
        mlflow_run_id=f"run {number}",
    )
    os.utime(platform.settings.home / record.artifact_path, (at.timestamp(), at.timestamp()))
    return record
