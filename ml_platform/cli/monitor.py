"""`ml-platform monitor`: the report of one six-hour window, or the self-test of monitoring."""

from dataclasses import asdict
from pathlib import Path

import click

from ml_platform.cli.options import (
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
    tell,
)
from ml_platform.cli.self_test_text import show_self_test
from ml_platform.clock import parse_boundary
from ml_platform.errors import UsageError
from ml_platform.settings import Settings


@click.command()
@home_option
@json_option
@click.option(
    "--window-end", help="End of the window, such as 2026-05-01T12:00Z (default: the home's clock)."
)
@click.option(
    "--self-test",
    "self_test",
    is_flag=True,
    help="Show how often monitoring cries wolf in this home, and what it finds; at most ten minutes.",
)
def monitor(home: Path | None, as_json: bool, window_end: str | None, self_test: bool) -> int:
    """Predict the trailing week, compare it with the baseline, and decide what follows.

    With --self-test: look at the past weeks of this home as monitoring would have, count false incidents, and plant
    shifts in its rows. Exit code 1: at most one false incident in 30 days is not shown.
    """
    settings = open_home(home)
    state = require_home(settings)
    if self_test:
        if window_end:
            raise UsageError(
                "--self-test looks at the past weeks, not at one window.",
                remedy="leave --window-end out",
            )
        return _self_test(settings, as_json=as_json)
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.services import services
    from ml_platform.application.missed_windows import missed_of, missed_words
    from ml_platform.application.monitor import require_window, summarise_window
    from ml_platform.cli.instance import dagster_instance, run_job
    from ml_platform.cli.run_text import show_monitoring

    end = parse_boundary("--window-end", window_end) if window_end else state.as_of
    require_window(state, end)
    with (
        at_work(settings.home),
        services(settings) as running,
        dagster_instance(settings, running) as instance,
    ):
        from ml_platform.adapters.plugins import home_project
        from ml_platform.application.connections import Connections
        from ml_platform.defs.partitions import window_key

        # Where new events keep coming the features must reach the end of the window first.
        job = "six_hourly" if state.advances else "monitoring"
        run_job(job, instance, partition_key=window_key(end))
        models = home_project(settings).catalogue.models
        platform = Connections(settings)
        summaries = summarise_window(platform, models, end)
        missed = {spec.name: missed_of(platform, spec.name) for spec in models}
    if as_json:
        print_json({name: report and asdict(report) for name, report in summaries.items()})
        return 0
    for name, report in summaries.items():
        if report is None:
            click.echo(
                f"{name}  INSUFFICIENT: it has neither champion nor rules (`ml-platform status`)"
            )
        else:
            show_monitoring(name, report)
        if missed[name]:
            click.echo(f"  missed: {missed_words(missed[name])}")
    return 0


def _self_test(settings: Settings, *, as_json: bool) -> int:
    """Run the self-test, show it, and return the exit code: 0 where the objective holds."""
    from ml_platform.adapters.home_files import at_work
    from ml_platform.adapters.plugins import home_project
    from ml_platform.adapters.services import services
    from ml_platform.application.connections import Connections
    from ml_platform.application.self_test import self_test
    from ml_platform.monitoring.self_test.result import Outcome

    with at_work(settings.home), services(settings):
        models = home_project(settings).catalogue.models
        kept = self_test(Connections(settings), models, tell)
    holds = kept.result.outcome is Outcome.HOLDS
    if as_json:
        print_json({"ok": holds, "path": str(kept.path), **asdict(kept.result)})
    else:
        show_self_test(kept.result, kept.path)
    return int(not holds)
