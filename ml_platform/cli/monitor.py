"""`ml-platform monitor`: the report of one six-hour window."""

from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import (
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
)
from ml_platform.clock import parse_boundary


@click.command()
@home_option
@json_option
@click.option(
    "--window-end", help="End of the window, such as 2026-05-01T12:00Z (default: the home's clock)."
)
def monitor(home: Path | None, as_json: bool, window_end: str | None) -> None:
    """Predict the trailing week, compare it with the baseline, and decide what follows."""
    settings = open_home(home)
    state = require_home(settings)
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.application.monitor import require_window, summarise_window
    from ml_platform.cli.instance import dagster_instance, run_job
    from ml_platform.cli.run_text import show_monitoring

    end = parse_boundary("--window-end", window_end) if window_end else state.as_of
    require_window(state, end)
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
        models = home_project(settings).catalogue.models
        summaries = summarise_window(Connections(settings), models, end)
    if as_json:
        print_json({name: report and asdict(report) for name, report in summaries.items()})
        return
    for name, report in summaries.items():
        if report is None:
            click.echo(
                f"{name}  INSUFFICIENT: it has neither champion nor rules (`ml-platform status`)"
            )
        else:
            show_monitoring(name, report)
