"""Probes with unseen values: ten times the largest number, infinity, new words, empty lists."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.evaluation.dimensions.robustness.columns import Column, numbers_of
from ml_platform.evaluation.dimensions.robustness.context import Context, Probe
from ml_platform.evaluation.dimensions.robustness.part import Part
from ml_platform.evaluation.dimensions.robustness.perturb import (
    blank,
    filled,
    one_of_each_row,
    replaced,
    unseen,
)
from ml_platform.evaluation.dimensions.robustness.skill import mean_of, with_interval
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.spec.feature import Kind

if TYPE_CHECKING:
    import pandas as pd

_WORTH = 0.05


def extremes_part(context: Context) -> Part:
    """Spoil one field of each row in several ways, and report the mean share of skill that is left."""
    probes = _probes(context)
    kept = mean_of([probe.kept for probe in probes])
    worst = min(probes, key=lambda probe: probe.kept.value)
    failed = {probe.name: probe.error for probe in probes if probe.error}
    failed |= _everything_infinite(context)
    findings = [f"With {worst.name}, {context.falls(worst)}."]
    findings += [f"With {name} there is no prediction: {error}" for name, error in failed.items()]
    return Part(
        name="extremes",
        kept=kept,
        why=f"{kept.value:.0%} of the skill is left on average with one field of each row spoilt; at worst "
        f"{worst.kept.value:.0%} ({worst.name})",
        measures={
            "extremes_retained": with_interval(kept),
            "extremes_worst_retained": with_interval(worst.kept),
        },
        findings=tuple(findings),
        advice=_advice(context, probes),
        tables=(context.table("Extremes: one field of each row spoilt", probes),),
        unanswered=len(failed),
    )


def _probes(context: Context) -> list[Probe]:
    rows, known, seed = context.sample.rows, context.known, context.subject.seed

    def ten_times(rows: "pd.DataFrame", column: Column, where: np.ndarray) -> Any:
        return filled(column, rows, where, known.extreme(column.name))

    def infinite(rows: "pd.DataFrame", column: Column, where: np.ndarray) -> Any:
        return filled(column, rows, where, np.inf)

    ways = (
        ("one number ten times the largest of the training part", (Kind.NUMBER,), ten_times),
        ("one number infinite", (Kind.NUMBER,), infinite),
        ("one category or list of words never seen", (Kind.CATEGORY, Kind.TOKENS), unseen),
        ("one list empty", (Kind.TOKENS,), blank),
    )
    probes = []
    for name, kinds, spoil in ways:
        columns = tuple(column for column in context.columns if column.kind in kinds)
        if columns:
            probes.append(context.probe(name, one_of_each_row(rows, columns, spoil, seed)))
    return probes


def _everything_infinite(context: Context) -> dict[str, str]:
    """Return the error of each probe that fails where all numbers are plus, or minus, infinity."""
    rows, failed = context.sample.rows, {}
    numbers = [column for column in context.columns if column.kind is Kind.NUMBER]
    every = np.ones(len(rows), dtype=bool)
    for name, value in (("infinite", np.inf), ("minus infinite", -np.inf)):
        replacements = {column.name: filled(column, rows, every, value) for column in numbers}
        values, error = context.values(replaced(rows, replacements))
        if values is None:
            failed[f"every number {name}"] = error
    return failed


def _advice(context: Context, probes: list[Probe]) -> tuple[str, ...]:
    """Advise to clip numbers to the range of the training part where a measurement shows that it helps."""
    large = probes[0]
    numbers = [column for column in context.columns if column.kind is Kind.NUMBER]
    if not numbers or large.kept.value > 1 - _WORTH:
        return ()
    known, rows, seed = context.known, context.sample.rows, context.subject.seed

    def bounded(rows: "pd.DataFrame", column: Column, where: np.ndarray) -> Any:
        values = np.clip(numbers_of(rows, column.name), None, known.high[column.name])
        return np.where(where, known.high[column.name], values)

    bounded_probe = context.probe("bounded", one_of_each_row(rows, tuple(numbers), bounded, seed))
    if bounded_probe.kept.value <= large.kept.value + _WORTH:
        return ()
    return (
        "Keep numbers within the range of the training part before scoring: with one number too large "
        f"{bounded_probe.kept.value:.0%} of the skill is left instead of {large.kept.value:.0%}.",
    )


def unanswered_measure(count: int) -> Estimate:
    """Return the number of probes without valid predictions as an exact measure."""
    return Estimate(float(count), float(count), float(count))
