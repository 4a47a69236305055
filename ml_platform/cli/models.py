"""`ml-platform models`: every model in a line, and the life of its versions."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.model_changes import approve, hold, promote, resume, retire, rollback
from ml_platform.cli.model_views import at, compare, diff, history, impact, shadow, show
from ml_platform.cli.options import (
    connected,
    home_option,
    json_option,
    open_any_home,
    print_json,
)

if TYPE_CHECKING:
    from ml_platform.application.list_models import ListedModel, ModelList
    from ml_platform.application.summarise_run import Figure


@click.group(invoke_without_command=True)
@home_option
@json_option
@click.pass_context
def models(context: click.Context, home: Path | None, as_json: bool) -> None:
    """Every model: its champion or newest version, with the metric, the baseline and the ceiling.

    \b
    show      what is in production, since when, why, and how to go back
    compare   two versions: metrics on the same rows, schemas, costs, and a verdict
    impact    who reads its answers, what the next version changes for them, how to go back
    shadow    what a version that is tried out unseen would have said, beside what users were given
    promote   ask for the promotion of the newest version, or lead a rollout on
    rollback  go back to the champion before, in seconds
    retire    let the rules answer where the champion's features are gone
    hold, resume, approve   what a person says about a version
    at, history, diff       what was in production, and what has happened
    """
    if context.invoked_subcommand is None:
        _list(home, as_json)
    elif home is not None:
        open_any_home(home)


@models.command("list")
@home_option
@json_option
def list_(home: Path | None, as_json: bool) -> None:
    """The same as `ml-platform models` alone."""
    _list(home, as_json)


for command in (
    *(show, compare, impact, shadow, at, history, diff),
    *(promote, rollback, retire, hold, resume, approve),
):
    models.add_command(command)


def _list(home: Path | None, as_json: bool) -> None:
    with connected(home) as platform:
        from ml_platform.application.list_models import list_models

        listed = list_models(platform)
    if as_json:
        print_json(listed)
    else:
        _show(listed)


def _show(listed: "ModelList") -> None:
    label = "  SIMULATED" if listed.simulated else ""
    click.echo(f"Source {listed.source}{label}\n")
    width = max(len(name) for name in listed.models)
    judged = [model for model in listed.models.values() if model.version is not None]
    widest = max((len(model.answers) for model in judged), default=0)
    for name, model in listed.models.items():
        click.echo(f"{name:<{width}}  {_line(model, widest)}")
    for reason in listed.left_out:
        click.echo(f"left out: {reason}")


def _line(model: "ListedModel", width: int) -> str:
    """What answers, then the figures of a version, which is named: it need not be what answers."""
    if model.version is None:
        verdict = f"{model.verdict}: " if model.verdict else ""
        return f"{verdict}{model.decided_by}"
    return (
        f"{model.answers:<{width}}  {model.metric or '':<16} version {model.version} {_range(model.candidate)}  "
        f"rules {_range(model.baseline)}  ceiling {_range(model.ceiling)}  "
        f"{model.verdict} ({model.decided_by}{_times(model.evaluation)})"
    )


def _times(evaluations: int | None) -> str:
    return f", evaluation {evaluations}" if evaluations and evaluations > 1 else ""


def _range(figure: "Figure | None") -> str:
    if figure is None:
        return "-"
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
