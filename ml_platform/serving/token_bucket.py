"""Limits on requests, kept by each worker alone: no worker asks another one, or a database, before it answers.

A token bucket holds ``burst`` tokens when it is full and gains ``rate_per_second``; a request takes one. So in
any ``t`` seconds it admits at most ``burst + rate_per_second * t`` requests. Where N workers answer, each holds a
lease of one N-th of both, and together they keep the same bound.

``now`` is seconds of a clock that never goes back, such as ``time.monotonic``. The objects here change when they
are asked; they are for one thread, such as that of an event loop.
"""

import math
from collections import OrderedDict

from ml_platform.errors import UsageError

MOST_KEYS = 10_000
"""How many keys one worker remembers."""
_TOLERANCE = 1e-6
"""Tokens that rounding may cost: a request is admitted with this much less than it needs."""


class TokenBucket:
    """A limit on one stream of requests. Its whole state is one number: the moment at which it is full again.

    >>> bucket = TokenBucket(rate_per_second=2.0, burst=3)
    >>> [bucket.take(now=0.0) for _ in range(4)]
    [0.0, 0.0, 0.0, 0.5]
    >>> bucket.take(now=0.5)
    0.0
    """

    __slots__ = ("_burst", "_full_at", "_rate")

    def __init__(
        self, rate_per_second: float, burst: float, full_at: float = float("-inf")
    ) -> None:
        """A bucket that is full from ``full_at`` on; by default it is full now.

        Raises:
            UsageError: the rate is not a positive number, or the burst is below one request.
        """
        _require_limit(rate_per_second, burst)
        self._rate, self._burst, self._full_at = rate_per_second, burst, full_at

    @property
    def full_at(self) -> float:
        """The moment from which on it is full, if nobody asks."""
        return self._full_at

    def tokens(self, now: float) -> float:
        """How many requests it would admit at once, from 0 to the burst."""
        return self._burst - max(0.0, self._full_at - now) * self._rate

    def take(self, now: float, cost: float = 1.0) -> float:
        """Admit a request, or say for how many seconds it has to wait; 0: it is admitted.

        A request that has to wait takes nothing.

        Args:
            now: Seconds of a clock that never goes back.
            cost: The tokens that it takes, above 0: more than one for a request that asks many things.

        Raises:
            UsageError: the cost is above the burst, so that it would have to wait for ever; or not above 0.
        """
        if not 0 < cost <= self._burst:
            raise UsageError(
                f"A request of {cost:g} at once is beyond the limit of {self._burst:g}.",
                remedy="ask for less at once",
            )
        lacking = cost - self.tokens(now)
        if lacking > _TOLERANCE:
            return lacking / self._rate
        self._full_at = max(self._full_at, now) + cost / self._rate
        return 0.0

    def change(self, rate_per_second: float, burst: float, now: float) -> None:
        """Go on under another limit with the tokens that are there, as far as they fit in; none are given.

        Raises:
            UsageError: the rate is not a positive number, or the burst is below one request.
        """
        _require_limit(rate_per_second, burst)
        tokens = self.tokens(now)
        self._rate, self._burst = rate_per_second, burst
        self._full_at = now + (burst - tokens) / rate_per_second


