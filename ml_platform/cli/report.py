"""`ml-platform report`: the stored evaluation report of a version as a page."""

import json
import webbrowser
from pathlib import Path

import click

from ml_platform import files, values
from ml_platform.adapters.manifest import Manifest
from ml_platform.cli.options import connected, home_option, json_option, print_json
from ml_platform.errors import UsageError


@click.command()
@click.argument("model")
@click.argument("version", type=int, required=False)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write (default: reports/MODEL-VERSION.html in the home).",
)
@click.option("--open", "to_open", is_flag=True, help="Show it in the browser.")
@home_option
@json_option
def report(
    model: str,
    version: int | None,
    out: Path | None,
    to_open: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """The evaluation report of MODEL [VERSION] (default: the newest) as one HTML file; prints its path.

    Of a version that was evaluated several times it is the newest evaluation; `why` lists the others.

    It is made from the ledger alone; with --json the stored report goes to standard output instead.
    """
    with connected(home) as platform:
        from ml_platform.application.report_page import page_of, stored_evaluation

        evaluation = stored_evaluation(platform, model, version)
    if as_json:
        print_json(json.loads(values.to_json(evaluation.report)))
        return
    number = evaluation.record.version
    page, settings = page_of(evaluation), platform.settings
    if out is None:
        path = settings.reports / f"{model}-{number}.html"
        Manifest(settings.home).write_text(path, page)
    else:
        path = out
        write_page(path, page)
    click.echo(path.resolve())
    if to_open:
        webbrowser.open(path.resolve().as_uri())


def write_page(path: Path, page: str) -> None:
    """Write the page to a file of the caller's, whole or not at all.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        files.write_text(path, page)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", remedy="name another file with --out"
        ) from error
