"""`ml-platform retention`: what is past its days and what nothing needs, shown or removed; legal holds."""

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
    open_any_home,
    open_home,
    print_json,
    require_home,
)

if TYPE_CHECKING:
    from ml_platform.application.retention import RetentionOutcome

_SHOWN = 20


@click.group(invoke_without_command=True)
@home_option
@json_option
@click.option("--apply/--dry-run", "apply", help="Remove it; by default it is only shown.")
@click.option("--verbose", is_flag=True, help="Every thing, and what stays although it is old.")
@click.pass_context
def retention(
    context: click.Context, home: Path | None, as_json: bool, apply: bool, verbose: bool
) -> None:
    """What is past its days and what nothing needs: what it is, why, how many, how large.

    Rows of the ledger, files of the home, runs of MLflow and of Dagster have one rule each (docs/retention.md).
    What is in production, in a rollout, was ever promoted or is held stays with all that it needs.

    \b
    hold, lift, holds   a version that must not go, whatever its age
    """
    if context.invoked_subcommand is not None:
        if home is not None:
            open_any_home(home)
        return
    settings = open_home(home)
    require_home(settings)
    from ml_platform.adapters.home_files import at_work

    with at_work(settings.home) if apply else nullcontext():
        outcome = _retained(home, apply)
    if as_json:
        print_json(_plain(outcome))
    else:
        _show(outcome, verbose)


@retention.command()
@click.argument("model")
@click.argument("version", type=int)
@click.option("--reason", required=True, help="Why it must stay; it is kept for ever.")
@actor_option
@home_option
def hold(model: str, version: int, reason: str, actor: str, home: Path | None) -> None:
    """Keep VERSION of MODEL and all that it needs, until `lift`."""
    with connected(home) as platform:
        from ml_platform.application.retention import hold as held

        held(platform, model, version, actor=actor, reason=reason)
    click.echo(f"{model} {version} stays until `ml-platform retention lift {model} {version}`.")


@retention.command()
@click.argument("model")
@click.argument("version", type=int)
@actor_option
@home_option
def lift(model: str, version: int, actor: str, home: Path | None) -> None:
    """Lift the hold of VERSION of MODEL: from now on its rules count again."""
    with connected(home) as platform:
        from ml_platform.application.retention import lift as lifted

        lifted(platform, model, version, actor=actor)
    click.echo(f"{model} {version} is no longer held.")


@retention.command()
@home_option
@json_option
def holds(home: Path | None, as_json: bool) -> None:
    """Every hold, also those that were lifted."""
    with connected(home) as platform:
        found = platform.ledger.legal_holds()
    if as_json:
        print_json({"holds": [{k: str(v) for k, v in asdict(each).items()} for each in found]})
        return
    for each in found:
        lifted = f"; lifted {each.lifted_at:%Y-%m-%d} by {each.lifted_by}" if each.lifted_at else ""
        click.echo(
            f"{each.model} {each.version}  since {each.at:%Y-%m-%d} by {each.actor}: {each.reason}{lifted}"
        )
    if not found:
        click.echo("Nothing is held.")


def _retained(home: Path | None, apply: bool) -> "RetentionOutcome":
    with connected(home, tracking=True) as platform:
        from ml_platform.adapters.services import running_services
        from ml_platform.application.retention import retain
        from ml_platform.cli.instance import dagster_instance
        from ml_platform.defs.retention import KeptDagsterRuns

        settings = platform.settings
        with dagster_instance(settings, running_services(settings)) as instance:
            return retain(platform, [KeptDagsterRuns(instance)], apply=apply)


def _plain(outcome: "RetentionOutcome") -> dict[str, object]:
    return {
        "applied": outcome.applied,
        "bytes": outcome.bytes,
        "kinds": [asdict(line) for line in outcome.summary],
        "removals": [
            {
                "kind": removal.item.kind,
                "key": removal.item.key,
                "things": removal.item.count,
                "bytes": removal.item.bytes,
                "why": removal.why,
            }
            for removal in outcome.removals
        ],
        "kept": outcome.kept,
        "without_rule": outcome.without_rule,
    }


def _show(outcome: "RetentionOutcome", verbose: bool) -> None:
    shown = outcome.removals if verbose else outcome.removals[:_SHOWN]
    for removal in shown:
        item = removal.item
        click.echo(f"{item.kind:<26}{_size(item.bytes)}  {item.key}: {removal.why}")
    if len(shown) < len(outcome.removals):
        click.echo(f"... {len(outcome.removals) - len(shown):,} more (--verbose)")
    for line in outcome.summary:
        click.echo(f"{line.kind:<26}{_size(line.bytes)}  {line.things:,} in all")
    for name in outcome.without_rule:
        click.echo(f"{name}: no rule names it; it stays")
    for kept in outcome.kept if verbose else ():
        click.echo(f"stays  {kept}")
    done = "removed" if outcome.applied else "would go (--apply removes it)"
    click.echo(
        f"{_size(outcome.bytes).strip()} {done}; past its days and needed: {len(outcome.kept):,}"
    )


def _size(size: int) -> str:
    return f"{size / 1e6:>10,.2f} MB"
