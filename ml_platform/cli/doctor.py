"""`ml-platform doctor`: ports, disk, versions, stale processes."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import home_option, json_option, open_any_home


@click.command()
@home_option
@json_option
def doctor(home: Path | None, as_json: bool) -> int:
    """Check the machine and the home: ports, disk, versions, stale processes, leftovers."""
    settings = open_any_home(home)
    from ml_platform.adapters.doctor import examine

    findings = examine(settings)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.name:<18} {finding.detail}")
            if not finding.ok:
                click.echo(f"     {'':<18} remedy: {finding.remedy}")
    return 0 if all(finding.ok for finding in findings) else 1
