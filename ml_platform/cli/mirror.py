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
    "--drop", metavar="MODEL", help="Let the text that was adopted go from MODEL's page again."
)
@click.option(
    "--version",
    type=int,
    help="With --adopt or --drop: on the page of this version, not the model's.",
)
def mirror(
    home: Path | None, as_json: bool, adopt: str | None, drop: str | None, version: int | None
) -> None:
    """Compare what MLflow shows with the ledger, the files of every version too, and put it right.

    `ml-platform up` does it twice a minute. A text that people had written on a page stays there with --adopt,
    below the platform's, until --drop. What is in production is never adopted from MLflow.
    """
    if adopt is not None and drop is not None:
        raise UsageError("--adopt and --drop exclude each other.", remedy="give one of them")
    page = adopt or drop
    if version is not None and page is None:
        raise UsageError(
            "--version says nothing alone.", remedy="add --adopt MODEL, or --drop MODEL"
        )
    with connected(home) as platform:
        from ml_platform.application.mirror import adopt as adopted
        from ml_platform.application.mirror import drop as dropped
        from ml_platform.application.mirror import mirror as put_right

        repairs = put_right(platform, thorough=True)
        kept = adopted(platform, adopt, version) if adopt else ""
        gone = dropped(platform, drop, version) if drop else ""
        repairs += put_right(platform, page) if page else ()
    if as_json:
        plain = [asdict(repair) for repair in repairs]
        print_json({"repairs": plain, "adopted": kept, "dropped": gone})
        return
    for repair in repairs:
        click.echo(f"{repair}{'  (changed by hand)' if repair.by_hand else ''}")
    if kept or gone:
        click.echo(f"adopted: {kept}" if kept else f"dropped: {gone}")
    elif not repairs:
        click.echo("MLflow shows what the ledger says.")
