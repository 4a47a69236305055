"""API keys of the prediction service: who asks, what they may do, until when; only a hash of the secret is kept.

A key is a text ``mlp_<key id>_<secret>`` that its holder sends with each request. Its secret is 32 random bytes, so
nobody can try them all: one SHA-256 is enough to keep it by, and checking it costs a microsecond. The slow, salted
hashes that passwords need protect secrets that people choose.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from ml_platform.errors import PlatformError, UsageError

LIFETIME = timedelta(days=90)
"""How long a new key can be used, unless something else is asked for."""
OVERLAP = timedelta(hours=24)
"""How long the old key of a rotation still works, unless something else is asked for."""
MOST_LETTERS = 200
"""The longest user id and name of a key."""

RandomBytes = Callable[[int], bytes]
"""A source of random bytes that nobody can foretell, such as ``secrets.token_bytes``."""

_ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 12
_SECRET_BYTES = 32
_TEXT = re.compile(r"mlp_([0-9a-z]{12})_([0-9a-f]{64})")
_NO_HASH = "0" * 64
_NEW_KEY = "ask an operator for a new key (`ml-platform keys create`)"


class Scope(StrEnum):
    """What the holder of a key may do."""

    PREDICT = "predict"
    """Ask models, for oneself."""
    FEEDBACK = "feedback"
    """Report outcomes and feedback of one's own predictions."""
    EVENTS = "events"
    """Send events."""
    READ = "read"
    """Read metrics, health, models and evaluations."""
    ACT_FOR = "act_for"
    """Ask, read and report for other users."""
    OPERATE = "operate"
    """Train, retrain, evaluate, change what is in production; the operator's pages."""


PERSON_SCOPES = frozenset({Scope.PREDICT, Scope.FEEDBACK, Scope.READ})
"""The scopes of a person's key, unless others are asked for."""
OPERATOR_SCOPES = frozenset(Scope)
"""The scopes of an operator's key: all."""


