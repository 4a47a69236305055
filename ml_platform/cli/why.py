"""`ml-platform why`: which gate decided, on what value, what would change it."""

import json
from pathlib import Path

import click

from ml_platform.cli.options import home_option, json_option, open_home, require_home


@click.command()
@click.argument("model")
@click.argument("version", type=int, required=False)
@home_option
@json_option
def why(model: str, version: int | None, home: Path | None, as_json: bool) -> None:
    """Which gate decided about MODEL [VERSION] (default: the newest), and what would change it."""
    settings = open_home(home)
    require_home(settings)
    from ml_platform import values
    from ml_platform.adapters.services import services
    from ml_platform.errors import UsageError

    with services(settings, tracking=False):
        from ml_platform.application.connections import Connections
        from ml_platform.gates.decide import what_would_change

        ledger = Connections(settings).ledger
        versions = {record.version: record for record in ledger.versions(model)}
        if not versions:
            known = ", ".join(ledger.models()) or "none"
            raise UsageError(
                f"No version of {model!r} is registered (models with one: {known}).",
                remedy="name one of them, or `ml-platform run` first",
            )
        record = versions.get(version if version is not None else max(versions))
        if record is None:
            raise UsageError(
                f"{model} has no version {version}; it has {', '.join(map(str, versions))}.",
                remedy="name one of them",
            )
        refusals = [
            event
            for event in ledger.events(model)
            if event.version == record.version and event.action.value == "refused"
        ]
    if as_json:
        decision = json.loads(values.to_json(record.decision))
        refused = [json.loads(values.to_json(event)) for event in refusals]
        told = {"model": model, "version": record.version, **decision, "refusals": refused}
        click.echo(json.dumps(told))
        return
    click.echo(f"{model} version {record.version}")
    click.echo(what_would_change(record.decision))
    for event in refusals:
        click.echo(f"  refused at {event.at.isoformat()}: " + "; ".join(event.evidence.values()))
