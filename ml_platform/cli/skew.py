"""`ml-platform skew`: features as of now beside those of training, to the bit."""

from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import (
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
    tell,
)


@click.command()
@home_option
@json_option
@click.option(
    "--rows",
    type=click.IntRange(1, 1_000_000),
    default=1_000,
    show_default=True,
    help="Rows of each table that are compared.",
)
@click.option("--seed", default=0, show_default=True, help="Of what comes late, and what twice.")
def skew(home: Path | None, as_json: bool, rows: int, seed: int) -> int:
    """Compare features as a model that is asked now gets them with those of training.

    What happened is replayed from the lake in the order of time, one thing in ten late and one in twenty twice.
    Sampled rows are asked for at their moment, and compared with the published ones to the bit.

    Exit code 1: a feature differs.
    """
    settings = open_home(home)
    from ml_platform.application.measure_skew import measure_skew

    require_home(settings)
    tables = measure_skew(settings, rows=rows, seed=seed, progress=tell)
    differs = any(table.differences for table in tables)
    if as_json:
        print_json({"ok": not differs, "tables": [asdict(table) for table in tables]})
        return int(differs)
    for table in tables:
        count = len(table.differences)
        said = f"{count} differ" if count else "all equal to the bit"
        click.echo(f"{table.table:20} {table.rows:>7,} rows  {table.features:>3} features  {said}")
        for each in table.differences:
            click.echo(
                f"  {each.feature}: {each.rows:,} rows, such as {each.row_id}: "
                f"{each.online!r} now, {each.training!r} in training"
            )
    return int(differs)
