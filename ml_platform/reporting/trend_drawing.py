"""The trend of a model as one drawing: drift, performance, incidents, promotions and rollbacks over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from ml_platform.monitoring.incidents.state import Incident
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.reporting.components import Tone
from ml_platform.reporting.incident_messages import KIND_WORDS
from ml_platform.reporting.incident_panel import SEVERITY_TONES
from ml_platform.reporting.level_tones import DRIFT_TONES
from ml_platform.reporting.sketch import Box, Dot, Label, Sketch, Stroke, box, stroke
from ml_platform.reporting.words import interval_words, moment, number, percent, shortened, words
from ml_platform.spec.monitoring_policy import POLICY

WIDTH = 960.0
_LEFT, _RIGHT = 62.0, 946.0
_DRIFT_TOP, _DRIFT_GROUND = 62.0, 152.0
_METRIC_TOP, _METRIC_GROUND = 190.0, 340.0
_LANES_TOP, _LANE = 378.0, 24.0
MOST_LANES = 12
"""Incidents that are drawn, the newest ones; the table has every one."""
_MARKS: dict[Action, tuple[Tone, str]] = {
    Action.PROMOTED: (Tone.GOOD, "promoted"),
    Action.RESTORED: (Tone.GOOD, "restored"),
    Action.ROLLED_BACK: (Tone.BAD, "rolled back"),
}
"""What is marked of the events of versions."""
_TICKS = 7
_MOST_AFTER = timedelta(days=3)
"""How far the drawing goes on after the newest window, where monitoring has stopped since."""


@dataclass
class _Parts:
    """The parts of the drawing so far."""

    boxes: list[Box] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass(frozen=True)
class _Time:
    """The axis of time."""

    first: datetime
    last: datetime

    def x(self, at: datetime) -> float:
        """Where a moment stands; one before the axis begins stands at its beginning."""
        share = (at - self.first) / (self.last - self.first)
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, max(0.0, share))


def marked(events: Sequence[PromotionEvent]) -> tuple[PromotionEvent, ...]:
    """The promotions and rollbacks among the events of a model, the oldest first."""
    return tuple(sorted((e for e in events if e.action in _MARKS), key=lambda event: event.at))


def trend_sketch(
    reports: Sequence[MonitoringReport],
    incidents: Sequence[Incident],
    changes: Sequence[PromotionEvent],
    now: datetime,
) -> Sketch | None:
    """The drawing; ``None`` without a report.

    Args:
        reports: In order of their windows.
        incidents: In any order; of more than `MOST_LANES` the newest are drawn.
        changes: What `marked` gives.
        now: The clock of the home; what is open lasts until then, as far as it is drawn.
    """
    if not reports:
        return None
    time = _axis(reports, now)
    lanes = sorted(incidents, key=lambda each: each.last_seen)[-MOST_LANES:]
    lanes = [each for each in lanes if _end(each, now) >= time.first]
    bottom = _LANES_TOP + _LANE * max(1, len(lanes))
    parts = _Parts()
    _draw_days(parts, time, bottom)
    _draw_changes(parts, time, changes, bottom)
    _draw_drift(parts, time, reports)
    _draw_performance(parts, time, reports)
    _draw_incidents(parts, time, lanes, now)
    return Sketch(
        f"Trend of {words(reports[-1].model)}",
        f"{len(reports)} windows to {moment(reports[-1].window_end)}, {len(incidents)} incidents, "
        f"{len(changes)} promotions and rollbacks; the tables below have the figures.",
        WIDTH,
        bottom + 30,
        tuple(parts.boxes),
        tuple(parts.strokes),
        tuple(parts.dots),
        tuple(parts.labels),
    )


def realised_at(report: MonitoringReport) -> datetime:
    """The end of the predictions whose realised performance a report has."""
    return report.performance.window_end or report.window_end


def _axis(reports: Sequence[MonitoringReport], now: datetime) -> _Time:
    known = (realised_at(each) for each in reports if each.performance.current is not None)
    first = min((reports[0].window_end - timedelta(hours=6), *known))
    last = max(reports[-1].window_end, min(now, reports[-1].window_end + _MOST_AFTER))
    return _Time(first, max(last, first + timedelta(days=1)))


def _draw_days(parts: _Parts, time: _Time, bottom: float) -> None:
    days = max(1, -(-int((time.last - time.first) / timedelta(days=1)) // _TICKS))
    day = time.first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while day <= time.last:
        x = time.x(day)
        parts.strokes.append(stroke(((x, _DRIFT_TOP), (x, bottom)), "line"))
        if _LEFT + 14 < x < _RIGHT - 14:
            parts.labels.append(Label(round(x, 1), bottom + 18, f"{day:%m-%d}", "middle"))
        day += timedelta(days=days)


def _draw_changes(
    parts: _Parts, time: _Time, changes: Sequence[PromotionEvent], bottom: float
) -> None:
    """Upright lines through all panels, with labels in two rows where they are near each other."""
    free = [-100.0, -100.0]
    for change in changes:
        if not time.first <= change.at <= time.last:
            continue
        tone, what = _MARKS[change.action]
        x = time.x(change.at)
        text = f"{what} {change.version}"
        told = f"{moment(change.at)}: version {change.version} {what} by {change.actor}"
        parts.strokes.append(stroke(((x, 30), (x, bottom)), f"{tone} change", told))
        room = 6.2 * len(text) + 8
        row = next((each for each in (0, 1) if x >= free[each]), None)
        if row is None:
            continue
        ends = x + room > _RIGHT
        free[row] = x + (8 if ends else room)
        anchor = "end" if ends else "start"
        parts.labels.append(Label(round(x, 1), 26 - 13 * row, text, anchor, f"{tone} strong"))


def _draw_drift(parts: _Parts, time: _Time, reports: Sequence[MonitoringReport]) -> None:
    sizes = [drift_size(each) for each in reports]
    most = min(1.0, max(0.3, 1.1 * max(sizes)))
    scale = (_DRIFT_GROUND - _DRIFT_TOP) / most
    width = min(9.0, max(1.5, 0.75 * (time.x(time.first + timedelta(hours=6)) - _LEFT)))
    _title(parts, "Drift: the largest size of a feature", _DRIFT_TOP)
    for limit in (0.0, POLICY.size_moderate, POLICY.size_significant):
        y = _DRIFT_GROUND - limit * scale
        parts.strokes.append(stroke(((_LEFT, y), (_RIGHT, y)), f"line{' dashed' if limit else ''}"))
        parts.labels.append(Label(_LEFT - 6, round(y + 4, 1), f"{limit:g}", "end"))
    for report, size in zip(reports, sizes, strict=True):
        height = max(3.0, size * scale)
        told = (
            f"{moment(report.window_end)}: drift {report.drift.value}, largest size {number(size)}"
        )
        x = time.x(report.window_end) - width
        tone = DRIFT_TONES[report.drift]
        parts.boxes.append(box(x, _DRIFT_GROUND - height, width, height, tone, told))


def drift_size(report: MonitoringReport) -> float:
    """The largest size of a feature or a prediction of a report, in [0, 1]; 0 where none was compared."""
    return max((each.size for each in (*report.features, *report.predictions)), default=0.0)


def _draw_performance(parts: _Parts, time: _Time, reports: Sequence[MonitoringReport]) -> None:
    """The estimate as a band, realised figures as dots with their intervals, the evaluation as a dashed line."""
    metric = reports[-1].performance.metric
    kept = [each for each in reports if each.performance.metric == metric]
    _title(parts, f"{words(metric)}: realised and estimated", _METRIC_TOP)
    scale = _MetricScale.around(kept)
    for figure in (scale.low, (scale.low + scale.high) / 2, scale.high):
        y = scale.y(figure)
        parts.strokes.append(stroke(((_LEFT, y), (_RIGHT, y)), "line"))
        parts.labels.append(Label(_LEFT - 6, round(y + 4, 1), f"{figure:.3g}", "end"))
    for version, of_version in groupby(kept, key=lambda each: each.version):
        group = list(of_version)
        _draw_baseline(parts, time, scale, version, group)
        for run in _runs(group):
            _draw_estimates(parts, time, scale, run)
    seen = {realised_at(each): each for each in kept if each.performance.current is not None}
    for at, report in seen.items():
        _draw_realised(parts, time, scale, at, report)


@dataclass(frozen=True)
class _MetricScale:
    """The axis of the metric."""

    low: float
    high: float

    @classmethod
    def around(cls, reports: Sequence[MonitoringReport]) -> "_MetricScale":
        values = [value for report in reports for value in _figures(report)]
        low, high = min(values), max(values)
        margin = 0.08 * (high - low) or 0.05 * (abs(high) or 1.0)
        return cls(low - margin, high + margin)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _METRIC_GROUND - (_METRIC_GROUND - _METRIC_TOP) * share


def _figures(report: MonitoringReport) -> Iterator[float]:
    check, estimate = report.performance, report.estimate
    given = (check.baseline, check.current, check.low, check.high)
    estimated = (estimate.value, estimate.low, estimate.high) if estimate else ()
    yield from (value for value in (*given, *estimated) if value is not None)


@dataclass(frozen=True)
class _EstimatedWindow:
    """The estimate of one window."""

    at: datetime
    low: float
    value: float
    high: float


def _runs(reports: Sequence[MonitoringReport]) -> Iterator[list[_EstimatedWindow]]:
    """Stretches of windows that have an estimate."""
    run: list[_EstimatedWindow] = []
    for report in reports:
        estimated = _estimated(report)
        if estimated is not None:
            run.append(estimated)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _estimated(report: MonitoringReport) -> _EstimatedWindow | None:
    estimate = report.estimate
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    return _EstimatedWindow(report.window_end, estimate.low, estimate.value, estimate.high)


def _draw_baseline(
    parts: _Parts,
    time: _Time,
    scale: _MetricScale,
    version: str,
    reports: Sequence[MonitoringReport],
) -> None:
    baseline = reports[-1].performance.baseline
    y = scale.y(baseline)
    first, last = time.x(reports[0].window_end) - 6, time.x(reports[-1].window_end)
    told = f"{number(baseline)} at the evaluation of {version}"
    parts.strokes.append(stroke(((first, y), (last, y)), "ink dashed", told))


def _draw_estimates(
    parts: _Parts, time: _Time, scale: _MetricScale, run: Sequence[_EstimatedWindow]
) -> None:
    points = [(time.x(each.at), each) for each in run]
    if len(points) == 1:
        points.insert(0, (points[0][0] - 5, points[0][1]))
    upper = tuple((x, scale.y(each.high)) for x, each in points)
    lower = tuple((x, scale.y(each.low)) for x, each in reversed(points))
    middle = tuple((x, scale.y(each.value)) for x, each in points)
    parts.strokes.append(stroke((*upper, *lower), "accent area"))
    parts.strokes.append(stroke(middle, "accent"))
    height = _METRIC_GROUND - _METRIC_TOP
    for each in run:
        told = f"{moment(each.at)}: estimated {interval_words(each.value, each.low, each.high)}"
        parts.boxes.append(box(time.x(each.at) - 3, _METRIC_TOP, 6, height, "touch", told))


def _draw_realised(
    parts: _Parts, time: _Time, scale: _MetricScale, at: datetime, report: MonitoringReport
) -> None:
    check = report.performance
    assert check.current is not None
    low = check.current if check.low is None else check.low
    high = check.current if check.high is None else check.high
    told = (
        f"predictions to {moment(at)}: realised {interval_words(check.current, low, high)}, "
        f"{check.rows:,} labels, {percent(check.matured)} of the predictions"
    )
    x = time.x(at)
    parts.strokes.append(stroke(((x, scale.y(low)), (x, scale.y(high))), "real"))
    parts.dots.append(Dot(round(x, 1), round(scale.y(check.current), 1), "real", told))


def _draw_incidents(
    parts: _Parts, time: _Time, incidents: Sequence[Incident], now: datetime
) -> None:
    _title(parts, "Incidents", _LANES_TOP)
    if not incidents:
        parts.labels.append(Label(_LEFT, _LANES_TOP + 16, "none in this time"))
    for place, incident in enumerate(incidents):
        y = _LANES_TOP + place * _LANE
        first, last = time.x(incident.first_seen), time.x(_end(incident, now))
        first = min(first, last - 5)
        state = "open" if incident.is_open else "closed"
        what = f"{KIND_WORDS[incident.kind]}: {', '.join(incident.roots)}"
        told = (
            f"{incident.severity.value.upper()}, {state}: {what}; {moment(incident.first_seen)} to "
            f"{moment(incident.last_seen)}, {incident.windows} windows"
        )
        tone = SEVERITY_TONES[incident.severity]
        kind = "lane" if incident.is_open else "lane over"
        parts.boxes.append(box(first, y + 4, last - first, _LANE - 8, f"{tone} {kind}", told))
        late = first > (_LEFT + _RIGHT) / 2
        at, anchor = (first - 6, "end") if late else (first + 5, "start")
        text = shortened(what, 70) + ("" if incident.is_open else " (closed)")
        parts.labels.append(Label(round(at, 1), y + 16, text, anchor, "name"))
        _draw_people(parts, time, incident, y + _LANE / 2)


def _draw_people(parts: _Parts, time: _Time, incident: Incident, y: float) -> None:
    """When somebody took care of an incident, and when it was handed to a person."""
    if incident.acknowledged_at is not None:
        told = f"{moment(incident.acknowledged_at)}: acknowledged by {incident.acknowledged_by}"
        parts.dots.append(Dot(round(time.x(incident.acknowledged_at), 1), y, "accent", told))
    if incident.handed_over_at is not None:
        told = f"{moment(incident.handed_over_at)}: a retraining did not help"
        parts.dots.append(Dot(round(time.x(incident.handed_over_at), 1), y, "bad", told))


def _end(incident: Incident, now: datetime) -> datetime:
    return incident.resolved_at or max(now, incident.last_seen)


def _title(parts: _Parts, text: str, top: float) -> None:
    parts.labels.append(Label(_LEFT, top - 10, text, "start", "name strong"))
