"""Probes with missing values: random cells, large values, families of columns, the most important columns."""

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, series_of
from ml_platform.evaluation.dimensions.robustness.columns import Column
from ml_platform.evaluation.dimensions.robustness.context import Context, Probe
from ml_platform.evaluation.dimensions.robustness.part import Part
from ml_platform.evaluation.dimensions.robustness.perturb import (
    blank,
    blanked,
    blanked_at_random,
    blanked_large,
    filled,
    replaced,
)
from ml_platform.evaluation.dimensions.robustness.skill import mean_of, with_interval
from ml_platform.spec.feature import Kind

SHARES = (0.1, 0.3, 0.5)
SCREENED = 150
"""The number of rows on which every column is removed in turn, to find the most important ones."""
LEADING = 3
"""The number of most important columns that are removed one by one on the whole sample."""
_AT_ONCE = 20
_WORTH = 0.05


def missing_parts(context: Context) -> tuple[Part, Part, Probe]:
    """Remove scattered cells and whole columns; the rows with 30 % missing are returned last, for calibration."""
    rows, columns, seed = context.sample.rows, context.columns, context.subject.seed
    scattered = [
        context.probe(
            f"{share:.0%} missing at random", blanked_at_random(rows, columns, share, seed)
        )
        for share in SHARES
    ]
    large = context.probe("large values missing", blanked_large(rows, columns, context.known))
    return _scattered(context, [*scattered, large]), _columns(context), scattered[1]


def _scattered(context: Context, probes: list[Probe]) -> Part:
    kept = mean_of([probe.kept for probe in probes])
    worst = min(probes, key=lambda probe: probe.kept.value)
    at_random = mean_of([probe.kept for probe in probes[:-1]])
    return Part(
        name="missing values",
        kept=kept,
        why=f"{kept.value:.0%} of the skill is left on average over 10, 30 and 50 % missing at random and "
        "large values missing",
        measures={
            "missing_retained": with_interval(at_random),
            "missing_large_retained": with_interval(probes[-1].kept),
        },
        findings=(f"With {worst.name}, {context.falls(worst)}.",),
        tables=(context.table("Missing values", probes),),
        charts=(_curve(context, probes[:-1]),),
        unanswered=sum(bool(probe.error) for probe in probes),
    )


def _columns(context: Context) -> Part:
    """Remove every family, and each of the most important columns, from every row."""
    rows = context.sample.rows
    families: dict[str, list[Column]] = {}
    for column in context.columns:
        families.setdefault(column.family, []).append(column)
    leading = leading_columns(context)
    probes = [
        context.probe(f"{column.name} missing", blanked(rows, [column])) for column in leading
    ]
    of_families = [
        context.probe(f"family {name} missing", blanked(rows, members))
        for name, members in families.items()
        if len(members) > 1
    ]
    both = [*probes, *of_families]
    worst = min(both, key=lambda probe: probe.kept.value)
    single = min(probes, key=lambda probe: probe.kept.value)
    kept = mean_of([probe.kept for probe in both])
    column = next(c for c in leading if single.name == f"{c.name} missing")
    findings = [f"Without {single.name.removesuffix(' missing')}, {context.falls(single)}."]
    if worst is not single:
        findings.append(f"With {worst.name}, {context.falls(worst)}.")
    return Part(
        name="missing columns",
        kept=kept,
        why=f"{kept.value:.0%} of the skill is left on average over each family of features and each of the "
        f"{len(leading)} leading columns missing; at worst {worst.kept.value:.0%} ({worst.name})",
        measures={
            "missing_column_retained": with_interval(single.kept),
            "missing_worst_retained": with_interval(worst.kept),
        },
        findings=tuple(findings),
        advice=_advice(context, column, single),
        watch=tuple(
            f"{c.name}: rate of missing and distribution first, predictions rest on it most"
            if i == 0
            else f"{c.name}: rate of missing and distribution, predictions rest on it"
            for i, c in enumerate(leading)
        ),
        tables=(context.table("Missing columns and families", both),),
        unanswered=sum(bool(probe.error) for probe in both),
    )


def leading_columns(context: Context) -> list[Column]:
    """Return the `LEADING` columns whose removal changes predictions most, on average over `SCREENED` rows."""
    rows = context.sample.rows
    places = np.unique(np.linspace(0, len(rows) - 1, SCREENED).astype(np.int64))
    plain, moved = context.sample.predictions.values[places], []
    for start in range(0, len(context.columns), _AT_ONCE):
        some = context.columns[start : start + _AT_ONCE]
        copies = np.repeat(np.arange(len(some)), len(places))
        stacked = rows.iloc[np.tile(places, len(some))].reset_index(drop=True)
        blanked_columns = {
            column.name: blank(stacked, column, copies == i) for i, column in enumerate(some)
        }
        values, _ = context.values(replaced(stacked, blanked_columns))
        for i in range(len(some)):
            moved.append(np.inf if values is None else _change(plain, values[copies == i]))
    order = np.argsort(-np.array(moved), kind="stable")[:LEADING]
    return [context.columns[i] for i in order.tolist()]


def _change(plain: Array, values: Array) -> float:
    return float(np.abs(plain - values).sum(axis=1).mean())


def _advice(context: Context, column: Column, single: Probe) -> tuple[str, ...]:
    """Measure whether imputing a typical value would have helped."""
    if single.kept.value > 1 - _WORTH or column.kind is Kind.TOKENS:
        return ()
    known, rows = context.known, context.sample.rows
    number = column.kind is Kind.NUMBER
    usual = known.middle[column.name] if number else known.usual[column.name]
    every = np.ones(len(rows), dtype=bool)
    replacements = {column.name: filled(column, rows, every, usual)}
    filled_probe = context.probe("filled", replaced(rows, replacements))
    if filled_probe.kept.value <= single.kept.value + _WORTH:
        return ()
    what = "median" if number else "most frequent value"
    return (
        f"Fill a missing {column.name} with its {what} of the training part: "
        f"{filled_probe.kept.value:.0%} of the skill is left instead of {single.kept.value:.0%}.",
    )


def _curve(context: Context, probes: list[Probe]) -> Chart:
    plain = with_interval(context.reference)
    points = [(0.0, plain)]
    for share, probe in zip(SHARES, probes, strict=True):
        figure = context.figure(probe)
        if figure is not None:
            points.append((share, figure))
    return Chart(
        "Cells missing at random",
        ChartKind.LINES,
        "share of the cells that are missing",
        context.label,
        (
            series_of(
                context.label,
                tuple(share for share, _ in points),
                tuple(estimate for _, estimate in points),
            ),
        ),
    )
