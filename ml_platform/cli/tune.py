"""`ml-platform tune`: a search for better parameters, which replace the defaults only where that is proved."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform import values
from ml_platform.adapters.plugins import spec_named
from ml_platform.application.build_training_set import latest_training_set
from ml_platform.cli.options import (
    home_option,
    json_option,
    open_home,
    print_json,
    require_home,
    tell,
)
from ml_platform.settings import Settings
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.evaluation.comparison.tuning import TuningRecord

_COMMAND = "from ml_platform.cli.main import main; main()"


@click.command()
@click.argument("model")
@click.option("--trials", type=click.IntRange(min=1), default=20, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    help="No trial is begun after them; the one under way ends, then comes the verdict.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--worker", type=int, hidden=True)
@click.option("--study", hidden=True)
@home_option
@json_option
def tune(
    model: str,
    home: Path | None,
    as_json: bool,
    worker: int | None,
    study: str | None,
    **choices: Any,
) -> None:
    """Search for better parameters of MODEL on the training part of its latest training set.

    \b
    Optuna searches the model's space by its own evaluator and gate metric, on blocks of time of the training
    part; the defaults are the first trial. The winner is fitted with the next candidate only if it beats
    the default on a last block that the search has not seen, by the lower bound of the paired interval.
    The same command again continues the study: a larger --trials adds to it.

    \b
    Examples:
      ml-platform tune suggestion_scorer
      ml-platform tune pattern_classifier --trials 40 --seconds 1200 --workers 2
    """
    spec = spec_named(model)
    settings = open_home(home)
    require_home(settings)
    record = latest_training_set(settings, spec)
    from ml_platform.adapters.services import services

    helping = worker is not None and study is not None
    with services(settings, tracking=not helping) as running:
        from ml_platform.adapters.training_set_files import load_training_set
        from ml_platform.adapters.tuning import help_search, study_storage_url

        rows = load_training_set(settings.training_sets, record)
        url = study_storage_url(running.urls.ml_platform)
        if worker is not None and study is not None:
            help_search(spec, rows, study_name=study, storage_url=url, worker=worker, progress=tell)
            return
        from ml_platform.application.connections import Connections
        from ml_platform.application.tune import search_and_keep

        workers = choices.pop("workers")
        search = search_and_keep(
            Connections(settings),
            spec,
            rows,
            storage_url=url,
            progress=tell,
            helpers=lambda study: _helpers(settings, spec.name, study, workers - 1),
            **choices,
        )
    if as_json:
        print_json({**json.loads(values.to_json(search.record)), "mlflow": search.run_url})
    else:
        _show(search.record, spec, search.run_url)


@contextmanager
def _helpers(settings: Settings, model: str, study: str, count: int) -> Iterator[None]:
    """``count`` processes of this command that join the study; they cannot outlive this one."""
    from ml_platform.adapters.processes import last_lines, start_server

    started = [
        start_server(
            settings.home,
            f"tune-{number}",
            [sys.executable, "-c", _COMMAND, *_joining(settings, model, study, number)],
            environment=os.environ,
            cwd=Path.cwd(),
        )
        for number in range(1, count + 1)
    ]
    try:
        yield
        for number, process in enumerate(started, start=1):
            if process.wait() != 0:
                tell(f"worker {number} ended early: {last_lines(process.log, 1)}")
    finally:
        for process in started:
            process.stop()


def _joining(settings: Settings, model: str, study: str, number: int) -> list[str]:
    place = ["--home", str(settings.home)]
    return ["tune", model, *place, "--study", study, "--worker", str(number)]


def _show(record: "TuningRecord", spec: ModelSpec, run_url: str) -> None:
    states = [trial.state for trial in record.trials]
    click.echo(
        f"{record.model}: {len(states)} trials ({states.count('pruned')} pruned) in {record.seconds:.0f} s, "
        f"by {record.metric}"
    )
    for name, value in record.best.items():
        default = spec.defaults[name]
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        click.echo(f"  {name:<18} {shown:<10} default {default}")
    click.echo(
        f"On the holdout ({record.holdout_rows} rows, {record.holdout_clusters} clusters): "
        f"default {record.default_value.value:.4f}, tuned {record.tuned_value.value:.4f}"
    )
    after = {"tuned": "the next candidate is fitted with these", "default": "nothing changes"}
    click.echo(f"{record.verdict.upper()}: {record.why}; {after[record.verdict]}")
    click.echo(f"MLflow: {run_url}")
