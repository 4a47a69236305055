"""`ml-platform run`: events to gated champions and a monitoring report, in one go."""

import json
from pathlib import Path
from typing import Any

import click

from ml_platform.cli.options import home_option, json_option, open_home, source_options


@click.command()
@home_option
@json_option
@source_options
def run(home: Path | None, as_json: bool, **choices: Any) -> None:
    """Events to a gated champion, and its first monitoring report.

    \b
    Ingests the source, builds features, trains and evaluates a candidate, promotes it if every gate
    passes, scores the trailing week and writes the monitoring report. HOLD and REJECT are results
    (exit code 0). A run that was killed is simply started again.

    \b
    Examples:
      ml-platform run
      ml-platform run --home /tmp/vite --source git:~/src/vite
      ml-platform run --home /tmp/mine --source files:exports --map columns.toml --json
    """
    settings = open_home(home)
    from ml_platform import files
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.cli.instance import dagster_instance, run_job
    from ml_platform.cli.settle import settle_home
    from ml_platform.cli.summary import show, summary

    with at_work(settings.home):
        settle_home(settings, **choices)
        files.remove_leftovers(settings.home)
        with services(settings) as running, dagster_instance(settings, running) as instance:
            from ml_platform.defs.build import MODELS
            from ml_platform.defs.partitions import window_key
            from ml_platform.defs.platform import Connections

            run_job("ingestion", instance)
            run_job("pipeline", instance)
            platform = Connections(settings)
            run_job("monitoring", instance, partition_key=window_key(platform.home.as_of))
            told = summary(platform, tuple(spec.name for spec in MODELS))
    if as_json:
        click.echo(json.dumps(told))
    else:
        show(told)
