"""`ml-platform forget USER`: a person is removed from the whole home, and it is said what could not be."""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.model_changes import actor_option
from ml_platform.cli.options import (
    connected,
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
    tell,
)
from ml_platform.errors import UsageError

if TYPE_CHECKING:
    from ml_platform.application.forget import Forgetting


@click.command()
@click.argument("user")
@click.option("--apply/--dry-run", "apply", help="Remove it; by default it is only shown.")
@click.option("--reason", default="", help="Why; kept for ever, so it must not name the person.")
@actor_option
@home_option
@json_option
def forget(
    user: str, apply: bool, reason: str, actor: str, home: Path | None, as_json: bool
) -> int:
    """Remove USER from the whole home, and say what could not be removed, and why.

    USER is the id as the source has it (of a git history the address of the author); `-` reads it from standard
    input, so that it stands in no list of processes and no history of a shell. Events, quarantine, features,
    training sets, predictions, pages and logs are rid of the person. A hash is kept, so that the next reading
    of the source leaves the person out. Exit code 1: something is left that the same command may remove.

    \b
    ml-platform forget ann.lee@example.org              what would go
    echo ann.lee@example.org | ml-platform forget - --apply --reason "request 17"
    """
    settings = open_home(home)
    require_home(settings)
    user = sys.stdin.readline().rstrip("\r\n") if user == "-" else user
    if not user.strip():
        raise UsageError("No user id was given.", remedy="`ml-platform forget USER`")
    from ml_platform.adapters.home_files import at_work

    # MLflow is not started: its files and its database are searched as they are.
    with at_work(settings.home) if apply else nullcontext(), connected(home) as platform:
        from ml_platform.application.forget import forget as forgotten

        outcome = forgotten(platform, user, apply=apply, actor=actor, reason=reason, progress=tell)
    if as_json:
        print_json(asdict(outcome) | {"forgotten_at": _time(outcome)})
    else:
        _show(outcome)
    return 1 if apply and not outcome.finished else 0


def _time(outcome: "Forgetting") -> str | None:
    return outcome.forgotten_at.isoformat() if outcome.forgotten_at else None


def _show(outcome: "Forgetting") -> None:
    for step in outcome.steps:
        click.echo(f"{step.things:>9,} {step.unit:<6} {step.what}: {step.how}")
    if not outcome.steps:
        at = f" on {outcome.forgotten_at:%Y-%m-%d}" if outcome.forgotten_at else ""
        click.echo(f"Forgotten{at}; there is nothing more to remove.")
    click.echo("\nStays:")
    for left in outcome.remains:
        remedy = f"; {left.remedy}" if left.remedy else ""
        click.echo(f"  {left.where}: {left.why}{remedy}")
    if outcome.applied and not outcome.finished:
        click.echo("\nNot finished: run the same command again.")
    elif outcome.applied:
        click.echo("\nForgotten. A reading of the source leaves these rows out from now on.")
    elif outcome.steps:
        click.echo("\nNothing was changed: --apply removes it.")
