"""`ml-platform ingest`: the source into the lake, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.cli.options import (
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
    source_options,
)

if TYPE_CHECKING:
    from ml_platform.settings import Settings


@click.command()
@home_option
@json_option
@click.option("--refused", is_flag=True, help="Show the quarantine instead, and read nothing.")
@source_options
def ingest(home: Path | None, as_json: bool, refused: bool, **choices: Any) -> None:
    """Read the source into the day-partitioned lake.

    Rows are merged by id: the same rows twice, shuffled or late change nothing but what is new. Rows
    that cannot be used go to quarantine with field, value and remedy: --refused shows them.
    """
    settings = open_home(home)
    if refused:
        _show_refused(settings, as_json)
        return
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.application.settle_home import settle_home
    from ml_platform.cli.instance import dagster_instance, run_job

    with at_work(settings.home):
        settle_home(settings, **choices)
        with (
            services(settings, tracking=False) as running,
            dagster_instance(settings, running) as instance,
        ):
            from ml_platform.application.connections import Connections
            from ml_platform.application.ingest import summarise_lake

            run_job("ingestion", instance)
            lake = summarise_lake(Connections(settings))
    if as_json:
        print_json(lake)
        return
    for table, rows in lake.rows.items():
        click.echo(f"{table:<22} {rows:>10,} rows")
    click.echo(f"newest event {lake.newest_event_at}, fingerprint {lake.fingerprint[:12]}")


def _show_refused(settings: "Settings", as_json: bool) -> None:
    """Print what is in quarantine: how many rows of each kind, why, where they lie, and three of them."""
    from ml_platform.application.connections import Connections
    from ml_platform.application.list_refused import list_refused

    require_home(settings)
    refused = list_refused(Connections(settings))
    if as_json:
        print_json(refused)
        return
    if not refused.kinds:
        click.echo(f"Nothing was refused: there is no row in {refused.folder}")
    for kind in refused.kinds:
        click.echo(
            f"{kind.rows:,} {kind.table} refused: {kind.reason} in {kind.field}; {kind.remedy}"
        )
        click.echo(f"  in {Path(refused.folder, kind.table)}/*.parquet, such as")
        for example in kind.examples:
            click.echo(f"  {kind.field} = {example.value!r} in {example.row[:400]}")
