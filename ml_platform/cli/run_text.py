"""The summary of a run as people read it on a terminal."""

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.gates.outcome import Verdict
from ml_platform.settings import read_settings

if TYPE_CHECKING:
    from ml_platform.application.summarise_monitoring import MonitoringSummary
    from ml_platform.application.summarise_run import (
        Figure,
        GateSummary,
        ModelSummary,
        RunSummary,
    )

MEANING = {
    Verdict.PROMOTE: "it becomes the champion: predictions come from it",
    Verdict.HOLD: "it is kept as a version but not promoted: production stays as it is",
    Verdict.REJECT: "it is registered as deprecated and never promoted: production stays as it is",
}
"""The consequence of each verdict, printed beside it."""


def show(summary: "RunSummary") -> None:
    """Print the models, their monitoring reports, and the commands to go on with."""
    label = "  SIMULATED" if summary.simulated else ""
    click.echo(f"\nSource {summary.source}{label}, as of {summary.as_of}")
    for name, model in summary.models.items():
        _show_model(name, model)
    for name, report in summary.monitoring.items():
        if report:
            click.echo()
            show_monitoring(name, report)
    click.echo(f"\nNext: `{_command('up')}` opens Dagster and MLflow;")
    click.echo(f"      `{_command('models')}` lists the models in a line each;")
    for name in list(summary.models)[:1]:
        click.echo(f"      `{_command('why', name)}` explains a verdict.")


def show_monitoring(name: str, report: "MonitoringSummary") -> None:
    """Print one monitoring report in a line, and its causes."""
    click.echo(
        f"Monitoring of {name} ({report.version}): {report.light} over {report.rows:,} rows "
        f"to {report.window[1][:16]}Z; drift {report.drift}, performance {report.performance}; "
        f"{report.decision} ({report.decided_by}, confidence {report.confidence})"
    )
    for cause in report.causes:
        click.echo(f"  - {cause}")


def _command(*words: str) -> str:
    """A command that can be pasted: as this one was called, with its home where it is not the default."""
    home = read_settings().home
    home_words = () if home == Path(".ml_platform").resolve() else ("--home", str(home))
    program = Path(sys.argv[0])
    with suppress(ValueError):
        program = program.relative_to(Path.cwd())
    return shlex.join([str(program), *words, *home_words])


def _show_model(name: str, model: "ModelSummary") -> None:
    if model.version is None:
        click.echo(f"\n{name}: {model.verdict}: {model.decided_by}")
        return
    answers = f"version {model.in_production}" if model.in_production else "the rules"
    click.echo(
        f"\n{name} version {model.version}: {model.verdict} ({model.decided_by}); "
        f"{answers} in production"
    )
    click.echo(f"  {model.verdict}: {MEANING[Verdict(model.verdict.lower())]}")
    for title, figures in (
        ("candidate", model.metrics),
        ("rules", model.baseline),
        ("dummy", model.dummy),
        ("challenged", model.challenged),
        ("ceiling", model.ceiling),
    ):
        if figures:
            shown = [_figure(metric, figures) for metric in model.headline if metric in figures]
            click.echo(f"  {title:<10} " + "  ".join(shown))
    if model.distance_to_ceiling:
        distances = model.distance_to_ceiling.items()
        click.echo("  to ceiling " + "  ".join(f"{metric} {gap:+.3f}" for metric, gap in distances))
    for gate in model.gates:
        _show_gate(gate)


def _figure(metric: str, figures: "dict[str, Figure]") -> str:
    figure = figures[metric]
    return f"{metric} {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _show_gate(gate: "GateSummary") -> None:
    if gate.value is None:
        click.echo(f"  {gate.outcome:<12} {gate.name:<14} {gate.explanation}")
        return
    interval = "" if gate.low is None else f" [{gate.low:.4g}, {gate.high:.4g}]"
    limit = "" if gate.limit is None else f", limit {gate.limit:g}"
    click.echo(f"  {gate.outcome:<12} {gate.name:<14} {gate.value:.4g}{interval}{limit}")
