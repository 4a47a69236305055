"""`ml-platform verify`: every stored decision replayed, the chain and every hash checked."""

import json
from pathlib import Path

import click

from ml_platform.cli.options import home_option, json_option, open_home, require_home


@click.command()
@home_option
@json_option
def verify(home: Path | None, as_json: bool) -> int:
    """Replay every stored decision; check the chain of events and every artifact. Exit code 1 names faults."""
    settings = open_home(home)
    require_home(settings)
    from ml_platform.adapters.services import services

    with services(settings, tracking=False):
        from ml_platform.defs.platform import Connections
        from ml_platform.defs.verifying import verify_home

        checked = verify_home(Connections(settings))
    if as_json:
        click.echo(json.dumps(checked.as_json()))
    else:
        for fault in checked.faults:
            click.echo(f"FAULT  {fault}")
        verdict = f"{len(checked.faults)} faults" if checked.faults else "all hold"
        click.echo(
            f"{checked.events} events, {checked.versions} versions, {checked.artifacts} artifacts, "
            f"{checked.training_sets} training sets, {checked.reports} monitoring reports: {verdict}"
        )
    return 1 if checked.faults else 0
