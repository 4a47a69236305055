"""When a request is sent again: over all failures, with a clock that a test turns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.client.errors import ClientError
from ml_platform.client.exchange import Call, NoReply, Reply, Send, Wait, exchange
from ml_platform.client.retries import Failure, Repeat, RetryPolicy, seconds_of

GOOD = Reply(200, b"good")
SENT_AGAIN = {
    (Failure.NOT_SENT, Repeat.ALWAYS),
    (Failure.NOT_SENT, Repeat.IF_REFUSED),
    (Failure.BUSY, Repeat.ALWAYS),
    (Failure.BUSY, Repeat.IF_REFUSED),
    (Failure.NO_ANSWER, Repeat.ALWAYS),
    (Failure.GATEWAY, Repeat.ALWAYS),
}


@dataclass
class Clock:
    """A clock that waits turn."""

    now: float = 1_000.0
    waits: list[float] = field(default_factory=list)


def asked(
    replies: Sequence[tuple[float, Reply | NoReply]],
    policy: RetryPolicy,
    repeat: Repeat,
    drawn: float = 0.5,
) -> tuple[bytes | ClientError, list[Send], Clock]:
    """What a call gives where each attempt takes so long and ends so; after the last reply, the same again."""
    clock, sent = Clock(), []
    call = Call("GET", "/", bytes, repeat=repeat)
    steps = exchange(call, policy, lambda: clock.now, lambda: drawn)
    came: Reply | NoReply | None = None
    try:
        while True:
            step = steps.send(came)
            if isinstance(step, Wait):
                clock.waits.append(step.seconds)
                clock.now += step.seconds
                came = None
            else:
                took, came = replies[min(len(sent), len(replies) - 1)]
                sent.append(step)
                clock.now += min(took, step.seconds)
    except StopIteration as end:
        return end.value, sent, clock
    except ClientError as error:
        return error, sent, clock


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("repeat", Repeat)
def test_what_is_sent_again_is_a_table(failure: Failure, repeat: Repeat) -> None:
    wait = RetryPolicy().wait(failure, repeat, 1, 0.0, 0.5)
    assert (wait is not None) == ((failure, repeat) in SENT_AGAIN)


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy(retries=9, seconds=1_000.0, first_wait=0.1, longest_wait=1.0)
    result, sent, clock = asked([(0.0, NoReply(Failure.NOT_SENT, ""))], policy, Repeat.ALWAYS)
    assert isinstance(result, ClientError)
    assert len(sent) == result.attempts == 10
    assert clock.waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5])


failures = st.one_of(
    st.sampled_from([NoReply(each, "why") for each in Failure if each is not Failure.FINAL]),
    st.builds(
        Reply,
        st.sampled_from([301, 400, 404, 422, 429, 500, 502, 503, 504]),
        st.sampled_from([b"", b'{"type":"a#b","title":"t","status":503,"detail":"d"}']),
        st.fixed_dictionaries(
            {},
            optional={
                "retry-after": st.sampled_from(["0", "1", "30", "99999999999999", "soon", "-1"]),
                "content-type": st.sampled_from(["application/problem+json", "text/html"]),
            },
        ),
    ),
)


@given(
    st.lists(st.tuples(st.floats(0, 20), failures), min_size=1, max_size=8),
    st.booleans(),
    st.integers(0, 6),
    st.floats(0.01, 30),
    st.sampled_from(Repeat),
    st.floats(0, 1, exclude_max=True),
)
def test_attempts_and_time_are_bounded_whatever_comes_back(
    replies: list[tuple[float, Reply | NoReply]],
    ends_well: bool,
    retries: int,
    seconds: float,
    repeat: Repeat,
    drawn: float,
) -> None:
    script = [*replies, (0.0, GOOD)] if ends_well else replies
    policy = RetryPolicy(retries, seconds)
    result, sent, clock = asked(script, policy, repeat, drawn)
    assert 1 <= len(sent) <= retries + 1
    assert clock.now - 1_000.0 <= seconds + 2e-3
    assert all(0.0 < step.seconds <= seconds for step in sent)
    assert len(clock.waits) == len(sent) - 1
    for wait, (_, reply) in zip(clock.waits, script, strict=False):
        least = reply.headers.get("retry-after", "0") if isinstance(reply, Reply) else "0"
        assert wait >= (float(least) if least.isdigit() else 0.0)
    if isinstance(result, bytes):
        assert (result, ends_well) == (b"good", True)
    else:
        assert result.attempts == len(sent)
        assert "\n" not in str(result)


@given(
    st.lists(
        st.tuples(
            st.just(0.0),
            st.sampled_from(
                [
                    NoReply(Failure.NO_ANSWER, ""),
                    NoReply(Failure.TOO_LATE, ""),
                    Reply(502, b""),
                    Reply(503, b"<html>"),
                    Reply(504, b""),
                    Reply(500, b""),
                ]
            ),
        ),
        min_size=1,
    )
)
def test_what_may_have_been_done_is_done_once_unless_a_repeat_is_harmless(
    replies: list[tuple[float, Reply | NoReply]],
) -> None:
    _, sent, _ = asked(replies, RetryPolicy(retries=5), Repeat.IF_REFUSED)
    assert len(sent) == 1


def test_clients_that_failed_together_do_not_come_back_together() -> None:
    policy = RetryPolicy()
    waits = {policy.wait(Failure.BUSY, Repeat.ALWAYS, 1, 0.0, k / 10, 2.0) for k in range(10)}
    assert len(waits) == 10
    assert all(2.0 <= wait < 2.1 for wait in waits if wait is not None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        (" 2 ", 2.0),
        ("", 0.0),
        ("-1", 0.0),
        ("1.5", 0.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 23:59:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 00:00:09 -0000", 9.0),
        ("٣", 0.0),
    ],
)
def test_retry_after_is_read_as_a_number_or_a_date(text: str, seconds: float) -> None:
    assert seconds_of(text, datetime(2026, 1, 1, tzinfo=UTC)) == seconds
