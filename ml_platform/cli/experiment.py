"""`ml-platform experiment`: a question whose criterion is frozen before the run, and its verdict."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform import values
from ml_platform.cli import experiment_text as text
from ml_platform.cli.options import home_option, json_option, open_home, require_home
from ml_platform.cli.tune import training_set_record
from ml_platform.errors import UsageError
from ml_platform.settings import Settings

if TYPE_CHECKING:
    from ml_platform.application.connections import Connections
    from ml_platform.application.experiment import Rows
    from ml_platform.experiments.proposal import Proposal


@click.group()
def experiment() -> None:
    """Say what would count as success, freeze it, run both arms, get PROMOTE, ITERATE or REJECT.

    \b
    Example:
      ml-platform experiment new slower --model suggestion_scorer \\
        --hypothesis "smaller steps and more trees rank adoption better" \\
        --change learning_rate=0.015 --change iterations=600 \\
        --metric r2 --minimum-effect 0.002 --guardrail latency_ms:5 --guardrail mae:worse-by:0.001
      ml-platform experiment run slower
    """


@experiment.command()
@click.argument("name")
@click.option("--file", "file", type=click.Path(path_type=Path), help="TOML with the same fields.")
@click.option("--model", default="")
@click.option("--hypothesis", default="", help="A sentence that could turn out to be false.")
@click.option(
    "--change",
    multiple=True,
    help="key=value: a parameter, features=a,b (or features=-a,-b), seed=7. Repeatable.",
)
@click.option(
    "--baseline", multiple=True, help="default, champion, or key=value. What changes, changes it."
)
@click.option("--metric", default="", help="The primary metric.")
@click.option("--direction", default="", help="higher or lower (default: known of the metric).")
@click.option("--minimum-effect", type=float, help="By the lower bound of the paired interval.")
@click.option(
    "--guardrail",
    multiple=True,
    help="METRIC:LIMIT or METRIC:worse-by:LIMIT; also fit_seconds, size_mb, latency_ms. Repeatable.",
)
@click.option("--alpha", type=float, help="Default 0.05.")
@click.option("--place", default="", help="holdout (default: of the training part) or test.")
@home_option
@json_option
def new(name: str, file: Path | None, home: Path | None, as_json: bool, **typed: Any) -> None:
    """Define the experiment NAME and freeze it; nothing is run yet."""
    from ml_platform.experiments.proposal import Proposal, merged

    proposal = Proposal(name=name, **typed)
    if file is not None:
        proposal = merged(proposal, _written(file))
    if not proposal.model:
        raise UsageError("The experiment's model: it is missing.", remedy="give --model NAME")
    with _platform(home, tracking=False) as (platform, rows):
        from ml_platform.application.experiment import define, tell, wall_clock

        made = define(platform, proposal, rows, wall_clock())
        told = tell(platform, made.definition.name)
    _answer(as_json, text.as_json(told), text.definition_lines(told))


@experiment.command()
@click.argument("name")
@home_option
@json_option
def run(name: str, home: Path | None, as_json: bool) -> None:
    """Fit both arms of NAME, judge them on the same rows, decide. Run again, it goes on or tells what it found."""
    with _platform(home, tracking=True) as (platform, rows):
        from ml_platform.application.experiment import run as run_experiment
        from ml_platform.application.experiment import wall_clock

        told = run_experiment(platform, name, rows, wall_clock, _tell)
        url = platform.tracking.run_url(told.mlflow_run_id)
    _answer(as_json, text.as_json(told, url), [*text.result_lines(told), f"MLflow: {url}"])


@experiment.command()
@click.argument("names", nargs=-1, required=True)
@home_option
@json_option
def compare(names: tuple[str, ...], home: Path | None, as_json: bool) -> None:
    """Finished experiments side by side; p corrected by Holm over those on the same data."""
    with _platform(home, tracking=False) as (platform, _):
        from ml_platform.application.experiment import tell
        from ml_platform.experiments.comparing import compare as side_by_side

        found = []
        for name in dict.fromkeys(names):
            told = tell(platform, name)
            if told.result is None:
                raise UsageError(
                    f"The experiment {name} is {told.status.value}, it has no result.",
                    remedy=f"`ml-platform experiment run {name}` first",
                )
            found.append((told.experiment.definition, told.result))
        lines = side_by_side(found)
    plain = {"experiments": [json.loads(values.to_json(line)) for line in lines]}
    _answer(as_json, plain, text.comparison_lines(lines))


@experiment.command("list")
@home_option
@json_option
def list_all(home: Path | None, as_json: bool) -> None:
    """Every experiment: DEFINED, RUNNING, CUT OFF (run it again), REFUSED or DONE, and its verdict."""
    with _platform(home, tracking=False) as (platform, _):
        from ml_platform.application.experiment import tell

        found = [tell(platform, name) for name in platform.ledger.experiment_names()]
    plain = {"experiments": [text.as_json(told) for told in found]}
    _answer(as_json, plain, text.list_lines(found))


@experiment.command()
@click.argument("name")
@click.option("--verify", is_flag=True, help="Compute the verdict again from what is stored.")
@home_option
@json_option
def show(name: str, verify: bool, home: Path | None, as_json: bool) -> int:
    """The experiment NAME as it was frozen, and what it found. With --verify, exit code 1 names faults."""
    with _platform(home, tracking=False) as (platform, _):
        from ml_platform.application.experiment import tell, verify_experiment

        findings = verify_experiment(platform, name) if verify else ()
        faults = [finding for finding in findings if not finding.ok]
        told = None if faults else tell(platform, name)
    plain = {} if told is None else text.as_json(told)
    if verify:
        plain |= {"ok": not faults, "findings": [asdict(finding) for finding in findings]}
    lines = [] if told is None else text.result_lines(told)
    lines += [f"{'ok   ' if f.ok else 'FAULT'}  {f.subject}: {f.detail}" for f in findings]
    _answer(as_json, plain, lines)
    return 1 if faults else 0


@experiment.command()
@click.argument("name")
@home_option
@json_option
def adopt(name: str, home: Path | None, as_json: bool) -> None:
    """Fit the next candidate with the parameters of NAME, if its verdict is PROMOTE; the gates then decide."""
    with _platform(home, tracking=False) as (platform, _):
        from ml_platform.application.experiment import adopt as take

        model = take(platform, name)
    told = f"The next candidate of {model} is fitted with the parameters of {name}."
    _answer(as_json, {"model": model, "experiment": name}, [told])


@experiment.command()
@click.option("--as-of", help="The clock, such as 2026-05-01T12:00Z (default: now).")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@home_option
@json_option
def prune(as_of: str | None, dry_run: bool, home: Path | None, as_json: bool) -> None:
    """Take away experiments older than 90 days that nothing refers to; their log, with hash and verdict, stays."""
    with _platform(home, tracking=False) as (platform, _):
        from ml_platform.application.experiment import prune as take_away
        from ml_platform.application.experiment import wall_clock

        now = _moment(as_of) if as_of else wall_clock()
        found = take_away(platform, now, keep=dry_run)
    done = "would be pruned" if dry_run else "pruned"
    lines = [f"{kept.name}: {done if kept.prune else 'kept'} ({kept.why})" for kept in found]
    plain = {"dry_run": dry_run, "experiments": [asdict(kept) for kept in found]}
    _answer(as_json, plain, lines or ["There are no experiments."])


@contextmanager
def _platform(home: Path | None, *, tracking: bool) -> "Iterator[tuple[Connections, Rows]]":
    """The home's connections, and how a model's present training set is loaded."""
    settings: Settings = open_home(home)
    require_home(settings)
    from ml_platform.adapters.services import services

    with services(settings, tracking=tracking):
        from ml_platform.adapters.training_set_files import load_training_set
        from ml_platform.application.connections import Connections

        def rows(spec: Any) -> Any:
            return load_training_set(settings.training_sets, training_set_record(settings, spec))

        yield Connections(settings), rows


def _written(file: Path) -> "Proposal":
    from ml_platform.experiments.proposal import proposal_in

    try:
        return proposal_in(file.read_text(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", remedy="name a TOML file") from error


def _moment(typed: str) -> datetime:
    try:
        found = datetime.fromisoformat(typed.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(
            f"--as-of {typed!r} is not a time.", remedy="write it as 2026-05-01T12:00Z"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _answer(as_json: bool, plain: dict[str, Any], lines: list[str]) -> None:
    for line in [json.dumps(plain)] if as_json else lines:
        click.echo(line)


def _tell(line: str) -> None:
    click.echo(line, err=True)
