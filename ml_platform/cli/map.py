"""`ml-platform map`: a first column map for an exported file."""

from pathlib import Path

import click

from ml_platform.cli.options import tell


@click.command("map")
@click.argument("file", type=click.Path(path_type=Path))
def draft(file: Path) -> None:
    """Draft the columns.toml of an exported FILE: how it is written, and which column is which.

    \b
    Every line says what it rests on; read them, correct them, then
      ml-platform map exports/audit.csv > columns.toml
      ml-platform ingest --source files:exports --map columns.toml
      ml-platform ingest --refused
    """
    from ml_platform.adapters.sources.sample_file import sample_file
    from ml_platform.events.sources.draft_map import draft_map

    text = draft_map(sample_file(file))
    click.echo(text, nl=False)
    folder = str(file.parent)
    source = f"process-log:{file}" if "[log]" in text.splitlines() else f"files:{folder}"
    tell(
        f"Write it to columns.toml, correct it, then: ml-platform run --source {source} --map columns.toml"
    )
