"""`ml-platform plan`: what a run would make, and why; it makes nothing."""

from pathlib import Path

import click

from ml_platform.adapters.plugins import spec_named
from ml_platform.cli.options import (
    chosen_models,
    home_option,
    json_option,
    models_option,
    open_home,
    print_json,
    require_home,
)


@click.command()
@home_option
@json_option
@models_option
def plan(home: Path | None, as_json: bool, models: str | None) -> None:
    """What `ml-platform run` would make in this home, and why; nothing is made.

    Where the source has to be read again, what follows from it is known once it was read.
    """
    chosen = chosen_models(models)
    settings = open_home(home)
    require_home(settings)
    from ml_platform.adapters.services import services
    from ml_platform.application.assess_readiness import ready_models
    from ml_platform.application.connections import Connections
    from ml_platform.cli.instance import dagster_instance
    from ml_platform.cli.run_text import due_lines
    from ml_platform.defs.partitions import window_key
    from ml_platform.defs.plan import ingestion_due, training_due, watching_due

    with (
        services(settings, tracking=False) as running,
        dagster_instance(settings, running) as instance,
    ):
        platform = Connections(settings)
        reads_source = ingestion_due(platform, instance)
        assessed = ready_models(platform, chosen, were_named=models is not None)
        specs = [spec_named(each.model) for each in assessed if each.will_run]
        due = training_due(platform, instance, specs)
        window = watching_due(platform, instance, specs, window_key(platform.home.as_of))
    assets = sorted(key.to_user_string() for key in {*due.assets, *window})
    if as_json:
        print_json({"source": reads_source, "reasons": due.reasons, "assets": assets})
        return
    click.echo(f"source    {'to be read again' if reads_source else 'as it was read'}")
    if reads_source and not due.assets:
        click.echo("what follows is known once it was read")
    else:
        for line in due_lines(due):
            click.echo(line)
    watched = sorted({key.path[0] for key in window})
    click.echo(f"window    {', '.join(watched) or 'its reports are as they would be'}")
