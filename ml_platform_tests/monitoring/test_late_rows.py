"""Reported windows whose rows have changed since are named; the others, and what is older than a week, are not."""

from dataclasses import replace
from datetime import timedelta

from ml_platform.clock import WINDOW
from ml_platform.monitoring.findings import ChangedWindow
from ml_platform.monitoring.late_rows import (
    changed_windows,
    recent_reports,
    with_changed_windows,
)
from ml_platform_tests.retraining.reports import NOON, report

WEEK = timedelta(days=7)


def of_window(end, rows, **fields):
    return replace(
        report(), window_start=end - WEEK, window_end=end, rows_until=end, rows=rows, **fields
    )


def test_more_rows_or_fewer_by_more_than_one_in_a_hundred_are_a_change() -> None:
    rows = {NOON - number * WINDOW: 100 for number in range(1, 29)}
    for reported, changed in ((2_800, 0), (2_773, 0), (2_771, 1), (2_830, 1), (0, 1)):
        assert len(changed_windows([of_window(NOON, reported)], rows)) == changed, reported
    assert changed_windows([of_window(NOON, 0)], {}) == ()


def test_late_rows_change_the_windows_that_hold_their_hours_and_no_other() -> None:
    first = NOON - WEEK - WINDOW
    rows = {first + number * WINDOW: 100 for number in range(30)}
    reports = [of_window(NOON + number * WINDOW, 2_800) for number in range(-1, 2)]
    rows[first] += 500
    assert changed_windows(reports, rows) == (ChangedWindow(NOON - WINDOW, 2_800, 3_300),)


def test_drift_of_rows_that_are_complete_later_is_held_against_their_own_hours() -> None:
    late = replace(of_window(NOON, 2_800), rows_until=NOON - timedelta(days=1))
    rows = {NOON - number * WINDOW: 100 for number in range(5, 33)}
    assert changed_windows([late], rows) == ()


def test_the_newest_report_of_each_window_of_the_last_week_counts() -> None:
    reports = [
        of_window(NOON, 1),
        of_window(NOON - WINDOW, 2),
        of_window(NOON - WINDOW, 3),
        of_window(NOON - WEEK, 4),
        of_window(NOON - WEEK - WINDOW, 5),
    ]
    assert [each.rows for each in recent_reports(reports, NOON)] == [4, 2]


def test_they_are_a_cause_of_the_report_that_finds_them() -> None:
    found = (ChangedWindow(NOON - WINDOW, 100, 130), ChangedWindow(NOON, 100, 50))
    told = with_changed_windows(report(), found)
    assert told.changed_windows == found
    assert told.causes[-1] == (
        "2 windows of the last seven days changed after being reported, most that to 2024-06-01T12:00Z: "
        "100 rows then, 50 now; reports show what was there then"
    )
    assert with_changed_windows(report(), ()) == report()
