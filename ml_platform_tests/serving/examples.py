"""Keys with randomness that is known."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from ml_platform.serving.keys import PERSON_SCOPES, ApiKey, new_key

AT = datetime(2026, 5, 2, 12, tzinfo=UTC)


def known_random(start: int = 0) -> Callable[[int], bytes]:
    """Other bytes at each call, the same in each test."""
    numbers = count(start)
    return lambda size: bytes((next(numbers) * 7 + place) % 256 for place in range(size))


def key_of(user: str = "ann", number: int = 0, **fields: object) -> tuple[ApiKey, str]:
    """A key of somebody, and its text."""
    given = {"scopes": PERSON_SCOPES, "by": "ada", **fields}
    return new_key(user, now=AT, random=known_random(2 * number), **given)
