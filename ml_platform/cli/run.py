"""`ml-platform run`: events to gated champions and a monitoring report, in one go."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform.cli.options import (
    chosen_models,
    home_option,
    json_option,
    models_option,
    open_home,
    print_json,
    source_options,
    tell,
    verbose_option,
)
from ml_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from ml_platform.application.summarise_run import RunSummary
    from ml_platform.errors import PlatformError


@click.command()
@home_option
@json_option
@verbose_option
@models_option
@click.option(
    "--policy",
    metavar="PRESET|FILE",
    help="Gates that decide: mission (default), relative, or a file (`ml-platform policy`); kept by the home.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Steps at a time; by default as many as there are models, cores and free memory for.",
)
@source_options
def run(
    home: Path | None,
    as_json: bool,
    verbose: bool,
    models: str | None,
    policy: str | None,
    processes: int,
    **choices: Any,
) -> None:
    """Events to gated champions, and their first monitoring reports.

    \b
    Ingests the source, says which models it has enough for, builds features, trains and evaluates a
    candidate of each of these, promotes it if every gate passes, scores the trailing week and writes
    the monitoring reports. HOLD, REJECT (by an integrity gate, too) and INSUFFICIENT (a source that lacks
    what the model needs) are results (exit code 0). A run that was killed is started again with the
    same command.

    \b
    Examples:
      ml-platform run
      ml-platform run --models pattern_classifier,trigger_predictor
      ml-platform run --home /tmp/vite --source git:~/src/vite --policy relative
      ml-platform run --home /tmp/mine --source files:exports --map columns.toml --json
    """
    chosen = chosen_models(models)
    settings = open_home(home)
    from ml_platform import files
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.application.home_policy import keep_policy, policy_name
    from ml_platform.application.settle_home import settle_home
    from ml_platform.cli.instance import dagster_instance
    from ml_platform.cli.run_text import show

    with at_work(settings.home):
        settle_home(settings, **choices)
        if policy is not None:
            keep_policy(settings, policy)
        tell(f"Policy: {policy_name(settings)} (`ml-platform policy show` prints its gates)")
        files.remove_leftovers(settings.home)
        with services(settings) as running, dagster_instance(settings, running) as instance:
            summary, failed = _run_jobs(
                settings, instance, chosen, were_named=models is not None, processes=processes
            )
    if as_json:
        print_json(summary)
    else:
        show(summary, verbose=verbose)
    for failure in failed.values():
        raise failure


def _run_jobs(
    settings: Settings,
    instance: "dg.DagsterInstance",
    chosen: tuple[str, ...],
    *,
    were_named: bool,
    processes: int,
) -> "tuple[RunSummary, dict[str, PlatformError]]":
    """Ingest, train the models that the source has enough for, and monitor them.

    Args:
        settings: Of the home, whose services answer.
        instance: Where the runs are recorded.
        chosen: The models to be trained, of the installed catalogue.
        were_named: Whether a person named them; else those that the home has no tables for are left out.
        processes: How many steps run at a time; 0 for as many as chains, cores and memory allow.

    Returns:
        What came of the models, and the error of each model that failed, which ended no other's.

    Raises:
        UsageError: a model that was named is not usable in this home.
    """
    from ml_platform.adapters.plugins import home_project
    from ml_platform.application.assess_readiness import assess_readiness, record_readiness
    from ml_platform.application.connections import Connections
    from ml_platform.application.summarise_run import summarise_run
    from ml_platform.cli.instance import run_job
    from ml_platform.cli.run_text import readiness_lines
    from ml_platform.defs.partitions import window_key

    run_job("ingestion", instance)
    catalogue = home_project(settings).catalogue
    if were_named:
        for name in chosen:
            catalogue.spec_named(name)
    chosen = tuple(name for name in chosen if name in catalogue.names)
    platform = Connections(settings)
    assessed = assess_readiness(platform, map(catalogue.spec_named, chosen))
    record_readiness(platform, assessed)
    for line in readiness_lines(assessed):
        tell(line)
    without = set(catalogue.names) - {each.model for each in assessed if each.will_run}
    failed = run_job("pipeline", instance, without=without, may_fail=chosen, processes=processes)
    key = window_key(platform.home.as_of)
    without |= set(failed)
    failed |= run_job(
        "monitoring",
        instance,
        partition_key=key,
        without=without,
        may_fail=chosen,
        processes=processes,
    )
    return summarise_run(platform, tuple(name for name in chosen if name not in failed)), failed
