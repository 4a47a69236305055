"""`ml-platform ingest`: the source into the lake, and nothing else."""

import json
from pathlib import Path
from typing import Any

import click

from ml_platform.cli.options import home_option, json_option, open_home, source_options


@click.command()
@home_option
@json_option
@source_options
def ingest(home: Path | None, as_json: bool, **choices: Any) -> None:
    """Read the source into the day-partitioned lake.

    Rows are merged by id: the same rows twice, shuffled or late change nothing but what is new. Rows
    that cannot be used go to quarantine with field, value and remedy.
    """
    settings = open_home(home)
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.cli.instance import dagster_instance, run_job
    from ml_platform.cli.settle import settle_home

    with at_work(settings.home):
        settle_home(settings, **choices)
        with (
            services(settings, tracking=False) as running,
            dagster_instance(settings, running) as instance,
        ):
            from ml_platform.application.connections import Connections

            run_job("ingestion", instance)
            platform = Connections(settings)
            counts = platform.lake.counts()
            told: dict[str, Any] = {
                "source": platform.home.source.label,
                "as_of": platform.home.as_of.isoformat(),
                "rows": counts,
                "newest_event_at": platform.newest_event_at.isoformat(),
                "fingerprint": platform.lake.fingerprint("events", platform.home.as_of),
            }
    if as_json:
        click.echo(json.dumps(told))
        return
    for name, rows in counts.items():
        click.echo(f"{name:<22} {rows:>10,} rows")
    click.echo(f"newest event {told['newest_event_at']}, fingerprint {told['fingerprint'][:12]}")
