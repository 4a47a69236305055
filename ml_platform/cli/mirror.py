"""`ml-platform mirror`: MLflow compared with the ledger and put right; a person's text on its pages adopted."""

from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import connected, home_option, json_option, print_json
from ml_platform.errors import UsageError


@click.command()
@home_option
@json_option
@click.option(
    "--adopt", metavar="MODEL", help="Keep the text that people have last written on MODEL's page."
)
@click.option(
    "--version", type=int, help="With --adopt: on the page of this version, not on the model's."
)
def mirror(home: Path | None, as_json: bool, adopt: str | None, version: int | None) -> None:
    """Compare what MLflow shows with the ledger, the files of every version too, and put it right.

    `ml-platform up` does it twice a minute. A text that people had written on a page stays there with --adopt,
    below the platform's. What is in production is never adopted from MLflow.
    """
    if version is not None and adopt is None:
        raise UsageError("--version says nothing without --adopt.", remedy="add --adopt MODEL")
    with connected(home) as platform:
        from ml_platform.application.mirror import adopt as adopted
        from ml_platform.application.mirror import mirror as put_right

        repairs = put_right(platform, thorough=True)
        text = adopted(platform, adopt, version) if adopt else ""
        repairs += put_right(platform, adopt) if adopt else ()
    if as_json:
        print_json({"repairs": [asdict(repair) for repair in repairs], "adopted": text})
        return
    for repair in repairs:
        click.echo(f"{repair}{'  (changed by hand)' if repair.by_hand else ''}")
    if text:
        click.echo(f"adopted: {text}")
    elif not repairs:
        click.echo("MLflow shows what the ledger says.")
