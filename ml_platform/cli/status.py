"""`ml-platform status`: what is in production, since when, why."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.cli.options import home_option, json_option, open_home, require_home

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections


@click.command()
@home_option
@json_option
def status(home: Path | None, as_json: bool) -> None:
    """What is in production, since when, why; and what was registered, refused and watched."""
    settings = open_home(home)
    state = require_home(settings)
    from ml_platform.adapters.services import services

    with services(settings, tracking=False):
        from ml_platform.application.connections import Connections
        from ml_platform.models.catalogue import MODELS

        platform = Connections(settings)
        told = {
            "home": str(settings.home),
            "source": state.source.label,
            "as_of": state.as_of.isoformat(),
            "rows": platform.lake.counts(),
            "models": {spec.name: _model(platform, spec.name) for spec in MODELS},
        }
    if as_json:
        click.echo(json.dumps(told))
    else:
        _show(told)


def _model(platform: "Connections", model: str) -> dict[str, Any]:
    from ml_platform.cli.summary import monitoring_summary
    from ml_platform.registry.lifecycle import in_production, statuses

    ledger = platform.ledger
    events = ledger.events(model)
    production = in_production(events, model)
    reports = ledger.monitoring_reports(model, limit=1)
    of = statuses(events, model)
    return {
        "in_production": production.version if production else None,
        "since": production.since.isoformat() if production else None,
        "why": _why(production.why) if production else _why_none(platform, model),
        "versions": [
            {
                "version": record.version,
                "status": of[record.version].value,
                "verdict": record.decision.verdict.value.upper(),
                "decided_by": record.decision.row,
                "registered_at": record.registered_at.isoformat(),
                "artifact": record.artifact_sha256,
                "parent": record.parent,
                "size_bytes": record.size_bytes,
                "framework": record.framework,
            }
            for record in ledger.versions(model)
        ],
        "monitoring": monitoring_summary(reports[0]) if reports else None,
    }


def _why_none(platform: "Connections", model: str) -> str:
    from ml_platform.application.insufficient import reason_not_trained

    missing = reason_not_trained(platform, model)
    return f"INSUFFICIENT: {missing}" if missing else "no candidate has earned it: the rules answer"


def _why(evidence: dict[str, str]) -> str:
    """The evidence of a promotion in one line."""
    return (
        f"{evidence['decision_row']} (report {evidence['report_id'][:12]}, "
        f"policy {evidence['policy_version'][:12]}, checks {evidence['checks']})"
    )


def _show(told: dict[str, Any]) -> None:
    click.echo(f"Home {told['home']}: {told['source']}, as of {told['as_of']}")
    click.echo("  " + ", ".join(f"{rows:,} {name}" for name, rows in told["rows"].items() if rows))
    for name, model in told["models"].items():
        version = model["in_production"]
        click.echo(
            f"\n{name}: " + (f"version {version} since {model['since']}" if version else "rules")
        )
        click.echo(f"  why: {model['why']}")
        for entry in model["versions"]:
            click.echo(
                f"  version {entry['version']:<3} {entry['status']:<11} {entry['verdict']:<8} "
                f"{entry['decided_by']:<24} {entry['artifact'][:12]}  {entry['size_bytes'] / 1e6:.1f} MB"
            )
        report = model["monitoring"]
        if report:
            click.echo(
                f"  last report {report['window'][1]}: {report['light']}, {report['decision']} "
                f"({report['decided_by']})"
            )
