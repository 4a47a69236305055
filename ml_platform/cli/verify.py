"""`ml-platform verify`: every stored decision replayed, the chain and every hash checked."""

import json
from dataclasses import asdict
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
        from ml_platform.application.connections import Connections
        from ml_platform.application.verify import verify_home

        findings = verify_home(Connections(settings))
    faults = [finding for finding in findings if not finding.ok]
    if as_json:
        told = {"ok": not faults, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(told))
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.ok else 'FAULT'}  {finding.subject}: {finding.detail}")
        click.echo(f"{len(findings)} looked at, {len(faults) or 'none'} at fault")
    return 1 if faults else 0
