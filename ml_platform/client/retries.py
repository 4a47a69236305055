"""When a request is sent again, and after what wait: pure, with the time and the random number as arguments."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto

_LONGEST_EXPONENT = 30


class Repeat(Enum):
    """How far it is safe to send a request a second time."""

    ALWAYS = auto()
    """A second one changes nothing: it only reads, or the service knows it by its key or id."""
    IF_REFUSED = auto()
    """Only where the first one has done nothing: it never arrived, or was refused."""


class Failure(Enum):
    """How an attempt failed, as far as it matters for another one."""

    NOT_SENT = auto()
    """There was no connection, so the service knows nothing of it."""
    NO_ANSWER = auto()
    """It was sent, and the connection ended before an answer: what it did is unknown."""
    TOO_LATE = auto()
    """The time was over before the answer."""
    BUSY = auto()
    """The service has refused it for now: 429, or 503 with a problem document."""
    GATEWAY = auto()
    """Something between says 502, 503 or 504: what the service did is unknown."""
    FINAL = auto()
    """Any other answer: asked again, it would be the same."""


_ALWAYS = frozenset({Failure.NOT_SENT, Failure.BUSY})
_IF_SAFE = frozenset({Failure.NO_ANSWER, Failure.GATEWAY})


@dataclass(frozen=True)
class RetryPolicy:
    """How often and for how long a request is tried."""

    retries: int = 3
    """Attempts after the first one."""
    seconds: float = 10.0
    """All attempts and waits together take no longer."""
    first_wait: float = 0.1
    """Seconds up to which is waited before the second attempt; it doubles with each one."""
    longest_wait: float = 5.0
    """Seconds beyond which it does not grow; what the service asks for is waited beside that."""

    def __post_init__(self) -> None:
        if self.retries < 0 or not 0.0 < self.seconds < float("inf"):
            raise ValueError("retries must be 0 or more, and seconds finite and above 0.")

    def wait(
        self,
        failure: Failure,
        repeat: Repeat,
        attempt: int,
        elapsed: float,
        drawn: float,
        retry_after: float = 0.0,
    ) -> float | None:
        """Seconds to wait before another attempt; ``None``: there is none.

        Args:
            failure: How the last attempt failed.
            repeat: How far the request may be sent again.
            attempt: How many there were, from 1.
            elapsed: Seconds since the first one began.
            drawn: A random number in [0, 1): clients that failed together do not come back together.
            retry_after: The least that the service asks for, in seconds.
        """
        safe = failure in _ALWAYS or (failure in _IF_SAFE and repeat is Repeat.ALWAYS)
        if not safe or attempt > self.retries:
            return None
        most = self.first_wait * 2.0 ** min(attempt - 1, _LONGEST_EXPONENT)
        wait = max(retry_after, 0.0) + drawn * min(most, self.longest_wait)
        return wait if elapsed + wait < self.seconds else None


def seconds_of(retry_after: str, now: datetime) -> float:
    """The seconds that a header ``Retry-After`` asks for, as a number or a date; 0 where it says neither.

    >>> seconds_of("3", datetime(2026, 1, 1, tzinfo=UTC))
    3.0
    >>> seconds_of("Thu, 01 Jan 2026 00:00:05 GMT", datetime(2026, 1, 1, tzinfo=UTC))
    5.0
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
