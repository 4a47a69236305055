"""Which windows have ended without a report, by hand."""

from datetime import UTC, datetime, timedelta

from ml_platform.clock import WINDOW
from ml_platform.monitoring.missed import CAUGHT_UP, missed_windows

DAY = datetime(2026, 5, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(*ends: float) -> tuple[datetime, ...]:
    return tuple(DAY + end * HOUR for end in ends)


def test_a_daemon_that_was_off_for_two_days_has_missed_eight_windows():
    off = hours(0)
    assert missed_windows(off, DAY + 49 * HOUR) == hours(6, 12, 18, 24, 30, 36, 42, 48)


def test_the_newest_window_is_the_schedules_for_an_hour():
    assert missed_windows(hours(0), DAY + 6.9 * HOUR) == ()
    assert missed_windows(hours(0), DAY + 7 * HOUR) == hours(6)
    assert missed_windows(hours(0), DAY + 6 * HOUR, timedelta(0)) == hours(6)


def test_a_window_between_others_is_missed_too_and_none_before_the_first():
    assert missed_windows(hours(0, 12), DAY + 13 * HOUR) == hours(6)


def test_a_model_that_was_never_watched_has_missed_nothing():
    assert missed_windows((), DAY) == ()


def test_seven_days_are_caught_up_and_what_is_older_is_left():
    now = DAY + 30 * timedelta(days=1) + 2 * HOUR
    missed = missed_windows(hours(0), now)
    assert len(missed) == CAUGHT_UP // WINDOW == 28
    assert missed[-1] == DAY + timedelta(days=30)
