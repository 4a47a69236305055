"""`ml-platform alerts`: open incidents, what happened to one, who takes care of it, and silences."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.cli.model_changes import actor_option
from ml_platform.cli.options import connected, home_option, json_option, print_json
from ml_platform.clock import parse_moment
from ml_platform.values import to_json

if TYPE_CHECKING:
    from ml_platform.application.incidents import IncidentInDetail, ListedIncident, ListedSilence

_KINDS = (
    "feature_drift",
    "prediction_drift",
    "changed_reasons",
    "performance",
    "missing_labels",
    "missed_run",
)
reason_option = click.option("--reason", required=True, help="Why; it is kept.")


@click.group()
def alerts() -> None:
    """Incidents that monitoring has found: one a cause, however many windows see it (docs/monitoring.md)."""


@alerts.command("list")
@click.option("--model", help="Of one model (default: every one).")
@click.option("--all", "resolved", is_flag=True, help="Also those that are over.")
@home_option
@json_option
def list_(model: str | None, resolved: bool, home: Path | None, as_json: bool) -> None:
    """Open incidents, the newest first, and the silences that hold."""
    with connected(home) as platform:
        from ml_platform.application.incidents import list_incidents

        _require_model(model)
        listed = list_incidents(platform, model, resolved=resolved)
    if as_json:
        print_json(json.loads(to_json(listed)))
        return
    for incident in listed.incidents:
        click.echo(_line(incident))
    if not listed.incidents:
        click.echo("No incident is open." if not resolved else "There has been no incident.")
    for silence in listed.silences:
        click.echo(_silence_line(silence))


@alerts.command()
@click.argument("incident_id")
@home_option
@json_option
def show(incident_id: str, home: Path | None, as_json: bool) -> None:
    """One incident: what was seen, since when it changes, what happened to it, and its runbook."""
    with connected(home) as platform:
        from ml_platform.application.incidents import show_incident

        detail = show_incident(platform, incident_id)
    if as_json:
        print_json(json.loads(to_json(detail)))
    else:
        _show(detail)


@alerts.command()
@click.argument("incident_id")
@reason_option
@actor_option
@home_option
@json_option
def ack(incident_id: str, reason: str, actor: str, home: Path | None, as_json: bool) -> None:
    """Say that you take care of INCIDENT_ID: it tells only of what is graver, and of its end.

    After a retraining that did not help this also lets the next one be tried.
    """
    with connected(home) as platform:
        from ml_platform.application.incidents import acknowledge_incident

        incident = acknowledge_incident(platform, incident_id, by=actor, reason=reason)
    if as_json:
        print_json(json.loads(to_json(incident)))
    else:
        click.echo(_line(incident))


@alerts.command()
@click.option("--model", help="Of one model (default: every one).")
@click.option("--kind", type=click.Choice(_KINDS), help="Of one kind (default: every one).")
@click.option(
    "--until", required=True, help="Its end by the home's clock, such as 2026-05-01T12:00Z."
)
@click.option(
    "--critical",
    is_flag=True,
    help="With --kind performance: hide CRITICAL losses of performance as well.",
)
@reason_option
@actor_option
@home_option
@json_option
def silence(
    model: str | None,
    kind: str | None,
    until: str,
    critical: bool,
    reason: str,
    actor: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Get no messages of some incidents until a moment; they are listed all the same.

    A CRITICAL loss of performance is told even so, unless --kind performance --critical names it.
    """
    end = parse_moment("--until", until)
    with connected(home) as platform:
        from ml_platform.application.incidents import silence_incidents
        from ml_platform.monitoring.incidents.events import EVERY_MODEL
        from ml_platform.monitoring.incidents.kinds import IncidentKind

        _require_model(model)
        said = silence_incidents(
            platform,
            model or EVERY_MODEL,
            IncidentKind(kind) if kind else None,
            end,
            by=actor,
            reason=reason,
            hides_critical=critical,
        )
    if as_json:
        print_json(json.loads(to_json(said)))
    else:
        click.echo(_silence_line(said))


def _require_model(model: str | None) -> None:
    """Refuse a name that no model has.

    Raises:
        UsageError: there is no such model.
    """
    if model is not None:
        from ml_platform.adapters.plugins import spec_named

        spec_named(model)


def _line(incident: "ListedIncident") -> str:
    roots = ", ".join(incident.roots[:3]) + (", ..." if len(incident.roots) > 3 else "")
    parts = [
        f"{incident.severity.upper():<8} {incident.incident_id}",
        incident.status + (f" by {incident.acknowledged_by}" if _taken(incident) else ""),
        roots,
        f"{incident.windows} windows, {incident.first_seen:%Y-%m-%d %H:%M} to "
        f"{incident.last_seen:%Y-%m-%d %H:%M} UTC",
    ]
    if incident.silenced_until is not None:
        parts.append(f"silenced until {incident.silenced_until:%Y-%m-%d %H:%M} UTC")
    if incident.same_cause:
        parts.append(f"the same cause as {', '.join(incident.same_cause)}")
    return "; ".join(parts)


def _taken(incident: "ListedIncident") -> bool:
    return incident.status == "acknowledged"


def _silence_line(each: "ListedSilence") -> str:
    kind = each.kind or "every kind"
    model = "every model" if each.model == "*" else each.model
    critical = ", CRITICAL too" if each.hides_critical else ""
    return (
        f"silence of {model}, {kind}{critical}, until {each.until:%Y-%m-%d %H:%M} UTC "
        f"by {each.by}: {each.reason}"
    )


def _show(detail: "IncidentInDetail") -> None:
    incident = detail.incident
    click.echo(_line(incident))
    for words in incident.words:
        click.echo(f"  - {words}")
    if incident.worst is not None:
        click.echo(f"  worst: {incident.worst:.3g}")
    if incident.acknowledged_by:
        click.echo(
            f"  {incident.acknowledged_by} takes care of it: {incident.acknowledged_because}"
        )
    if detail.began is not None:
        began = detail.began
        click.echo(
            f"  began to change in the six hours before {began.window_end:%Y-%m-%d %H:%M} UTC, "
            f"by {began.change:+.3f} (p {began.p_value:.4f}, {began.windows} windows)"
        )
    for event in detail.events:
        by = f" by {event.by}" if event.by else ""
        told = ", told" if event.told else ""
        click.echo(f"  {event.at:%Y-%m-%d %H:%M} UTC {event.happening.value}{by}{told}")
    click.echo(f"  runbook: {incident.runbook}")