class KeyRefusal(StrEnum):
    """Why a key, or a session of the operator's pages, is refused."""

    MALFORMED = "malformed"
    """The text is not of the form of a key."""
    UNKNOWN = "unknown"
    """There is no such key, or its secret is another one: an answer does not tell which."""
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyRefused(PlatformError):
    """A key or a session cannot be used; neither the message nor anything else in it holds what was sent."""

    def __init__(self, cause: KeyRefusal, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.cause = cause


class KeyStatus(StrEnum):
    """Where a key stands at some moment."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    """Whether or not it has expired as well."""


@dataclass(frozen=True)
class ApiKey:
    """A key as the ledger keeps it: everything but its secret."""

    key_id: str
    """12 lower-case letters and digits; no secret."""
    user_id: str
    """Whose key it is, by the id that the events of this home have."""
    name: str
    """What it is for, in its owner's words; may be empty."""
    scopes: frozenset[Scope]
    secret_sha256: str = field(repr=False)
    """SHA-256 of the secret, 64 hexadecimal digits."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    """From this moment on it is refused; ``None``: never."""
    revoked_at: datetime | None = None
    revoked_by: str = ""
    revoked_reason: str = ""
    replaces: str | None = None
    """The id of the key in whose place it came by a rotation."""

    @property
    def is_operator(self) -> bool:
        """Whether it has every scope."""
        return self.scopes == OPERATOR_SCOPES

    def may(self, scope: Scope) -> bool:
        """Whether its holder may do this."""
        return scope in self.scopes

    def status(self, now: datetime) -> KeyStatus:
        """Where it stands at ``now``."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.ACTIVE


@dataclass(frozen=True)
class Rotation:
    """A key and the one that takes its place."""

    old: ApiKey
    """As it is from now on: it expires at the end of the overlap, if not before."""
    new: ApiKey
    text: str = field(repr=False)
    """What the holder of the new key sends; it is kept nowhere."""


def new_key(
    user_id: str,
    scopes: Collection[Scope],
    now: datetime,
    random: RandomBytes,
    *,
    by: str,
    name: str = "",
    lifetime: timedelta | None = LIFETIME,
) -> tuple[ApiKey, str]:
    """A new key, and the text that its holder sends, which is kept nowhere.

    Args:
        user_id: Whose key it is.
        scopes: What the holder may do; at least one.
        now: When it is made, aware.
        random: Where the id and the secret come from.
        by: Who makes it.
        name: What it is for.
        lifetime: How long it can be used; ``None``: until it is revoked.

    Raises:
        UsageError: no user, no maker, no scope or no time; or see `require_text`.
    """
    require_text("user id", user_id)
    require_text("name", name, may_be_empty=True)
    require_text("maker", by)
    if not scopes:
        raise UsageError(
            "A key without a scope may do nothing.", remedy=f"give one of {', '.join(Scope)}"
        )
    if lifetime is not None and lifetime <= timedelta(0):
        raise UsageError(
            f"A key that lives for {lifetime} has expired already.", remedy="give a longer time"
        )
    key_id, secret = _new_id(random), random(_SECRET_BYTES).hex()
    key = ApiKey(
        key_id=key_id,
        user_id=user_id,
        name=name,
        scopes=frozenset(scopes),
        secret_sha256=_sha256(secret),
        created_at=now,
        created_by=by,
        expires_at=None if lifetime is None else now + lifetime,
    )
    return key, f"mlp_{key_id}_{secret}"


def require_text(what: str, text: str, *, may_be_empty: bool = False) -> None:
    """Refuse a text that is not to be kept with a key; ``what`` names it.

    Raises:
        UsageError: it is empty, has more than 200 characters, or control characters.
    """
    if not text.strip() and not may_be_empty:
        raise UsageError(f"The {what} of a key is empty.", remedy="give one")
    if len(text) > MOST_LETTERS or not text.isprintable():
        raise UsageError(
            f"The {what} of a key has {len(text)} characters, or control characters among them.",
            remedy=f"give at most {MOST_LETTERS} printable characters",
        )


def rotated(
    key: ApiKey,
    now: datetime,
    random: RandomBytes,
    *,
    by: str,
    overlap: timedelta = OVERLAP,
) -> Rotation:
    """A new key with the user, name, scopes and lifetime of ``key``, which itself expires after ``overlap``.

    Args:
        key: An active key that was not rotated before.
        now: When it is rotated, aware.
        random: Where the id and the secret of the new one come from.
        by: Who asks for it.
        overlap: How long both work, 0 or more; the old one never longer than it would have.

    Raises:
        UsageError: the key is not active any more, or the overlap is negative.
    """
    status = key.status(now)
    if status is not KeyStatus.ACTIVE:
        raise UsageError(
            f"Key {key.key_id} is {status}; only an active one is rotated.",
            remedy=f"`ml-platform keys create --user {key.user_id}` makes a new one",
        )
    if overlap < timedelta(0):
        raise UsageError(f"An overlap of {overlap} is negative.", remedy="give 0 or more")
    lifetime = None if key.expires_at is None else key.expires_at - key.created_at
    new, text = new_key(
        key.user_id, key.scopes, now, random, by=by, name=key.name, lifetime=lifetime
    )
    end = now + overlap if key.expires_at is None else min(key.expires_at, now + overlap)
    return Rotation(replace(key, expires_at=end), replace(new, replaces=key.key_id), text)


@dataclass(frozen=True)
class Keyring:
    """All keys of a home, as a process that answers requests holds them; it never changes.

    To authenticate takes about three microseconds, whatever the number of keys.
    """

    keys: tuple[ApiKey, ...]

    def authenticate(self, text: str, now: datetime) -> ApiKey:
        """The key whose text was sent.

        Secrets are compared in constant time. A wrong secret and an id that nobody has give the same error; that a
        key has expired or was revoked learns only who has its secret.

        Raises:
            KeyRefused: malformed, unknown, expired or revoked, as its ``cause`` says.
        """
        parts = _TEXT.fullmatch(text)
        if parts is None:
            raise KeyRefused(
                KeyRefusal.MALFORMED,
                "This is not an API key.",
                remedy="send the whole text that began with mlp_ when the key was made",
            )
        key = self._by_id.get(parts[1])
        expected = key.secret_sha256 if key is not None else _NO_HASH
        if not hmac.compare_digest(_sha256(parts[2]), expected) or key is None:
            raise _unknown()
        return _active(key, now)

    def active(self, key_id: str, now: datetime) -> ApiKey:
        """The key of an id that was authenticated before, such as that of a session.

        Raises:
            KeyRefused: unknown, expired or revoked, as its ``cause`` says.
        """
        key = self._by_id.get(key_id)
        if key is None:
            raise _unknown()
        return _active(key, now)

    @cached_property
    def _by_id(self) -> dict[str, ApiKey]:
        return {key.key_id: key for key in self.keys}


def _active(key: ApiKey, now: datetime) -> ApiKey:
    if key.revoked_at is not None:
        raise KeyRefused(
            KeyRefusal.REVOKED,
            f"API key {key.key_id} was revoked on {key.revoked_at:%Y-%m-%d}.",
            remedy=_NEW_KEY,
        )
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused(
            KeyRefusal.EXPIRED,
            f"API key {key.key_id} expired on {key.expires_at:%Y-%m-%d %H:%M} UTC.",
            remedy=_NEW_KEY,
        )
    return key


def _unknown() -> KeyRefused:
    return KeyRefused(
        KeyRefusal.UNKNOWN,
        "This API key is not known here.",
        remedy="compare it with the text that was shown when it was made, or " + _NEW_KEY,
    )


def _new_id(random: RandomBytes) -> str:
    number = int.from_bytes(random(16), "big")
    letters = []
    for _ in range(_ID_LENGTH):
        number, place = divmod(number, len(_ID_LETTERS))
        letters.append(_ID_LETTERS[place])
    return "".join(letters)


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
