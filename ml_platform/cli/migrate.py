"""`ml-platform migrate`: a home that an older release has written, brought to the format of this one."""

from pathlib import Path

import click

from ml_platform.cli.options import home_option, json_option, open_any_home, print_json, tell


@click.command()
@home_option
@json_option
def migrate(home: Path | None, as_json: bool) -> None:
    """Keep the events of a home of an older release, archive its history, and begin the rest anew.

    \b
    Kept in place: events and quarantine, source and clock, secrets, MLflow's experiments and runs.
    Archived, each file by its SHA-256: ledger (reports, versions, the chain of promotions, monitoring,
    experiments), artifacts, training sets, pages. `ml-platform verify` checks the archive too.
    Made again by the next `ml-platform run`: features, training sets, models, reports.
    A migration that was killed is started again with the same command.
    """
    settings = open_any_home(home)
    from ml_platform.adapters.home_files import at_work
    from ml_platform.application.migrate import migrate as migrate_home

    with at_work(settings.home):
        migrated = migrate_home(settings, tell)
    if as_json:
        paths = [str(path) for path in migrated.archives]
        print_json({"format": migrated.format, "archives": paths})
        return
    click.echo(f"The home {settings.home} has format {migrated.format}.")
    for path in migrated.archives:
        click.echo(f"History of an earlier format: {path}")
    click.echo(f"Next: `ml-platform run --home {settings.home}` goes on from the same events.")
