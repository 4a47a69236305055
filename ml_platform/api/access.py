"""Who asks, what they may do, and how often: decided in the worker, without a query."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ml_platform.api.given_answer import Asker
from ml_platform.api.problems import Kind, Refused
from ml_platform.serving.keys import ApiKey, KeyRefused, Keyring, Scope
from ml_platform.serving.sessions import issue, read
from ml_platform.serving.token_bucket import KeyLimits, retry_after

COOKIE = "ml_platform_session"
SESSION = timedelta(hours=12)
"""How long an operator stays signed in."""
MOST_LETTERS = 200
"""The longest id of a user or a row."""
_BEARER = "bearer "


class Access:
    """The keys and limits of one worker."""

    def __init__(self, limits: KeyLimits, session_secret: bytes, *, most_at_once: float) -> None:
        """Nobody may ask before the first keyring.

        Args:
            limits: How often a key may ask this worker.
            session_secret: Signs the sessions of the pages.
            most_at_once: What a request may cost at the most: this worker's share of the burst.
        """
        self.keyring = Keyring(())
        self._most = most_at_once
        self._limits = limits
        self._secret = session_secret

    def sign_in(self, text: str, now: datetime) -> str:
        """The session of an operator's key, for `COOKIE`; it ends after `SESSION`, or with the key.

        Raises:
            Refused: it is no valid key, or it has not every scope.
        """
        try:
            key = self.keyring.authenticate(text, now)
        except KeyRefused as error:
            raise Refused(Kind.NO_KEY, error.message, remedy=error.remedy) from error
        if not key.is_operator:
            raise Refused(
                Kind.FORBIDDEN,
                f"The key {key.key_id} has not every scope.",
                remedy="the pages are for operators: use a key with all scopes",
            )
        return issue(key.key_id, now + SESSION, self._secret)

    def key_of(self, authorization: str, session: str = "") -> ApiKey:
        """The key that a request comes with: in its header, or behind the session of the pages.

        Args:
            authorization: The header; empty where there is none.
            session: The value of `COOKIE`, if it may count: see `session_of`.

        Raises:
            Refused: there is none, or it is not valid.
        """
        now = datetime.now(UTC)
        try:
            if authorization[: len(_BEARER)].lower() == _BEARER:
                return self.keyring.authenticate(authorization[len(_BEARER) :], now)
            if session:
                return self.keyring.active(read(session, now, self._secret), now)
        except KeyRefused as error:
            raise Refused(Kind.NO_KEY, error.message, remedy=error.remedy) from error
        raise Refused(
            Kind.NO_KEY,
            "The request has no API key.",
            remedy="send the header `Authorization: Bearer mlp_...` (`ml-platform keys create`)",
        )

    def admit(self, key: ApiKey, scope: Scope, cost: float = 1.0) -> None:
        """Let a request pass.

        Raises:
            Refused: the key may not do this, or asks too often.
        """
        if not key.may(scope):
            raise Refused(
                Kind.FORBIDDEN,
                f"The key {key.key_id} has no scope '{scope}'.",
                remedy=f"use a key made with --scope {scope}",
            )
        self.charge(key, cost)

    def charge(self, key: ApiKey, cost: float) -> None:
        """Count a request, or its further rows, against the limit of a key.

        Raises:
            Refused: the key asks too often.
        """
        wait = self._limits.take(key.key_id, time.monotonic(), min(cost, self._most))
        if wait:
            raise Refused(
                Kind.TOO_MANY,
                f"The key {key.key_id} asks more often than it may.",
                remedy=f"wait {wait:.2f} seconds",
                retry_after=retry_after(wait),
            )


def same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request comes from a page of this service: its browser says so, or names its origin.

    Browsers send ``Sec-Fetch-Site`` over https and to this machine, and ``Origin`` with each POST; pages of others
    can set neither.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    scheme, _, host = headers.get(b"origin", b"").partition(b"://")
    return scheme in (b"http", b"https") and host != b"" and host == headers.get(b"host")


def session_of(headers: Mapping[bytes, bytes]) -> str:
    """The value of `COOKIE` of a request that asks something; empty unless a page of ours has sent it."""
    if COOKIE.encode() not in headers.get(b"cookie", b"") or not same_origin(headers):
        return ""
    return cookie_of(headers)


def cookie_of(headers: Mapping[bytes, bytes]) -> str:
    """The value of `COOKIE`, wherever the request comes from: enough to show a page, which nobody else can read."""
    for part in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def asker(key: ApiKey, user_id: str | None) -> Asker:
    """The person that a request is for.

    Raises:
        Refused: it is for somebody else than the owner of the key, which is not for that.
    """
    if user_id is None or user_id == key.user_id:
        return Asker(key.key_id, key.user_id)
    if not key.may(Scope.ACT_FOR):
        raise Refused(
            Kind.FORBIDDEN,
            f"The key {key.key_id} asks for its owner alone.",
            remedy=f"leave user_id out, or use a key made with --scope {Scope.ACT_FOR}",
        )
    require_name("user_id", user_id)
    return Asker(key.key_id, user_id)


def require_name(field: str, text: str, *, may_be_empty: bool = False) -> None:
    """Refuse what is no id of anything.

    Raises:
        Refused: it is empty, too long or has control characters.
    """
    if not (text or may_be_empty) or len(text) > MOST_LETTERS or not text.isprintable():
        raise Refused(
            Kind.REFUSED,
            f"{field} must have 1 to {MOST_LETTERS} printable characters.",
            errors=(f"{field} is {text[:40]!r}",),
        )
