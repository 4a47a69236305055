"""The result of the self-test of monitoring as text: a line a model, then the home."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    from ml_platform.monitoring.self_test.planted import PlantedShifts
    from ml_platform.monitoring.self_test.result import ModelSelfTest, SelfTest

_FLAGGED_NAMES = 3


def show_self_test(result: "SelfTest", path: Path) -> None:
    """Print the table, what the home comes to, and where it is kept."""
    width = max(len(model.model) for model in result.models)
    label = "SIMULATED  " if result.simulated else ""
    click.echo(
        f"{label}rows until {result.as_of:%Y-%m-%dT%H:%MZ}; planted: found/INSUFFICIENT/missed"
    )
    click.echo(
        f"{'model':{width}}  {'looks':>6}  {'telling':>7}  {'days seen+drawn':>15}  {'incidents':>9}  "
        f"{'in 30 days':>10}  {'95 % at most':>12}  {'half an sd':>13}  {'15 % of mass':>13}"
    )
    for model in result.models:
        click.echo(_line(model, width))
    _show_power(result, width)
    home = result.rate
    if home is not None:
        click.echo(
            f"the home: {home.value:.2f} false incidents in 30 days, at most {home.upper_95:.2f} (95 %), "
            f"over {sum(model.looks for model in result.models):,} looks"
        )
    click.echo(f"{result.outcome.value.upper()}: {result.verdict}")
    click.echo(f"kept as {path}")


def _show_power(result: "SelfTest", width: int) -> None:
    """Print the share of planted shifts found by size, a line a model; nothing where none was planted."""
    from ml_platform.monitoring.self_test.planted import TIMES, found_from

    curves = [model for model in result.models if model.power]
    if not curves:
        return
    sizes = "".join(f"{f'x{times:g}':>8}" for times in TIMES)
    click.echo(
        "planted shifts found, by size (x1: half a standard deviation, or 15 % of the mass)\n"
        f"{'model':{width}}{sizes}  95 % from"
    )
    for model in curves:
        shares = {power.times: f"{power.share:.0%}" for power in model.power}
        cells = "".join(f"{shares.get(times, '-'):>8}" for times in TIMES)
        reached = found_from(model.power)
        largest = f"more than x{model.power[-1].times:g}"
        click.echo(f"{model.model:{width}}{cells}  {f'x{reached:g}' if reached else largest}")


def _line(model: "ModelSelfTest", width: int) -> str:
    if model.rate is None:
        return (
            f"{model.model:{width}}  INSUFFICIENT: {model.reason or 'no window after a baseline'}"
        )
    seen = sum(month.days for month in model.months if not month.resampled)
    drawn = sum(month.days for month in model.months if month.resampled)
    rate = f"{model.rate.value:>10.2f}  {model.rate.upper_95:>12.2f}"
    if not model.telling:
        rate = f"{'-':>10}  {'-':>12}"
    line = (
        f"{model.model:{width}}  {model.looks:>6,}  {model.telling:>7,}  {f'{seen:.0f}+{drawn:.0f}':>15}  "
        f"{model.incidents:>9}  {rate}  "
        f"{_shifts(model.shifts(Kind.NUMBER)):>13}  {_shifts(model.shifts(Kind.CATEGORY)):>13}"
    )
    if not model.telling:
        return f"{line}\n  no look could tell: most features were INSUFFICIENT in each"
    flagged = model.flagged_features[:_FLAGGED_NAMES]
    if not flagged:
        return line
    names = ", ".join(f"{name} in {looks}" for name, looks in flagged)
    return f"{line}\n  flagged: {names} looks"


def _shifts(shifts: "PlantedShifts") -> str:
    return f"{shifts.found}/{shifts.insufficient}/{shifts.missed}" if shifts.planted else "-"
