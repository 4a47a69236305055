"""`ml-platform monitor`: the report of one six-hour window."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ml_platform.cli.options import (
    home_option,
    json_option,
    open_home,
    parse_boundary,
    require_home,
)
from ml_platform.clock import WINDOW, last_boundary
from ml_platform.errors import UsageError


@click.command()
@home_option
@json_option
@click.option(
    "--window-end", help="End of the window, such as 2026-05-01T12:00Z (default: the home's clock)."
)
def monitor(home: Path | None, as_json: bool, window_end: str | None) -> None:
    """Predict the trailing week, compare it with the baseline, and decide what follows."""
    settings = open_home(home)
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.cli.instance import dagster_instance, run_job
    from ml_platform.cli.summary import monitoring_summary, show_report

    state = require_home(settings)
    end = parse_boundary("--window-end", window_end) if window_end else state.as_of
    first = state.first_window + WINDOW
    last = last_boundary(datetime.now(UTC)) if state.advances else state.as_of
    if not first <= end <= last:
        raise UsageError(
            f"No window of this home ends at {end:%Y-%m-%dT%H:%MZ}: they end from "
            f"{first:%Y-%m-%dT%H:%MZ} to {last:%Y-%m-%dT%H:%MZ}.",
            remedy="name one of these six-hour boundaries",
        )
    with (
        at_work(settings.home),
        services(settings) as running,
        dagster_instance(settings, running) as instance,
    ):
        from ml_platform.adapters.plugins import home_project
        from ml_platform.application.connections import Connections
        from ml_platform.defs.partitions import window_key

        # Where new events keep coming the features must reach the end of the window first.
        job = "six_hourly" if state.advances else "monitoring"
        run_job(job, instance, partition_key=window_key(end))
        ledger = Connections(settings).ledger
        told: dict[str, Any] = {}
        for spec in home_project(settings).catalogue.models:
            reports = ledger.monitoring_reports(spec.name)
            report = next((r for r in reports if r.window_end == end), None)
            told[spec.name] = monitoring_summary(report) if report else None
    if as_json:
        click.echo(json.dumps(told))
        return
    for name, report_told in told.items():
        if report_told is None:
            click.echo(f"{name}  INSUFFICIENT: nothing can answer for it (`ml-platform status`)")
            continue
        show_report(name, report_told)