class LeasedBucket:
    """The lease of one of N workers on a limit that they share: one N-th of the rate and of the burst.

    In any ``t`` seconds N workers that know of each other admit at most ``burst + rate * t`` together. What may
    come on top:

    - Where their number changes from N to M and the workers are told within ``d`` seconds of each other (the new
      ones begin and the old ones stop within the same time): once, at most
      ``(1 - min(N, M) / max(N, M)) * (burst + rate * d)``, which is less than one burst and ``d`` seconds of rate.
    - For each worker that is replaced by a new one: ``burst / N``, since a lease begins full.

    The price is that a client all of whose requests reach one worker gets one N-th of the limit.
    """

    __slots__ = ("_bucket", "_burst", "_rate")

    def __init__(
        self,
        rate_per_second: float,
        burst: float,
        workers: int,
        full_at: float = float("-inf"),
    ) -> None:
        """One worker's lease, full from ``full_at`` on.

        Raises:
            UsageError: the limit is none, or its burst is below one request for each worker.
        """
        _require_shared(burst, workers)
        self._rate, self._burst = rate_per_second, burst
        self._bucket = TokenBucket(rate_per_second / workers, burst / workers, full_at)

    @property
    def full_at(self) -> float:
        """The moment from which on the lease is full, if nobody asks."""
        return self._bucket.full_at

    def take(self, now: float, cost: float = 1.0) -> float:
        """See `TokenBucket.take`; the most that one request may cost is the worker's share of the burst."""
        return self._bucket.take(now, cost)

    def resize(self, workers: int, now: float) -> None:
        """There are ``workers`` workers from now on: the share changes, and no tokens are given.

        Raises:
            UsageError: the burst is below one request for each worker; nothing is changed.
        """
        _require_shared(self._burst, workers)
        self._bucket.change(self._rate / workers, self._burst / workers, now)


class KeyLimits:
    """The leases of one worker on the limits of all keys, each with the same rate and burst; of bounded size.

    Beyond ``most_keys`` the key that was not seen for longest is dropped. Mostly it is idle, and its lease is full
    again: nothing is lost. Where it is not, no lease that is made afterwards is full before it would have been; so
    the bound of `LeasedBucket` holds for every key, and a key that comes anew may wait a little longer.
    """

    def __init__(
        self,
        rate_per_second: float,
        burst: float,
        workers: int,
        most_keys: int = MOST_KEYS,
    ) -> None:
        """No key has been seen yet.

        Raises:
            UsageError: the limit is none, or its burst is below one request for each worker.
        """
        self._limit = (rate_per_second, burst)
        self._workers = workers
        self._most = max(1, most_keys)
        self._leases: OrderedDict[str, LeasedBucket] = OrderedDict()
        self._dropped = LeasedBucket(rate_per_second, burst, workers)
        """The lease of the dropped key that is full last."""

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._leases)

    def take(self, key_id: str, now: float, cost: float = 1.0) -> float:
        """Admit a request of a key, or say for how many seconds it has to wait; see `TokenBucket.take`."""
        lease = self._leases.get(key_id)
        if lease is None:
            lease = LeasedBucket(*self._limit, self._workers, self._dropped.full_at)
            self._leases[key_id] = lease
            if len(self._leases) > self._most:
                _, oldest = self._leases.popitem(last=False)
                self._dropped = max(self._dropped, oldest, key=lambda each: each.full_at)
        else:
            self._leases.move_to_end(key_id)
        return lease.take(now, cost)

    def resize(self, workers: int, now: float) -> None:
        """There are ``workers`` workers from now on; see `LeasedBucket.resize`."""
        for lease in (self._dropped, *self._leases.values()):
            lease.resize(workers, now)
        self._workers = workers


def retry_after(wait: float) -> int:
    """The value of the header ``Retry-After`` for a wait in seconds: whole seconds, at least 1.

    >>> [retry_after(wait) for wait in (0.02, 1.0, 1.3)]
    [1, 1, 2]
    """
    return max(1, math.ceil(wait))


def _require_limit(rate_per_second: float, burst: float) -> None:
    if not (0 < rate_per_second < math.inf and 1 <= burst < math.inf):
        raise UsageError(
            f"{rate_per_second:g} requests a second with a burst of {burst:g} are no limit.",
            remedy="give a rate above 0 and a burst of at least 1",
        )


def _require_shared(burst: float, workers: int) -> None:
    if not 1 <= workers <= burst:
        raise UsageError(
            f"A burst of {burst:g} requests cannot be shared by {workers} workers.",
            remedy="give at least 1 worker, and a burst of at least one request a worker",
        )
