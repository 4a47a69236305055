"""`ml-platform verify`: every stored decision replayed, the chain and every hash checked."""

from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import (
    connected,
    home_option,
    json_option,
    open_home,
    print_json,
)


@click.command()
@home_option
@json_option
@click.option(
    "--forget",
    type=click.Path(path_type=Path),
    help="Verify nothing; move a damaged FILE aside and forget it, so that it can be made or ingested again.",
)
def verify(home: Path | None, as_json: bool, forget: Path | None) -> int:
    """Replay every stored decision; check the chain of events and every stored file and row.

    Exit code 1: a fault.
    """
    if forget is not None:
        return _forget(home, forget)
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


def _forget(home: Path | None, path: Path) -> int:
    settings = open_home(home)
    from ml_platform.adapters.home_files import at_work
    from ml_platform.application.verify_files import forget_file

    with at_work(settings.home):
        click.echo(f"{path}: {forget_file(settings, path)}")
    return 0
