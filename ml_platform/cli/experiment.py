"""`ml-platform experiment`: a question whose criterion is frozen before the run, and its verdict."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ml_platform import values
from ml_platform.cli import experiment_text as text
from ml_platform.cli.options import connected, home_option, json_option, print_json, tell
from ml_platform.clock import parse_moment
from ml_platform.errors import UsageError

if TYPE_CHECKING:
    from ml_platform.experiments.proposal import Proposal


@click.group()
def experiment() -> None:
    """Define what would count as success, freeze it, run both arms, and get PROMOTE, ITERATE or REJECT.

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
    "--baseline", multiple=True, help="default, champion, or key=value; the changes apply to it."
)
@click.option("--metric", default="", help="The primary metric.")
@click.option(
    "--direction", default="", help="higher or lower (default: the declared one of the metric)."
)
@click.option(
    "--minimum-effect",
    type=float,
    help="Least improvement, by the lower bound of the paired interval.",
)
@click.option(
    "--guardrail",
    multiple=True,
    help="METRIC:LIMIT or METRIC:worse-by:LIMIT; also fit_seconds, size_mb, latency_ms. Repeatable.",
)
@click.option("--alpha", type=float, help="Significance level (default 0.05).")
@click.option(
    "--place",
    default="",
    help="Rows to evaluate on: holdout (default: of the training part) or test.",
)
@home_option
@json_option
def new(name: str, file: Path | None, home: Path | None, as_json: bool, **typed: Any) -> None:
    """Define the experiment NAME and freeze its definition; nothing is run yet."""
    from ml_platform.experiments.proposal import Proposal, merged

    proposal = Proposal(name=name, **typed)
    if file is not None:
        proposal = merged(proposal, _proposal_in(file))
    if not proposal.model:
        raise UsageError("The experiment's model: it is missing.", remedy="give --model NAME")
    with connected(home) as platform:
        from ml_platform.application.experiment import define, wall_clock
        from ml_platform.application.stored_experiment import stored_experiment

        define(platform, proposal, wall_clock())
        stored = stored_experiment(platform, name)
    _print(as_json, text.as_json(stored), text.definition_lines(stored))


@experiment.command()
@click.argument("name")
@home_option
@json_option
def run(name: str, home: Path | None, as_json: bool) -> None:
    """Fit both arms of NAME, evaluate them on the same rows, decide.

    The same command again completes a run that was cut off, and prints the result of one that is done.
    """
    with connected(home, tracking=True) as platform:
        from ml_platform.application.experiment import run_experiment, wall_clock

        stored = run_experiment(platform, name, wall_clock, tell)
        url = platform.tracking.run_url(stored.mlflow_run_id)
    _print(as_json, text.as_json(stored, url), [*text.result_lines(stored), f"MLflow: {url}"])


@experiment.command()
@click.argument("names", nargs=-1, required=True)
@home_option
@json_option
def compare(names: tuple[str, ...], home: Path | None, as_json: bool) -> None:
    """Show finished experiments side by side; p is corrected by Holm over those on the same data."""
    with connected(home) as platform:
        from ml_platform.application.experiment import compare_experiments

        lines = compare_experiments(platform, names)
    plain = {"experiments": [json.loads(values.to_json(line)) for line in lines]}
    _print(as_json, plain, text.comparison_lines(lines))


@experiment.command("list")
@home_option
@json_option
def list_all(home: Path | None, as_json: bool) -> None:
    """Every experiment: DEFINED, RUNNING, CUT OFF (run it again), REFUSED or DONE, and its verdict."""
    with connected(home) as platform:
        from ml_platform.application.stored_experiment import stored_experiment

        names = platform.ledger.experiment_names()
        stored = [stored_experiment(platform, name) for name in names]
    _print(as_json, {"experiments": list(map(text.as_json, stored))}, text.list_lines(stored))


@experiment.command()
@click.argument("name")
@click.option("--verify", is_flag=True, help="Compute the verdict again from what is stored.")
@home_option
@json_option
def show(name: str, verify: bool, home: Path | None, as_json: bool) -> int:
    """Show the experiment NAME as it was frozen, and its result. With --verify, exit code 1: a fault."""
    with connected(home) as platform:
        from ml_platform.application.stored_experiment import stored_experiment
        from ml_platform.application.verify_experiment import verify_experiment

        findings = verify_experiment(platform, name) if verify else ()
        faults = [finding for finding in findings if not finding.ok]
        stored = None if faults else stored_experiment(platform, name)
    plain = {} if stored is None else text.as_json(stored)
    if verify:
        plain |= {"ok": not faults, "findings": [asdict(finding) for finding in findings]}
    lines = [] if stored is None else text.result_lines(stored)
    lines += [f"{'ok   ' if f.ok else 'FAULT'}  {f.subject}: {f.detail}" for f in findings]
    _print(as_json, plain, lines)
    return 1 if faults else 0


@experiment.command()
@click.argument("name")
@home_option
@json_option
def adopt(name: str, home: Path | None, as_json: bool) -> None:
    """Fit the next candidate with the parameters of NAME, if its verdict is PROMOTE; the gates then decide."""
    with connected(home) as platform:
        from ml_platform.application.experiment import adopt_experiment

        model = adopt_experiment(platform, name)
    line = f"The next candidate of {model} is fitted with the parameters of {name}."
    _print(as_json, {"model": model, "experiment": name}, [line])


@experiment.command()
@click.option("--as-of", help="The clock, such as 2026-05-01T12:00Z (default: now).")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
@home_option
@json_option
def prune(as_of: str | None, dry_run: bool, home: Path | None, as_json: bool) -> None:
    """Remove experiments older than 90 days that nothing refers to; their log, with hash and verdict, stays."""
    with connected(home) as platform:
        from ml_platform.application.experiment import prune_experiments, wall_clock

        now = parse_moment("--as-of", as_of) if as_of else wall_clock()
        outcomes = prune_experiments(platform, now, dry_run=dry_run)
    action = "would be pruned" if dry_run else "pruned"
    lines = [
        f"{outcome.name}: {action if outcome.prune else 'kept'} ({outcome.why})"
        for outcome in outcomes
    ]
    plain = {"dry_run": dry_run, "experiments": [asdict(outcome) for outcome in outcomes]}
    _print(as_json, plain, lines or ["There are no experiments."])


def _proposal_in(file: Path) -> "Proposal":
    from ml_platform.experiments.proposal import proposal_in

    try:
        return proposal_in(file.read_text(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", remedy="name a TOML file") from error


def _print(as_json: bool, plain: dict[str, Any], lines: list[str]) -> None:
    if as_json:
        print_json(plain)
        return
    for line in lines:
        click.echo(line)
