"""Whoever asks, whenever: no window has more requests than the limit, and what the docstring adds to it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.errors import UsageError
from ml_platform.serving.token_bucket import KeyLimits, LeasedBucket, TokenBucket, retry_after

RATES = st.sampled_from([0.1, 1.0, 3.0, 7.0, 100.0])
STARTS = st.sampled_from([0.0, 1e6 / 3])
PAUSES = st.floats(0, 3) | st.sampled_from([0.0, 1e-9, 0.01, 1 / 3, 30.0])
ROUNDING = 1e-4


def exceeds(admitted: Sequence[float], rate: float, burst: float, above: float = 0.0) -> bool:
    """Whether some window, its ends included, has more requests than ``burst + rate * t + above``."""
    ordered = sorted(admitted)
    return any(
        last - first + 1 > burst + rate * (ordered[last] - ordered[first]) + above + ROUNDING
        for first in range(len(ordered))
        for last in range(first, len(ordered))
    )


def drained(bucket: LeasedBucket, now: float, asked: int) -> list[float]:
    """The moments of those of so many requests at once that are admitted."""
    return [now for _ in range(asked) if bucket.take(now) == 0]


def moments(start: float, pauses: Sequence[float]) -> list[float]:
    times = [start]
    for pause in pauses:
        times.append(times[-1] + pause)
    return times


def test_by_hand() -> None:
    bucket = TokenBucket(rate_per_second=2, burst=3)
    assert [bucket.take(10.0) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert bucket.take(10.25) == pytest.approx(0.25)
    assert bucket.take(10.5) == 0
    assert bucket.tokens(11.0) == pytest.approx(1)
    assert bucket.take(11.0, cost=2) == pytest.approx(0.5)
    assert bucket.take(11.5, cost=2) == 0
    assert bucket.full_at == pytest.approx(13.0)
    assert bucket.tokens(99.0) == 3


@given(
    RATES, st.integers(1, 9), STARTS, st.lists(st.tuples(PAUSES, st.integers(1, 12)), max_size=30)
)
def test_one_bucket_admits_the_limit_and_no_more(rate, burst, start, asked) -> None:
    bucket, admitted = TokenBucket(rate, burst), []
    times = moments(start, [pause for pause, _ in asked])[1:]
    for now, (_, count) in zip(times, asked, strict=True):
        admitted += drained(bucket, now, count)
    assert not exceeds(admitted, rate, burst)


@given(RATES, st.integers(1, 50), STARTS, st.lists(PAUSES, max_size=20))
def test_what_waits_as_long_as_it_is_told_is_admitted(rate, burst, start, pauses) -> None:
    bucket = TokenBucket(rate, burst)
    for now in moments(start, pauses):
        drained(bucket, now, burst)
        wait = bucket.take(now)
        assert 0 < wait <= 1 / rate + ROUNDING
        assert bucket.take(now + 0.9 * wait) > 0 or rate * wait < ROUNDING
    assert bucket.take(now + retry_after(wait)) == 0


@given(RATES, st.integers(1, 50), STARTS)
def test_after_a_pause_the_whole_burst_is_there(rate, burst, start) -> None:
    bucket = TokenBucket(rate, burst)
    for now in (start, start + burst / rate, start + 1e4):
        assert len(drained(bucket, now, burst + 3)) == burst


@given(st.data(), st.integers(1, 6), RATES, STARTS)
def test_all_workers_together_admit_the_limit_and_no_more(data, workers, rate, start) -> None:
    burst = data.draw(st.integers(workers, 20))
    leases = [LeasedBucket(rate, burst, workers) for _ in range(workers)]
    place = st.integers(0, workers - 1)
    asked = data.draw(st.lists(st.tuples(PAUSES, place, st.integers(1, 20)), max_size=30))
    times = moments(start, [pause for pause, _, _ in asked])[1:]
    admitted = [
        moment
        for now, (_, place, count) in zip(times, asked, strict=True)
        for moment in drained(leases[place], now, count)
    ]
    assert not exceeds(admitted, rate, burst)


def overshoot(before: int, after: int, rate: float, burst: float, within: float) -> float:
    """What the docstring of `LeasedBucket` says may come on top of the limit."""
    return (1 - min(before, after) / max(before, after)) * (burst + rate * within)


@given(st.data(), st.integers(1, 5), st.integers(1, 5), RATES, STARTS)
def test_while_the_number_of_workers_changes_no_more_than_is_said_is_admitted(
    data, before, after, rate, start
) -> None:
    """Each worker is told, begins or stops at its own moment within the change; all are asked for all they have."""
    burst = data.draw(st.integers(max(before, after), 20))
    change, within = start + 5.0, data.draw(st.sampled_from([0.0, 0.5, 4.0]))
    most = max(before, after)
    told = [change + within * data.draw(st.floats(0, 1)) for _ in range(most)]
    leases = {place: LeasedBucket(rate, burst, before) for place in range(before)}
    asked = data.draw(st.lists(st.tuples(PAUSES, st.integers(0, most - 1)), max_size=40))
    times = moments(start, [pause for pause, _ in asked])[1:]
    happenings = [(now, 1, place) for now, (_, place) in zip(times, asked, strict=True)]
    happenings += [(now, 0, place) for place, now in enumerate(told)]
    admitted: list[float] = []
    for now, is_request, place in sorted(happenings):
        if is_request and place in leases:
            admitted += drained(leases[place], now, burst + 1)
        elif not is_request and place >= after:
            leases.pop(place, None)
        elif not is_request and place >= before:
            leases[place] = LeasedBucket(rate, burst, after)
        elif not is_request:
            leases[place].resize(after, now)
    assert not exceeds(admitted, rate, burst, overshoot(before, after, rate, burst, within))


@pytest.mark.parametrize(("before", "after", "most"), [(2, 4, 18), (4, 2, 12), (1, 4, 21)])
def test_the_overshoot_by_hand(before: int, after: int, most: int) -> None:
    """Told at once, burst 12: the old ones have been drained, then the new ones begin full; fewer give nothing."""
    old = [LeasedBucket(1.0, 12, before) for _ in range(before)]
    admitted = sum(len(drained(lease, 0.0, 99)) for lease in old)
    kept = old[:after]
    for lease in kept:
        lease.resize(after, 0.0)
    new = [LeasedBucket(1.0, 12, after) for _ in range(after - before)]
    admitted += sum(len(drained(lease, 0.0, 99)) for lease in (*kept, *new))
    assert admitted == most <= 12 + overshoot(before, after, 1.0, 12, 0.0)


def test_a_share_that_grows_fills_at_its_new_rate() -> None:
    lease = LeasedBucket(rate_per_second=4, burst=8, workers=4)
    lease.resize(1, now=0.0)
    assert len(drained(lease, 0.0, 9)) == 2
    assert lease.take(0.0) == pytest.approx(0.25)
    assert len(drained(lease, 2.0, 9)) == 8


KEYS = st.sampled_from("abcde")


@given(
    RATES,
    st.integers(2, 9),
    STARTS,
    st.integers(1, 4),
    st.lists(st.tuples(PAUSES, KEYS, st.integers(1, 12)), max_size=40),
)
def test_each_key_has_its_limit_however_few_are_remembered(rate, burst, start, most, asked) -> None:
    limits = KeyLimits(rate, burst, workers=1, most_keys=most)
    admitted: dict[str, list[float]] = {}
    times = moments(start, [pause for pause, _, _ in asked])[1:]
    for now, (_, key, count) in zip(times, asked, strict=True):
        taken = [now for _ in range(count) if limits.take(key, now) == 0]
        admitted.setdefault(key, []).extend(taken)
        assert len(limits) <= most
    assert not any(exceeds(each, rate, burst) for each in admitted.values())


def test_keys_do_not_share_and_a_dropped_idle_one_begins_full() -> None:
    limits = KeyLimits(1.0, 4, workers=2, most_keys=2)
    assert [limits.take(key, 0.0) for key in "aabbab"] == [0, 0, 0, 0, 2, 2]
    assert [limits.take(key, 9.0) for key in "ccaaa"] == [0, 0, 0, 0, 2]
    assert [limits.take(key, 9.0) for key in "b"] == [0], "it and all that were dropped are full"
    assert [limits.take(key, 9.0) for key in "ca"] == [2, 2], "both have been used up"
    assert [limits.take(key, 30.0) for key in "ee"] == [0, 0]


def test_the_key_that_is_dropped_was_not_asked_for_longest() -> None:
    limits = KeyLimits(1.0, 4, workers=1, most_keys=2)
    assert [limits.take(key, 0.0) for key in "abaaac"] == [0] * 6
    assert limits.take("e", 0.0) == 0, "b was dropped with one token less; a has none left"


def test_the_limits_of_all_keys_change_with_the_number_of_workers() -> None:
    limits = KeyLimits(4.0, 8, workers=4, most_keys=5)
    assert [limits.take("a", 0.0) for _ in range(3)] == [0, 0, 1]
    limits.resize(1, 0.0)
    assert limits.take("a", 0.0) == pytest.approx(0.25)
    assert [limits.take("b", 0.0) == 0 for _ in range(3)] == [True, True, False]
    assert [limits.take("b", 2.0) == 0 for _ in range(9)] == [True] * 8 + [False]
    with pytest.raises(UsageError, match="cannot be shared by 9 workers"):
        limits.resize(9, 3.0)
    assert [limits.take("a", 4.0) == 0 for _ in range(9)] == [True] * 8 + [False]


@pytest.mark.parametrize(
    ("rate", "burst"), [(0, 5), (-1, 5), (float("nan"), 5), (float("inf"), 5), (1, 0.5)]
)
def test_what_is_no_limit_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(UsageError, match="are no limit"):
        TokenBucket(rate, burst)
    with pytest.raises(UsageError, match="are no limit"):
        TokenBucket(1, 5).change(rate, burst, 0.0)


@pytest.mark.parametrize(("burst", "workers"), [(3, 4), (3, 0), (float("nan"), 1)])
def test_a_burst_has_a_request_for_each_worker(burst: float, workers: int) -> None:
    with pytest.raises(UsageError, match="cannot be shared"):
        LeasedBucket(1.0, burst, workers)


@pytest.mark.parametrize("cost", [0, -1, 5.5, float("nan")])
def test_what_would_wait_for_ever_is_refused(cost: float) -> None:
    with pytest.raises(UsageError, match="beyond the limit of 5"):
        TokenBucket(1, 5).take(0.0, cost)
