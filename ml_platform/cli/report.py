"""`ml-platform report`: the stored evaluation report of a version as a page."""

import json
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.options import home_option, json_option, open_home, require_home

if TYPE_CHECKING:
    from ml_platform.adapters.ledger.interface import Ledger
    from ml_platform.evaluation.report import EvaluationReport
    from ml_platform.registry.records import VersionRecord


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

    It is made from the ledger alone; with --json the stored report goes to standard output instead.
    """
    settings = open_home(home)
    require_home(settings)
    from ml_platform import values
    from ml_platform.adapters.services import services

    with services(settings, tracking=False):
        from ml_platform.application.connections import Connections

        record, found = stored_report(Connections(settings).ledger, model, version)
    if as_json:
        click.echo(json.dumps(json.loads(values.to_json(found))))
        return
    path = out or settings.home / "reports" / f"{model}-{record.version}.html"
    write_page(path, page_of(record, found))
    click.echo(path.resolve())
    if to_open:
        webbrowser.open(path.resolve().as_uri())


def stored_report(
    ledger: "Ledger", model: str, version: int | None
) -> "tuple[VersionRecord, EvaluationReport]":
    """A version, by default the newest, and the report that it was decided on.

    Raises:
        UsageError: no such model or version is registered.
    """
    from ml_platform.errors import IntegrityError, UsageError

    numbers = ledger.version_numbers(model)
    if not numbers:
        known = ", ".join(ledger.models()) or "none"
        raise UsageError(
            f"No version of {model!r} is registered (models with one: {known}).",
            remedy="name one of them, or `ml-platform run` first",
        )
    if version is not None and version not in numbers:
        raise UsageError(
            f"{model} has no version {version}; it has {', '.join(map(str, numbers))}.",
            remedy="name one of them",
        )
    record = ledger.version(model, numbers[-1] if version is None else version)
    found = ledger.report(record.report_id)
    if found is None:
        raise IntegrityError(
            f"The ledger lacks the report {record.report_id[:12]} of {model} version {record.version}.",
            remedy="`ml-platform verify` tells what else does not hold",
        )
    return record, found


def page_of(record: "VersionRecord", found: "EvaluationReport") -> str:
    """The page of a stored decision, with the versions of code and libraries behind it."""
    from ml_platform.gates.outcome import Decision
    from ml_platform.registry.replay import replayed, same_decision
    from ml_platform.reporting.evaluation import report_html

    again = replayed(record, found)
    # A decision that an earlier release stored does not say of which metric its gates are; made again it does.
    same = isinstance(again, Decision) and same_decision(again, record.decision)
    decision = again if same and isinstance(again, Decision) else record.decision
    made_with = {"version": str(record.version), "ml-platform": record.code_version}
    return report_html(found, decision, made_with | record.dependencies)


def write_page(path: Path, page: str) -> None:
    """The file, whole or not at all.

    Raises:
        UsageError: it cannot be written there.
    """
    from ml_platform import files
    from ml_platform.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as beside:
            beside.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", remedy="name another file with --out"
        ) from error
