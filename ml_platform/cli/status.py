"""`ml-platform status`: what is in production, since when, why."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.options import connected, home_option, json_option, print_json, verbose_option

if TYPE_CHECKING:
    from ml_platform.application.status import HomeStatus, ModelStatus


@click.command()
@home_option
@json_option
@verbose_option
def status(home: Path | None, as_json: bool, verbose: bool) -> None:
    """Show what is in production, since when and why; every version, the last monitoring report.

    Messages that a receiver has not taken yet stand there too, with the last error.
    """
    with connected(home) as platform:
        from ml_platform.application.status import home_status

        state = home_status(platform)
    if as_json:
        print_json(state)
    else:
        _show(state, verbose)


def _show(state: "HomeStatus", verbose: bool) -> None:
    click.echo(f"Home {state.home}: {state.source}, as of {state.as_of}")
    click.echo("  " + ", ".join(f"{rows:,} {name}" for name, rows in state.rows.items() if rows))
    if state.waiting_rows:
        click.echo(
            f"  waiting: {state.waiting_rows:,} rows that came by HTTP; `ml-platform ingest`"
        )
    for waiting in state.undelivered:
        error = f"; last error: {waiting.last_error}" if waiting.last_error else ""
        click.echo(
            f"  undelivered: {waiting.messages} to {waiting.receiver} since {waiting.since}{error}"
        )
    for name, model in state.models.items():
        _show_model(name, model, verbose)


def _show_model(name: str, model: "ModelStatus", verbose: bool) -> None:
    from ml_platform.application.missed_windows import missed_words
    from ml_platform.reporting.words import moment_words

    champion = (
        f"version {model.in_production} since {moment_words(model.since)}" if model.since else ""
    )
    otherwise = "rules" if model.rules_answer else "nothing"
    click.echo(f"\n{name}: " + (champion if model.in_production else otherwise))
    click.echo(f"  why: {model.why}")
    if model.rollout:
        click.echo(f"  being rolled out: {model.rollout}")
    back = model.rollbacks
    if back.of_production or back.of_rollouts:
        recovered = f", {back.hours_to_recover:.1f} h to recover" if back.hours_to_recover else ""
        click.echo(
            f"  rollbacks: {back.of_production} of {back.promotions} promotions{recovered}; "
            f"{back.of_rollouts} of rollouts"
        )
    if verbose and model.checks:
        click.echo(f"  checks: {', '.join(model.checks)}")
    for version in model.versions:
        click.echo(
            f"  version {version.version:<3} {version.status:<11} {version.verdict:<8} "
            f"{version.decided_by:<24} {version.artifact[:12]}  {version.size_bytes / 1e6:.1f} MB"
            f"{f', {version.evaluations} evaluations' if version.evaluations > 1 else ''}"
        )
    report = model.monitoring
    if report:
        click.echo(
            f"  last report {report.window[1]}: {report.light}, {report.decision} "
            f"({report.decided_by})"
        )
    if model.missed_windows:
        click.echo(
            f"  missed: {missed_words(tuple(map(datetime.fromisoformat, model.missed_windows)))}"
        )
