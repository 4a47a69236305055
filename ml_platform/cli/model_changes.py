"""The commands of `ml-platform models` that change where a version stands; the ledger keeps who and why."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ml_platform.cli.options import (
    connected,
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
    tell,
)

if TYPE_CHECKING:
    from ml_platform.application.roll_back import RolledBack

F = TypeVar("F", bound=Callable[..., Any])

actor_option = click.option(
    "--actor", default=getpass.getuser, show_default="who is logged in", help="Who asks for it."
)
reason_option = click.option(
    "--reason", required=True, help="Why; it stands in the chain for ever."
)
MLFLOW_FOLLOWS = "MLflow follows while `ml-platform up` runs, or with the next run."


def change_options(command: F) -> F:
    """Add the options that every change has."""
    for option in (json_option, home_option, actor_option, reason_option):
        command = option(command)
    return command


@click.command()
@click.argument("model")
@click.option("--to", help="The number of an earlier champion, or `rules`.")
@change_options
def rollback(
    model: str, to: str | None, reason: str, actor: str, home: Path | None, as_json: bool
) -> None:
    """Take away what is being rolled out of MODEL, or go back to the champion before.

    One transaction: it waits for no run and asks for no checks, no training data and no MLflow. What is taken
    away is held until `resume`. From a first champion it goes to the rules; from the rules back to the champion
    that --to names.
    """
    with connected(home) as platform:
        from ml_platform.application.change_version import asked
        from ml_platform.application.roll_back import roll_back

        done = roll_back(platform, model, asked(platform, actor, reason), to)
        home_option = platform.settings.home_option
    if as_json:
        print_json(done)
    else:
        _show_rollback(done, home_option)


@click.command()
@click.argument("model")
@change_options
def retire(model: str, reason: str, actor: str, home: Path | None, as_json: bool) -> None:
    """Let the rules answer for MODEL, whose version in production takes features that are gone.

    Refused while each of them is there. The version is held until `resume`.
    """
    with connected(home) as platform:
        from ml_platform.adapters.plugins import spec_named
        from ml_platform.application.change_version import asked
        from ml_platform.application.retire import retire as retired

        done = retired(platform, spec_named(model), asked(platform, actor, reason))
        home_option = platform.settings.home_option
    if as_json:
        print_json(done)
    else:
        _show_rollback(done, home_option)


def _show_rollback(done: "RolledBack", home_option: str) -> None:
    from ml_platform.registry.rollbacks import resume_command

    for fault in done.passed_over:
        click.echo(f"passed over: {fault}")
    if done.left is None:
        click.echo(f"{done.model}: {done.answers} answers again. {MLFLOW_FOLLOWS}")
        return
    click.echo(f"{done.model}: version {done.left} is taken away; answering now: {done.answers}")
    lift = resume_command(done.model, done.left, home_option=home_option)
    click.echo(f"It is held until `{lift}`. {MLFLOW_FOLLOWS}")


def _change(name: str, help_text: str) -> click.Command:
    """The command that makes one of the changes of `application.change_version`."""

    @click.command(name, help=help_text)
    @click.argument("model")
    @click.argument("version", type=int)
    @change_options
    def command(
        model: str, version: int, reason: str, actor: str, home: Path | None, as_json: bool
    ) -> None:
        with connected(home) as platform:
            from ml_platform.application.change_version import asked, change_version
            from ml_platform.registry.rollbacks import way_back

            request = asked(platform, actor, reason)
            events = change_version(platform, name, model, version, request)
            history = platform.ledger.history(model)
            status = history.life(version).status.value
            back = way_back(history, platform.settings.home_option)
        if as_json:
            print_json(
                {
                    "model": model,
                    "version": version,
                    "status": status,
                    "events": [event.sequence for event in events],
                }
            )
        else:
            done = "" if events else " (it was approved already)"
            lifted = " (no longer held)" if name == "resume" else ""
            click.echo(f"{model} {version}: {status}{lifted}{done}")
            if history.state.production is None and history.state.rollout is None:
                click.echo("The rules go on answering" + (" until:" if back.commands else "."))
                for line in back.commands:
                    click.echo(f"  {line}")

    return command


approve = _change(
    "approve", "Agree that VERSION of MODEL, as it was last evaluated, is rolled out."
)
hold = _change(
    "hold", "Let nothing happen to VERSION of MODEL any more; of a rollout nobody gets it."
)
resume = _change(
    "resume", "Lift a hold: VERSION of MODEL goes on where it was, or may be promoted again."
)


@click.command()
@click.argument("model")
@click.option(
    "--skip-step", is_flag=True, help="Lead the rollout on before its step has seen enough."
)
@click.option("--reason", help="Why; asked for with --skip-step.")
@actor_option
@home_option
@json_option
def promote(
    model: str,
    skip_step: bool,
    reason: str | None,
    actor: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Ask for the promotion of the newest version of MODEL; without a permit it is refused with every reason.

    By the policy `ramp` a rollout begins instead.
    """
    if skip_step:
        _skip(model, actor, reason or "", home)
    else:
        _materialise_champion(model, home)
    with connected(home) as platform:
        from ml_platform.application.show_model import show_model

        state = show_model(platform, model, None).state
    answers = f"version {state.in_production}" if state.in_production else "no champion"
    if as_json:
        print_json({"model": model, "in_production": state.in_production, "rollout": state.rollout})
    else:
        click.echo(f"{model}: {answers}" + (f"; {state.rollout}" if state.rollout else ""))


def _skip(model: str, actor: str, reason: str, home: Path | None) -> None:
    with connected(home) as platform:
        from ml_platform.application.change_version import asked
        from ml_platform.application.guard_rollout import skip_step

        skip_step(platform, model, asked(platform, actor, reason))


def _materialise_champion(model: str, home: Path | None) -> None:
    """The asset of the champion alone: a request for promotion (docs/registry.md)."""
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.plugins import installed_catalogue
    from ml_platform.adapters.services import services

    settings = open_home(home)
    require_home(settings)
    installed_catalogue().spec_named(model)
    with at_work(settings.home), services(settings) as running:
        import dagster as dg

        from ml_platform.cli.instance import dagster_instance, run_job

        with dagster_instance(settings, running) as instance:
            tell(f"{model}/champion: its evidence is checked again")
            run_job(f"train_{model}", instance, only=[dg.AssetKey([model, "champion"])])
