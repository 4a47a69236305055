"""`ml-platform backup` and `ml-platform restore`: a home in one file, and a home made of one."""

from pathlib import Path

import click

from ml_platform.cli.options import (
    connected,
    home_option,
    json_option,
    open_any_home,
    print_json,
    tell,
)

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@home_option
@json_option
def backup(file: Path, home: Path | None, as_json: bool) -> None:
    """Write the home to FILE, while everything runs: databases, events, models, reports, secrets.

    FILE holds the secrets of the home, so that only its owner may read it. What is made again from the rest is
    left out: the warehouse and logs.
    """
    with connected(home) as platform:
        from ml_platform.adapters.services import running_services
        from ml_platform.application.backup import take_backup

        urls = running_services(platform.settings).urls
        taken = take_backup(platform.settings, urls, file.resolve(), tell)
    summary = {"file": str(file), "files": taken.files, "bytes": taken.size_bytes}
    if as_json:
        print_json(summary)
    else:
        click.echo(f"{file}: {taken.files:,} files, {taken.size_bytes / 1e6:,.0f} MB")
        click.echo(f"Next: `ml-platform restore {file} --home DIR`, here or on another machine.")


@click.command()
@click.argument("file", type=_FILE)
@home_option
@json_option
def restore(file: Path, home: Path | None, as_json: bool) -> None:
    """Make the home that FILE is a backup of, in a folder that is empty or not there.

    Every hash is checked first; a backup that was cut off or changed restores nothing.
    """
    settings = open_any_home(home)
    from ml_platform.application.backup import restore_backup
    from ml_platform.home import FORMAT

    restored = restore_backup(settings, file.resolve(), tell)
    if as_json:
        print_json({"home": str(settings.home), "files": restored.files, "format": restored.format})
        return
    click.echo(f"{settings.home}: the home as of {restored.taken_at:%Y-%m-%d %H:%M} UTC")
    again = "verify" if restored.format == FORMAT else "migrate"
    click.echo(f"Next: `ml-platform {again} --home {settings.home}`")
