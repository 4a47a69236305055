"""The trend of a model: what stands where on the axis of time, the tables, and hostile names."""

import dataclasses
from datetime import datetime, timedelta

import pytest

from ml_platform.gates.outcome import Verdict
from ml_platform.monitoring.findings import ChangedWindow
from ml_platform.monitoring.incidents.actions import acknowledge
from ml_platform.monitoring.incidents.follow import follow
from ml_platform.monitoring.incidents.observe import observe
from ml_platform.monitoring.incidents.state import IncidentState, replay
from ml_platform.monitoring.performance.parts import EstimatedPerformance
from ml_platform.monitoring.report import MonitoringReport, Performance, Severity
from ml_platform.registry.records import Action, PromotionEvent
from ml_platform.reporting.overview import Addresses
from ml_platform.reporting.trend_drawing import MOST_LANES, marked, trend_sketch
from ml_platform.reporting.trend_page import ModelTrend, trend_html, trend_page
from ml_platform_tests.reporting.service_examples import HOSTILE
from ml_platform_tests.retraining.reports import NOON, report


def change(action: Action, hours: float, version: int = 2, actor: str = "ada") -> PromotionEvent:
    at = NOON + timedelta(hours=hours)
    return PromotionEvent(1, "m", version, action, Verdict.PROMOTE, at, actor, {}, "", "h", at)


def windows(count: int, **levels: object) -> tuple[MonitoringReport, ...]:
    """``count`` windows with an estimate each."""
    estimate = EstimatedPerformance("accuracy", 0.88, 0.86, 0.90, rows=500)
    made = (report(hours=6 * place, model="m", **levels) for place in range(count))  # type: ignore[arg-type]
    return tuple(dataclasses.replace(each, estimate=estimate) for each in made)


def incidents_of(reports: tuple[MonitoringReport, ...]) -> IncidentState:
    events = []
    for each in reports:
        found = follow(replay(events), observe(each, []), model="m", at=each.window_end)
        events += found
    state = replay(events)
    (incident,) = (each for each in state.incidents if each.kind.value == "performance")
    at = reports[-1].window_end
    return replay([*events, *acknowledge(state, incident.incident_id, by="ada", reason="x", at=at)])


def trend(reports: tuple[MonitoringReport, ...], **values: object) -> ModelTrend:
    now = reports[-1].window_end if reports else NOON
    given = {"incidents": (), "events": (), **values}
    return ModelTrend("made", True, now, now, "m", reports, addresses=Addresses(), **given)  # type: ignore[arg-type]


def test_a_window_whose_rows_changed_after_its_report_is_marked() -> None:
    first, second, third = windows(3)
    changed = ChangedWindow(first.window_end, first.rows, first.rows + 1_234)
    page = trend_page(
        trend((first, second, dataclasses.replace(third, changed_windows=(changed,))))
    )
    notes = [row[0].note for row in page.windows.rows]
    assert notes == ["", "", f"{first.rows + 1_234:,} rows now, {first.rows:,} when reported"]


def test_marks_stand_where_their_moments_are() -> None:
    """Twelve days across 884 pixels from 62 on: a change after six of them stands in the middle, at 504."""
    reports = windows(41)
    first = NOON - timedelta(hours=6)
    now = first + timedelta(days=12)
    sketch = trend_sketch(reports, (), (change(Action.ROLLED_BACK, 24 * 6 - 6),), now)
    assert sketch is not None
    (line,) = (each for each in sketch.strokes if "change" in each.tone)
    assert line.points.startswith("504,")
    assert line.tone.startswith("bad")
    assert (
        line.words
        == f"{first + timedelta(days=6):%Y-%m-%d %H:%M} UTC: version 2 rolled back by ada"
    )
    bars = [box for box in sketch.boxes if "largest size" in box.words]
    assert len(bars) == 41
    realised = [dot for dot in sketch.dots if dot.tone == "real"]
    assert len(realised) == 41


def test_where_monitoring_has_stopped_the_drawing_ends_soon_after_the_newest_window() -> None:
    reports = windows(41)
    end = reports[-1].window_end
    late = trend_sketch(reports, (), (), end + timedelta(days=900))
    assert late == trend_sketch(reports, (), (), end + timedelta(days=3))


