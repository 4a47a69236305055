"""The summary of a run as people read it on a terminal."""

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.gates.outcome import Outcome, Verdict
from ml_platform.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml_platform.application.assess_readiness import Readiness
    from ml_platform.application.summarise_monitoring import MonitoringSummary
    from ml_platform.application.summarise_run import (
        Figure,
        GateSummary,
        ModelSummary,
        RunSummary,
    )
    from ml_platform.defs.plan import Due

MEANING = {
    Verdict.PROMOTE: "it becomes the champion: predictions come from it",
    Verdict.HOLD: "it is kept as a version but not promoted: production stays as it is",
    Verdict.REJECT: "it is registered as deprecated and never promoted: production stays as it is",
}
"""The consequence of each verdict, printed beside it."""
ROWS = {
    "not shown either way": "the data do not show that it is better than its limits, nor that it is worse",
    "too little evidence": "there is too little data to judge it by",
}
"""Rows of the table of verdicts in other words, for those whose name does not say it to a newcomer."""
STOPPED = "an integrity gate stops it: it gets no version, production stays as it is"


def readiness_lines(assessed: "Sequence[Readiness]") -> "Iterator[str]":
    """A table before any training: each model, what it needs, what the source has, and why it cannot run."""
    titles = ("model", "needs", "has", "")
    rows = [titles] + [
        (
            item.model,
            item.needs,
            item.has,
            (item.reason and f"not trained: {item.reason}") or "runs",
        )
        for item in assessed
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[3]]).rstrip()


def due_lines(due: "Due") -> "Iterator[str]":
    """A line for the features and each model that are made again, and why; one line if nothing is."""
    if not due.assets:
        yield "Nothing new: features, candidates and verdicts are as they were (--force makes them again)"
    for name, reason in due.reasons.items():
        yield f"{name}  {reason}"


def show(summary: "RunSummary", *, verbose: bool) -> None:
    """Print the models, their monitoring reports, and the commands to go on with.

    Without ``verbose`` that is a line a model, then the gates that did not pass, then the lights of monitoring.
    """
    label = "  SIMULATED" if summary.simulated else ""
    click.echo(f"\nSource {summary.source}{label}, as of {summary.as_of}, policy {summary.policy}")
    if verbose:
        _show_everything(summary)
    else:
        _show_in_short(summary)
    click.echo(f"\nNext: `{_command('up')}` opens Dagster and MLflow;")
    click.echo(f"      `{_command('models')}` lists the models in a line each;")
    judged = [name for name, model in summary.models.items() if model.gates]
    for name in judged[:1]:
        click.echo(f"      `{_command('why', name)}` explains a verdict.")


def _show_everything(summary: "RunSummary") -> None:
    for name, model in summary.models.items():
        _show_model(name, model)
    for name, report in summary.monitoring.items():
        if report:
            click.echo()
            show_monitoring(name, report)


def _show_in_short(summary: "RunSummary") -> None:
    click.echo()
    width = max((len(name) for name in summary.models), default=0)
    for name, model in summary.models.items():
        click.echo(f"{name:<{width}}  {_line(model)}")
    lacking = [(name, *row) for name, model in summary.models.items() for row in _lacking(model)]
    if lacking:
        click.echo("\nGates that did not pass (--verbose shows the others):")
    widths = [max((len(row[place]) for row in lacking), default=0) for place in range(3)]
    for *cells, text in lacking:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        click.echo("  ".join([*padded, text]))
    lights = [
        f"{name} {report.light}" + ("" if report.light == "GREEN" else f" ({report.decision})")
        for name, report in summary.monitoring.items()
        if report
    ]
    if lights:
        click.echo(f"\nMonitoring: {', '.join(lights)}")


def _lacking(model: "ModelSummary") -> "list[tuple[str, str, str]]":
    """Outcome, gate and value of the gates that did not pass; those without a value for one reason in one row."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for gate in model.gates:
        if gate.outcome not in (Outcome.FAIL.words, Outcome.INSUFFICIENT.words):
            continue
        value = _value(gate)
        # Of "METRIC is not defined on these ROWS: REASON" gates share the reason.
        reason = gate.explanation.partition(": ")[2] or gate.explanation
        key = (gate.words, gate.name, value) if value else (gate.words, "", reason)
        grouped.setdefault(key, []).append(gate.name)
    return [(words, ", ".join(names), text) for (words, _, text), names in grouped.items()]


def _line(model: "ModelSummary") -> str:
    """Verdict, what answers, and the first figure that the model is known by beside rules and ceiling."""
    if not model.gates:
        return f"{model.verdict:<12}  {model.decided_by}"
    answers = _what_answers(model)
    metric = next((name for name in model.headline if name in model.metrics), None)
    subjects = (("", model.metrics), ("rules ", model.baseline), ("ceiling ", model.ceiling))
    figures = [
        f"{title}{_figure(metric, values) if not title else format(values[metric].value, '.3f')}"
        for title, values in subjects
        if metric and values and metric in values
    ]
    return "  ".join([f"{model.verdict:<12}", f"{answers:<10}", *figures, f"({model.decided_by})"])


def _what_answers(model: "ModelSummary") -> str:
    if model.in_production:
        return f"version {model.in_production}"
    return "the rules" if model.rules_answer else "no version"


def show_monitoring(name: str, report: "MonitoringSummary") -> None:
    """Print one monitoring report in a line, and its causes."""
    click.echo(
        f"Monitoring of {name} ({report.version}): {report.light} over {report.rows:,} rows "
        f"to {report.window[1][:16]}Z; drift {report.drift}, performance {report.performance}; "
        f"{report.decision} ({report.decided_by}, confidence {report.confidence})"
    )
    for cause in report.causes:
        click.echo(f"  - {cause}")
    if report.likely_causes:
        click.echo("  Likely causes, the likeliest first:")
    for place, cause in enumerate(report.likely_causes, start=1):
        click.echo(f"  {place}. {cause}")
    if report.suggestion:
        click.echo(f"  Suggested: {report.suggestion}")


def _command(*words: str) -> str:
    """A command that can be pasted: as this one was called, with its home where it is not the default."""
    home = read_settings().home
    home_words = () if home == Path(".ml_platform").resolve() else ("--home", str(home))
    program = Path(sys.argv[0])
    with suppress(ValueError):
        program = program.relative_to(Path.cwd())
    return shlex.join([str(program), *words, *home_words])


def _show_model(name: str, model: "ModelSummary") -> None:
    if not model.gates:
        click.echo(f"\n{name}: {model.verdict}: {model.decided_by}")
        return
    number = f" version {model.version}" if model.version else ", not registered"
    click.echo(
        f"\n{name}{number}: {model.verdict} ({model.decided_by}); "
        f"{_what_answers(model)} in production"
    )
    meaning = MEANING[Verdict(model.verdict.lower())] if model.version else STOPPED
    click.echo(f"  {model.verdict}: {meaning}")
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
        click.echo(_gate(gate))


def _figure(metric: str, figures: "dict[str, Figure]") -> str:
    figure = figures[metric]
    return f"{metric} {figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _gate(gate: "GateSummary") -> str:
    return f"  {gate.words:<12} {gate.name:<14} {_value(gate) or gate.explanation}"


def _value(gate: "GateSummary") -> str:
    """The value with its interval and limit; empty where there is no value."""
    if gate.value is None:
        return ""
    interval = "" if gate.low is None else f" [{gate.low:.4g}, {gate.high:.4g}]"
    limit = "" if gate.limit is None else f", limit {gate.limit:g}"
    return f"{gate.value:.4g}{interval}{limit}"
