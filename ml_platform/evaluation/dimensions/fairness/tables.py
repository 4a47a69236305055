"""The tables of the fairness dimension: groups, comparisons, losses, proxies and mitigation."""

from collections.abc import Mapping, Sequence

import numpy as np

from ml_platform.evaluation.dimensions.dimension import Chart, ChartKind, Series
from ml_platform.evaluation.dimensions.fairness.comparisons import Measure
from ml_platform.evaluation.dimensions.fairness.group_statistics import GroupStatistics
from ml_platform.evaluation.dimensions.fairness.groups import Grouping
from ml_platform.evaluation.dimensions.fairness.mitigation import Tried
from ml_platform.evaluation.dimensions.fairness.proxies import Proxy
from ml_platform.evaluation.report_parts import ReportTable
from ml_platform.evaluation.tasks.group_metrics import (
    CALIBRATION,
    CLASS_RECALL,
    ERROR,
    GroupMetrics,
)

INSUFFICIENT = "INSUFFICIENT"
WORST = 10
"""The number of comparisons that are shown of each measure."""
SHOWN_PROXIES = 10


def groups_table(sums: GroupStatistics, group_metrics: GroupMetrics) -> ReportTable:
    """Every group with its rates; one that is too small to be compared is `INSUFFICIENT`."""
    rates = [
        rate for rate in sums.rates if not rate.startswith(CLASS_RECALL) and rate != CALIBRATION
    ]
    rates += [rate for rate in sums.rates if rate == CALIBRATION]
    values = {rate: sums.values(rate) for rate in rates}
    large = set(sums.large.tolist())
    rows = []
    for place, label in enumerate(sums.labels):
        figures = [_rounded(values[rate][place]) for rate in rates]
        rows.append(
            (
                sums.groupings[int(sums.grouping[place])],
                label,
                int(sums.rows[place]),
                int(sums.units[place]),
                "compared" if place in large else INSUFFICIENT,
                *figures,
            )
        )
    titles = (group_metrics.loss_name if rate == ERROR else rate for rate in rates)
    return ReportTable(
        "Groups",
        ("grouping", "group", "rows", "independent units", "evidence", *titles),
        tuple(rows),
    )


def comparisons_table(measures: Mapping[str, Measure]) -> ReportTable:
    """The worst comparisons of each measure, with intervals that hold for all of its comparisons at once."""
    rows = [
        (
            name,
            c.rate,
            c.group,
            c.against,
            *map(_rounded, (c.of_group, c.of_other, c.value, c.low, c.high)),
        )
        for name, measure in measures.items()
        for c in measure.compared[:WORST]
    ]
    return ReportTable(
        f"The worst {WORST} comparisons of each measure, with simultaneous 95 % intervals",
        (
            "measure",
            "rate",
            "group",
            "against",
            "of the group",
            "of the other",
            "value",
            "low",
            "high",
        ),
        tuple(rows),
    )


def losses_table(
    group_metrics: GroupMetrics, groupings: Sequence[Grouping], minimum_rows: int
) -> ReportTable:
    """Mean and upper quantiles of the loss by group: an equal mean may hide a few who bear it all."""
    rows = []
    for grouping in groupings:
        evaluated = group_metrics.labelled & (grouping.codes >= 0)
        codes, losses = grouping.codes[evaluated], group_metrics.loss[evaluated]
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(grouping.count + 1))
        for group, label in enumerate(grouping.labels):
            group_losses = losses[order[edges[group] : edges[group + 1]]]
            if len(group_losses) >= minimum_rows:
                quantiles = np.quantile(group_losses, (0.5, 0.9, 0.99)).tolist()
                figures = (float(group_losses.mean()), float(group_losses.std()), *quantiles)
                rows.append((grouping.name, label, len(group_losses), *map(_rounded, figures)))
    columns = ("grouping", "group", "rows", "mean", "standard deviation", "median", "90 %", "99 %")
    return ReportTable(f"Distribution of the loss: {group_metrics.loss_name}", columns, tuple(rows))


def proxies_table(proxies: Sequence[Proxy]) -> ReportTable:
    """The features that tell an attribute best."""
    return ReportTable(
        "Proxies: share of the errors of a guess that a feature alone avoids, on users held out",
        ("feature", "attribute", "avoided", "low", "high"),
        tuple(
            (
                p.feature,
                p.attribute,
                *map(_rounded, (p.estimate.value, p.estimate.low, p.estimate.high)),
            )
            for p in proxies[:SHOWN_PROXIES]
        ),
    )


def mitigation_table(tried: Sequence[Tried]) -> tuple[ReportTable, ...]:
    """Tabulate the mitigations with their costs, then the thresholds or weights."""
    columns = (
        "tried",
        "measure",
        "before",
        "after",
        "accuracy before",
        "accuracy after",
        "balanced accuracy before",
        "balanced accuracy after",
    )
    rows = tuple(
        (
            t.what,
            t.measure,
            *map(
                _rounded,
                (
                    t.before.value,
                    t.after,
                    t.accuracy_before,
                    t.accuracy_after,
                    t.balanced_before,
                    t.balanced_after,
                ),
            ),
        )
        for t in tried
    )
    parts = [
        ReportTable(
            f"Mitigation: {t.what}, for {t.measure}",
            ("group", "value"),
            tuple((label, _rounded(value)) for label, value in t.details),
        )
        for t in tried
        if t.details
    ]
    return (ReportTable("Mitigation tried, measured on the test rows", columns, rows), *parts)


def gap_charts(measures: Mapping[str, Measure]) -> tuple[Chart, ...]:
    """Groups of single groupings against the rest, for the loss."""
    measure = measures.get("error_gap")
    if measure is None:
        return ()
    names = list(dict.fromkeys(c.grouping for c in measure.compared if " x " not in c.grouping))
    series = []
    for name in sorted(names):
        comparisons = sorted(
            (c for c in measure.compared if c.grouping == name), key=lambda c: c.group
        )
        signs = [1.0 if c.of_group >= c.of_other else -1.0 for c in comparisons]
        reach = [c.high - c.value for c in comparisons]
        values = [sign * c.value for sign, c in zip(signs, comparisons, strict=True)]
        series.append(
            Series(
                name=name,
                x=tuple(c.group for c in comparisons),
                y=tuple(values),
                low=tuple(v - r for v, r in zip(values, reach, strict=True)),
                high=tuple(v + r for v, r in zip(values, reach, strict=True)),
            )
        )
    title = "Error of each group less that of the rest, simultaneous 95 % intervals"
    return (Chart(title, ChartKind.POINTS, "group", "gap of the error", tuple(series), limit=0.0),)


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
