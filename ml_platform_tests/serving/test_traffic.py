"""Sums of answers by version and hour; the answers of the tests are worked out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml_platform.serving.traffic import (
    HOUR,
    RATIO,
    Tally,
    Traffic,
    TrafficPart,
    last_hours,
    summed,
)

AT = datetime(2026, 5, 2, 12, 40, tzinfo=UTC)
SINCE, UNTIL = last_hours(AT, 3)


def part(model="m", version="1", arm="champion", hour=0, **counts):
    return TrafficPart(model, version, arm, SINCE + hour * HOUR, Tally(**counts))


def test_the_present_hour_is_the_last_one():
    assert (
        datetime(2026, 5, 2, 10, tzinfo=UTC),
        datetime(2026, 5, 2, 13, tzinfo=UTC),
    ) == (SINCE, UNTIL)


def test_hours_without_answers_are_there_and_shadow_counts_for_itself():
    traffic = Traffic(
        SINCE,
        UNTIL,
        (
            part(hour=0, answers=3, latencies={0: 3}),
            part(hour=2, answers=2, by_rules=1, fallbacks=1, errors=1, latencies={0: 1, 5: 1}),
            part(hour=2, version="2", arm="shadow", answers=9, latencies={9: 9}),
            part(model="other", hour=1, answers=100),
        ),
    )
    mine = traffic.of("m")
    assert [tally.answers for _, tally in mine.hours] == [3, 0, 2]
    assert mine.total == Tally(5, 1, 1, 1, {0: 4, 5: 1})
    assert [(version, arm, tally.answers) for version, arm, tally in mine.arms] == [
        ("2", "shadow", 9),
        ("1", "champion", 5),
    ]
    assert traffic.total.answers == 105
    assert mine.from_hour(UNTIL - HOUR).total.answers == 2
    assert traffic.of("nobody").total == Tally()


def test_quantiles_are_within_five_per_cent():
    milliseconds = np.random.default_rng(0).lognormal(0.5, 1.0, 20_000)
    buckets = np.floor(np.log(milliseconds) / np.log(RATIO)).astype(int)
    tally = summed(Tally(answers=1, latencies={int(bucket): 1}) for bucket in buckets)
    for share in (0.5, 0.9, 0.99):
        exact = np.quantile(milliseconds, share)
        assert tally.quantile(share) == pytest.approx(exact, rel=0.05)
    assert Tally().quantile(0.5) is None


def test_an_hour_that_is_cut_counts():
    traffic = Traffic(SINCE, SINCE + timedelta(minutes=30))
    assert len(traffic.hours) == 1
