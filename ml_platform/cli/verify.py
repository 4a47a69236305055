"""`ml-platform verify`: every stored decision replayed, the chain and every hash checked."""

from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import connected, home_option, json_option, print_json


@click.command()
@home_option
@json_option
def verify(home: Path | None, as_json: bool) -> int:
    """Replay every stored decision; check the chain of events and every artifact. Exit code 1: a fault."""
    with connected(home) as platform:
        from ml_platform.application.verify import verify_home

        findings = verify_home(platform)
    faults = [finding for finding in findings if not finding.ok]
    if as_json:
        print_json({"ok": not faults, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.ok else 'FAULT'}  {finding.subject}: {finding.detail}")
        click.echo(f"{len(findings)} checked, {len(faults) or 'none'} at fault")
    return 1 if faults else 0