def test_only_what_changes_production_is_marked() -> None:
    events = [change(action, place) for place, action in enumerate(Action)]
    kinds = [event.action for event in marked(events)]
    assert kinds == [Action.PROMOTED, Action.ROLLED_BACK, Action.RESTORED]


def test_incidents_are_lanes_that_end_when_they_are_over() -> None:
    reports = windows(8, performance=Performance.ALERT)
    state = incidents_of(reports)
    sketch = trend_sketch(reports, state.incidents, (), reports[-1].window_end)
    assert sketch is not None
    (lane,) = (box for box in sketch.boxes if "lane" in box.tone)
    assert lane.tone == "bad lane"
    assert lane.x + lane.width == pytest.approx(946, abs=0.2), "open: to the right end"
    assert [dot.words for dot in sketch.dots if dot.tone == "accent"] == [
        f"{reports[-1].window_end:%Y-%m-%d %H:%M} UTC: acknowledged by ada"
    ]
    over = dataclasses.replace(state.incidents[0], resolved_at=reports[4].window_end)
    closed = trend_sketch(reports, (over,) * (MOST_LANES + 3), (), reports[-1].window_end)
    assert closed is not None
    lanes = [box for box in closed.boxes if "lane over" in box.tone]
    assert len(lanes) == MOST_LANES
    assert lanes[0].x + lanes[0].width < 700


def test_a_window_without_an_estimate_leaves_a_gap_in_the_line() -> None:
    reports = list(windows(9))
    gap = EstimatedPerformance("accuracy", reason="too few rows")
    reports[4] = dataclasses.replace(reports[4], estimate=gap)
    sketch = trend_sketch(reports, (), (), NOON)
    assert sketch is not None
    lines = [line for line in sketch.strokes if line.tone == "accent"]
    assert [len(line.points.split()) for line in lines] == [4, 4]
    view = trend_page(trend(tuple(reports)))
    assert view.windows.rows[4][5].text == "not estimated"
    assert view.windows.rows[4][5].note == "too few rows"


def test_the_table_says_what_happened_in_each_window() -> None:
    reports = windows(4, performance=Performance.ALERT)
    state = incidents_of(reports)
    events = (change(Action.PROMOTED, 3.0),)
    rows = trend_page(trend(reports, incidents=state.incidents, events=events)).windows.rows
    assert rows[0][0].text == f"{reports[-1].window_end:%Y-%m-%d %H:%M} UTC"
    assert rows[0][0].address == "/models/m/monitoring/2024-06-02T0600"
    assert [row[7].text for row in rows] == [
        "Loss of performance acknowledged.",
        "",
        "Version 2 promoted.",
        "Loss of performance opened.",
    ]
    assert rows[0][4].text == "ALERT 0.800 [0.780, 0.820]"
    assert rows[0][5].text == "0.880 [0.860, 0.900]"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_windows_are_no_trouble_and_hostile_names_are_text(count: int) -> None:
    reports = windows(count, drift=Severity.SIGNIFICANT)
    hostile = tuple(
        dataclasses.replace(
            each,
            version=HOSTILE,
            source=HOSTILE,
            features=tuple(dataclasses.replace(entry, name=HOSTILE) for entry in each.features),
        )
        for each in reports
    )
    events = (change(Action.PROMOTED, 1, actor=HOSTILE),)
    html = trend_html(trend(hostile, events=events))
    assert "<script" not in html
    assert " style=" not in html
    assert ("No window has been watched yet." in html) == (count == 0)


def test_performance_that_is_not_known_has_no_point() -> None:
    reports = windows(3, performance=Performance.UNKNOWN)
    sketch = trend_sketch(reports, (), (), NOON)
    assert sketch is not None
    assert [dot for dot in sketch.dots if dot.tone == "real"] == []
    assert trend_page(trend(reports)).windows.rows[0][4].text == "UNKNOWN"


def test_the_axis_reaches_back_to_the_realised_predictions() -> None:
    (only,) = windows(1)
    until: datetime = only.window_end - timedelta(days=15)
    check = dataclasses.replace(only.performance, window_end=until)
    sketch = trend_sketch((dataclasses.replace(only, performance=check),), (), (), only.window_end)
    assert sketch is not None
    (dot,) = (each for each in sketch.dots if each.tone == "real")
    assert dot.x == pytest.approx(62.0)
