"""The self-test of one feature table: months that were, months of resampled users, and planted shifts."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ml_platform.clock import WINDOW
from ml_platform.errors import InsufficientData
from ml_platform.monitoring.compare import FeatureComparison
from ml_platform.monitoring.self_test.history import WatchedTable, resampled, watched_table
from ml_platform.monitoring.self_test.looks import Span, WatchedMonth, watch_month
from ml_platform.monitoring.self_test.planted import (
    TIMES,
    PlantedShifts,
    plant,
    power_curve,
    summed,
)
from ml_platform.monitoring.self_test.result import MONTH, ModelSelfTest
from ml_platform.spec.feature import FeatureSpec
from ml_platform.spec.monitoring_policy import POLICY, MonitoringPolicy
from ml_platform.spec.training_set import TIME

if TYPE_CHECKING:
    import pandas as pd

MONTHS = 12
"""The months that are looked at, those that were and resampled ones together."""
SEEN_MONTHS = 3
"""The most months that were, the newest ones, each with the baseline of a registration at its start."""
LEAST_DAYS = 42
"""The days of rows before a month from which its baseline is made, at least."""
_SHORTEST = 7
"""The fewest days that are looked at."""
_DAILY = 4
"""Resampled months are looked at once in so many six-hour windows."""
_A_WEEK = 28
"""Shifts are planted once in so many six-hour windows."""


@dataclass(frozen=True)
class WatchedModel:
    """A model of the table: its features, and when a person has said that drift was real."""

    name: str
    features: tuple[str, ...]
    known: tuple[Span, ...] = ()


@dataclass(frozen=True)
class TableHistory:
    """A feature table until ``as_of``: its rows in order of time, and the features that its models read."""

    name: str
    rows: "pd.DataFrame"
    specs: tuple[FeatureSpec, ...]
    complete_after: timedelta
    as_of: datetime


def months_of(first: datetime, as_of: datetime) -> list[tuple[datetime, datetime]]:
    """Start and end of the months that can be looked at, the newest first; none where there are too few days.

    Each has `LEAST_DAYS` of rows before it. Where there is not room for a whole one, it has what there is, at least
    a week.
    """
    months: list[tuple[datetime, datetime]] = []
    end, earliest = as_of, first + timedelta(days=LEAST_DAYS)
    while len(months) < SEEN_MONTHS:
        start = max(end - timedelta(days=MONTH), earliest)
        whole = end - start >= timedelta(days=MONTH)
        if not whole and (months or end - start < timedelta(days=_SHORTEST)):
            break
        months.append((start, end))
        end = start
    return months


def examine_table(
    table: TableHistory,
    models: Sequence[WatchedModel],
    *,
    seed: int,
    policy: MonitoringPolicy = POLICY,
    progress: Callable[[str], None] = lambda _: None,
    in_time: Callable[[], bool] = lambda: True,
) -> tuple[ModelSelfTest, ...]:
    """Look at the months that were, then at months of resampled users until there are twelve; plant shifts weekly.

    ``in_time`` is asked before each month: where it says no, one that was is looked at daily, shifts of one size
    alone are planted in it, and there are no more resampled ones.
    """
    rows = table.rows
    spans = (
        months_of(rows[TIME].iloc[0].floor("us").to_pydatetime(), table.as_of) if len(rows) else []
    )
    if not spans:
        return tuple(ModelSelfTest(model.name, (), (), _too_few(table)) for model in models)
    months: Mapping[str, list[WatchedMonth]] = {model.name: [] for model in models}
    planted: Mapping[str, _BySize] = {model.name: defaultdict(list) for model in models}
    for span in spans:
        watched = _watched(table, rows, span[0], policy)
        if watched is None:
            continue
        every, sizes = (1, TIMES) if in_time() else (_DAILY, (1.0,))
        reports = _reports(watched, span, every)
        for model in models:
            own = _own(watched, model, reports)
            months[model.name].append(
                watch_month(own, policy, step=every * WINDOW, resampled=False, known=model.known)
            )
            _plant(watched, model, reports[:: _A_WEEK // every], sizes, planted[model.name])
        progress(f"{table.name}: {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d} as it was")
    for number in range(len(spans), MONTHS):
        if not in_time():
            progress(f"{table.name}: the time is up after {number} of {MONTHS} months")
            break
        span = spans[number % len(spans)]
        drawn = _watched(table, resampled(rows, seed + number), span[0], policy)
        if drawn is None:
            continue
        reports = _reports(drawn, span, _DAILY)
        for model in models:
            own = _own(drawn, model, reports)
            months[model.name].append(
                watch_month(own, policy, step=_DAILY * WINDOW, resampled=True, known=model.known)
            )
        progress(f"{table.name}: month {number + 1} of {MONTHS}, with users drawn again")
    return tuple(
        ModelSelfTest(
            model.name,
            tuple(months[model.name]),
            summed(planted[model.name][1.0]),
            "" if months[model.name] else _too_few(table),
            power_curve(planted[model.name]),
        )
        for model in models
    )


_BySize = dict[float, list[PlantedShifts]]
_Reports = list[tuple[datetime, slice, list[FeatureComparison]]]


def _watched(
    table: TableHistory, rows: "pd.DataFrame", registered_at: datetime, policy: MonitoringPolicy
) -> WatchedTable | None:
    """The table with its baseline; ``None`` where there are no rows to make one of."""
    try:
        return watched_table(
            rows,
            table.specs,
            name=table.name,
            registered_at=registered_at,
            complete_after=table.complete_after,
            policy=policy,
        )
    except InsufficientData:
        return None


def _reports(table: WatchedTable, span: Span, step: int) -> _Reports:
    """The comparisons of every window of the span, counted back from its end, by the rows complete then."""
    reports = []
    count = (span[1] - span[0]) // (step * WINDOW)
    for back in range(count, -1, -1):
        end = span[1] - back * step * WINDOW
        place = table.window(end)
        if place is not None:
            reports.append((end, place, table.compared(place)))
    return reports


def _own(
    table: WatchedTable, model: WatchedModel, reports: _Reports
) -> list[tuple[datetime, list[FeatureComparison]]]:
    """The comparisons of the features of one model."""
    own = [place for place, spec in enumerate(table.specs) if spec.name in model.features]
    return [(end, [report[place] for place in own]) for end, _, report in reports]


def _plant(
    table: WatchedTable,
    model: WatchedModel,
    reports: _Reports,
    sizes: Sequence[float],
    planted: _BySize,
) -> None:
    """Add to ``planted`` what becomes of shifts of each of ``sizes`` in the windows of ``reports``."""
    for times in sizes:
        for _, place, report in reports:
            planted[times] += plant(table, place, report, model.features, times)


def _too_few(table: TableHistory) -> str:
    return f"{table.name} has no {LEAST_DAYS + _SHORTEST} days of rows, or none at their beginning"
