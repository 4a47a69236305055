"""`ml-platform why`: which gate decided, on what value, what would change it."""

import json
from pathlib import Path

import click

from ml_platform import values
from ml_platform.cli.options import connected, home_option, json_option, print_json


@click.command()
@click.argument("model")
@click.argument("version", type=int, required=False)
@home_option
@json_option
def why(model: str, version: int | None, home: Path | None, as_json: bool) -> None:
    """Which gate decided about MODEL [VERSION] (default: the newest), and what would change it."""
    with connected(home) as platform:
        from ml_platform.application.explain_decision import explain_decision

        explanation = explain_decision(platform, model, version)
    if as_json:
        plain = json.loads(values.to_json(explanation))
        print_json({**plain.pop("decision"), **plain})
        return
    newest = f", evaluation {explanation.evaluation}" if explanation.earlier else ""
    number = explanation.version
    what = f" version {number}" if number else ": a candidate without a version"
    click.echo(f"in production: {explanation.answers}")
    click.echo(f"{model}{what}{newest}")
    click.echo(explanation.text)
    for before in explanation.earlier:
        click.echo(
            f"  evaluation {before.evaluation} at {before.at.isoformat()}: {before.verdict}: "
            f"{before.decided_by} (policy {before.policy_version[:12]}, report {before.report_id[:12]})"
        )
    for event in explanation.refusals:
        reasons = "; ".join(event.evidence.values())
        click.echo(f"  promotion refused at {event.at.isoformat()}: {reasons}")
