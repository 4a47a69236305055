"""The six-hour grid, and times as people type them."""

from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.clock import (
    duration,
    last_boundary,
    next_boundary,
    parse_boundary,
    parse_moment,
)
from ml_platform.errors import UsageError


@pytest.mark.parametrize(
    ("hour", "last", "following"), [(0, 0, 6), (5, 0, 6), (6, 6, 12), (17, 12, 18)]
)
def test_boundaries_are_every_six_hours(hour: int, last: int, following: int) -> None:
    moment = datetime(2026, 5, 1, hour, 30, tzinfo=UTC)
    assert last_boundary(moment) == datetime(2026, 5, 1, last, tzinfo=UTC)
    assert next_boundary(moment) == datetime(2026, 5, 1, following, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-05-01T13:20Z", "2026-05-01T13:20", "2026-05-01T15:20+02:00"]
)
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert parse_moment("--as-of", text) == datetime(2026, 5, 1, 13, 20, tzinfo=UTC)
    assert parse_boundary("--as-of", text) == datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_what_is_no_time_is_refused_with_its_option() -> None:
    with pytest.raises(UsageError, match="--as-of 'soon' is not a time"):
        parse_boundary("--as-of", "soon")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(days=15), "15 days"),
        (timedelta(days=1, hours=1), "1 day 1 hour"),
        (timedelta(minutes=90), "1.5 hours"),
        (timedelta(0), "none"),
    ],
)
def test_a_duration_is_written_as_people_say_it(length: timedelta, words: str) -> None:
    assert duration(length) == words
