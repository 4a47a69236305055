"""The commands of `ml-platform models` that look: at a model, a moment, the events, two versions, a shadow."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform import values
from ml_platform.cli.options import (
    connected,
    home_option,
    json_option,
    print_json,
    verbose_option,
)
from ml_platform.clock import parse_moment
from ml_platform.registry.lifecycle import Clock

if TYPE_CHECKING:
    from ml_platform.application.change_impact import ChangeImpact
    from ml_platform.application.last_look import GuardedRollout
    from ml_platform.application.show_model import ShownModel
    from ml_platform.registry.comparison import ComparedVersions
    from ml_platform.registry.records import PromotionEvent

clock_option = click.option(
    "--clock",
    type=click.Choice([clock.value for clock in Clock]),
    default=Clock.WALL.value,
    show_default=True,
    help="wall: when it happened; data: up to when the home had events.",
)


@click.command()
@click.argument("model")
@click.argument("version", type=int, required=False)
@home_option
@json_option
def show(model: str, version: int | None, home: Path | None, as_json: bool) -> None:
    """What is in production of MODEL, since when, why, and how to go back; with VERSION also its life."""
    with connected(home) as platform:
        from ml_platform.application.last_look import guarded_rollout
        from ml_platform.application.show_model import show_model

        shown = show_model(platform, model, version)
        guard = guarded_rollout(platform, model, datetime.now(UTC))
    if as_json:
        print_json(
            {
                **json.loads(values.to_json(shown)),
                "guard": json.loads(values.to_json(guard)) if guard else None,
            }
        )
    else:
        _show(shown, guard)


def _show(shown: "ShownModel", guard: "GuardedRollout | None") -> None:
    from ml_platform.cli.run_text import MEANING, ROWS
    from ml_platform.gates.outcome import Verdict
    from ml_platform.registry.records import Status
    from ml_platform.reporting.words import moment_words

    state = shown.state
    rules = "the rules" if state.rules_answer else "nothing"
    since = f" since {moment_words(state.since)}" if state.since else ""
    by = f", by {state.by}" if state.by else ""
    answers = f"version {state.in_production}" if state.in_production else rules
    click.echo(f"{shown.model}: {answers}{since}{by}")
    click.echo(f"  why: {state.why}")
    if state.rollout:
        click.echo(f"  being rolled out: {state.rollout}")
    if guard:
        _show_guard(guard)
    click.echo(f"  way back: {shown.way_back}")
    for command in shown.commands:
        click.echo(f"            {command}")
    for version in state.versions:
        click.echo(
            f"  version {version.version:<3} {version.status:<11} {version.verdict:<8} "
            f"{version.decided_by:<24} {version.artifact[:12]}"
        )
    newest = state.versions[-1]
    if newest.status != Status.PRODUCTION and newest.verdict != Verdict.PROMOTE.value.upper():
        meaning = MEANING[Verdict(newest.verdict.lower())]
        click.echo(f"  {newest.verdict}: {ROWS.get(newest.decided_by, newest.decided_by)};")
        click.echo(f"  {meaning}. Which gates decided it: {shown.why_command}")
    if shown.shown:
        one = shown.shown
        approved = ", approved by a person" if one.approved else ""
        click.echo(f"\nversion {one.version}: {one.status}{approved}; {one.verdict}")
        for event in one.events:
            click.echo(f"  {_line(event)}")


def _show_guard(guard: "GuardedRollout") -> None:
    click.echo(f"    it has seen {guard.seen.words}")
    if guard.looked_at is None:
        click.echo("    its guard has not looked yet: that takes a running service")
        return
    looked = f"{guard.looked_at:%Y-%m-%d %H:%M:%S} UTC"
    click.echo(f"    last look of its guard {looked}: {guard.decision} ({guard.why})")
    for each in guard.guardrails:
        evidence = "nothing to compare with"
        if each.evidence is not None:
            evidence = f"evidence of harm {each.evidence:.3g}, rolled back from {each.limit:,.0f}"
        figures = each.observed
        seen = f"{figures.version:.3g}, others {figures.others:.3g}; " if figures else ""
        click.echo(f"    {each.guardrail:<12} {each.state:<10} {seen}{evidence}")


@click.command()
@click.argument("model")
@home_option
@json_option
def history(model: str, home: Path | None, as_json: bool) -> None:
    """Everything that has happened to the versions of MODEL, oldest first: when, who, why."""
    with connected(home) as platform:
        from ml_platform.application.version_history import events_of

        events = events_of(platform, model)
    if as_json:
        print_json({"model": model, "events": [json.loads(values.to_json(e)) for e in events]})
        return
    for event in events:
        click.echo(_line(event))


def _line(event: "PromotionEvent") -> str:
    from ml_platform.reporting.event_words import event_told

    return (
        f"{event.sequence:>4}  {event.wall:%Y-%m-%d %H:%M:%S} UTC  version {event.version:<3} "
        f"{event.action.value.replace('_', ' '):<12} by {event.actor}: {event_told(event)}"
    )


@click.command()
@click.argument("model")
@click.argument("moment")
@clock_option
@home_option
@json_option
def at(model: str, moment: str, clock: str, home: Path | None, as_json: bool) -> None:
    """What was in production of MODEL at MOMENT, such as 2026-05-01T12:00Z, and on which evidence."""
    when = parse_moment("MOMENT", moment)
    with connected(home) as platform:
        from ml_platform.application.version_history import production_at

        found = production_at(platform, model, when, Clock(clock))
    if as_json:
        print_json(json.loads(values.to_json(found)))
        return
    click.echo(f"{model} at {when.isoformat()} ({clock} clock): {found.answers}")
    if found.champion:
        click.echo(f"  since {found.champion.recorded.isoformat()}, by {found.champion.actor}")
        for name, text in found.champion.why.items():
            click.echo(f"  {name}: {text}")


@click.command()
@click.argument("model")
@click.argument("first")
@click.argument("last")
@clock_option
@home_option
@json_option
def diff(model: str, first: str, last: str, clock: str, home: Path | None, as_json: bool) -> None:
    """What has changed in production of MODEL from the moment FIRST to the moment LAST."""
    moments = parse_moment("FIRST", first), parse_moment("LAST", last)
    with connected(home) as platform:
        from ml_platform.application.version_history import production_diff

        found = production_diff(platform, model, *moments, Clock(clock))
    if as_json:
        print_json(json.loads(values.to_json(found)))
        return
    became = f" -> {found.after.answers}" if found.changed else " at both moments"
    click.echo(f"{model}: {found.before.answers}{became}")
    for event in found.between:
        click.echo(_line(event))


@click.command()
@click.argument("model")
@click.argument("first", type=int)
@click.argument("second", type=int)
@home_option
@json_option
@verbose_option
def compare(
    model: str, first: int, second: int, home: Path | None, as_json: bool, verbose: bool
) -> None:
    """Version SECOND of MODEL against FIRST: metrics on the same rows, schemas, costs, the way back, a verdict."""
    with connected(home) as platform:
        from ml_platform.application.compare_versions import compare_versions, write_comparison

        compared = compare_versions(platform, model, first, second)
        page = write_comparison(platform, compared)
    if as_json:
        print_json({**json.loads(values.to_json(compared)), "page": str(page)})
    else:
        _show_comparison(compared, verbose)
        click.echo(page)


@click.command()
@click.argument("model")
@click.argument("version", type=int, required=False)
@home_option
@json_option
def impact(model: str, version: int | None, home: Path | None, as_json: bool) -> None:
    """Who reads the answers of MODEL, what VERSION (by default the newest) changes for them, and the way back."""
    with connected(home) as platform:
        from ml_platform.adapters.plugins import spec_named
        from ml_platform.application.change_impact import change_impact
        from ml_platform.application.version_history import events_of
        from ml_platform.defs.consumers import consumers_of

        events_of(platform, model)
        found = change_impact(platform, model, version, consumers_of(spec_named(model)))
    if as_json:
        print_json(json.loads(values.to_json(found)))
    else:
        _show_impact(found)


@click.command()
@click.argument("model")
@click.option(
    "--days",
    type=click.IntRange(1, 90),
    default=7,
    show_default=True,
    help="How far to look back.",
)
@home_option
@json_option
def shadow(model: str, days: int, home: Path | None, as_json: bool) -> None:
    """What the version of MODEL in shadow would have said, beside the answers that users were given.

    Of the version that is being rolled out, or else of the last one that was in shadow.
    """
    with connected(home) as platform:
        from ml_platform.application.shadow_report import shadow_report

        found = shadow_report(platform, model, datetime.now(UTC), days=days)
    if as_json:
        print_json(json.loads(values.to_json(found)))
        return
    from ml_platform.reporting.shadow import shadow_lines

    for line in shadow_lines(found):
        click.echo(line)


def _show_impact(found: "ChangeImpact") -> None:
    click.echo(f"{found.model}: version {found.version} ({found.verdict})")
    click.echo(f"  replaces: {found.replaces}")
    click.echo(f"  reaches: {found.reaches}")
    click.echo(f"  read by: {', '.join(found.consumers)}")
    for change in found.schema:
        click.echo(f"  schema: {change.text}{' (breaking)' if change.breaking else ''}")
    if not found.schema:
        click.echo("  schema: takes and answers what is taken and answered now")
    for event in found.past:
        click.echo(f"  before: {_line(event)}")
    click.echo(
        f"  rollbacks: {found.figures.of_production} of {found.figures.promotions} promotions"
    )
    click.echo(f"  way back: {found.rollback_command}")


def _show_comparison(compared: "ComparedVersions", verbose: bool) -> None:
    one, other = compared.first, compared.second
    click.echo(f"{compared.model}: version {other.version} against {one.version}")
    click.echo(
        f"  {compared.rows:,} rows in {compared.clusters:,} clusters, which {compared.rows_of}"
    )
    for metric in compared.metrics:
        if not verbose and metric.metric not in compared.headline:
            continue
        mark = " *" if metric.metric == compared.leading else ""
        click.echo(
            f"  {metric.metric + mark:<28} {metric.first.value:.4f} -> {metric.second.value:.4f}  "
            f"{metric.difference.value:+.4f} [{metric.difference.low:+.4f}, {metric.difference.high:+.4f}]  "
            f"p {metric.p:.2g}"
        )
    for change in compared.schema:
        click.echo(f"  schema: {change.text}{' (breaking)' if change.breaking else ''}")
    for cost in compared.costs:
        click.echo(f"  {cost.name:<28} {cost.first:.4g} -> {cost.second:.4g} {cost.unit}")
    click.echo(f"  way back: {compared.way_back}")
    click.echo(f"{compared.decision.verdict.value.upper()}: {compared.decision.row}")
