"""A guard in front of a local web application: foreign pages cannot use it through their visitor's browser.

A server on 127.0.0.1 is reached by every page that its user opens. Dagster's takes any Host and Origin, websockets
included, and carries out GraphQL mutations of a plain GET, so that an image on a foreign page could wipe the
history of assets. The guard passes a request on only if

- its one ``Host`` is the server's own (which also ends DNS rebinding),
- its ``Origin``, where the browser names one, is the server's own,
- the browser does not call it cross-site (``Sec-Fetch-Site``), but for a person who follows a link to a page,
- it does not ask GraphQL by the address: a query comes as a POST of JSON, which no foreign page can send unasked,
- it brings the token, where one is set: as a bearer, as a cookie, or once as ``?token=...``, which sets the cookie.

It is an ASGI application around another one and knows nothing of it.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "ml_platform_token"
_GRAPHQL = "/graphql"
_REFUSED_WEBSOCKET = 1008
"""The close code of a policy violation (RFC 6455)."""
_ADDED = (
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
)
"""Headers of every answer: no foreign page may frame it or embed its parts."""


@dataclass(frozen=True)
class Refusal:
    """The reason why a request is not passed on, with its HTTP status."""

    status: int
    reason: str


@dataclass(frozen=True)
class PageGuard:
    """The application, guarded."""

    application: Application
    hosts: Collection[str]
    """The values of ``Host`` that are the server's own, with their port, in lower case."""
    token: str | None = field(default=None, repr=False)
    """What every request must know; ``None``: nothing is asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request or websocket on, or answer it with the refusal."""
        if scope["type"] not in ("http", "websocket"):
            return await self.application(scope, receive, send)
        headers = _headers(scope)
        refusal = self.refusal(scope, headers)
        if refusal is None and scope["type"] == "http" and _token_of_address(scope) is not None:
            return await _answer(send, 303, "", self._with_cookie(scope))
        if refusal is None:
            return await self.application(scope, receive, _with_headers(send))
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET})
        await _answer(send, refusal.status, f"{refusal.reason}\n", ())

    def refusal(self, scope: Scope, headers: dict[str, list[str]]) -> Refusal | None:
        """The reason to refuse a request; ``None`` for one that may pass."""
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return Refusal(421, f"Host {hosts} is not one of {', '.join(sorted(self.hosts))}.")
        for origin in headers.get("origin", []):
            if not self._is_own(origin):
                return Refusal(403, f"Origin {origin!r} is another site.")
        if headers.get("sec-fetch-site", ["none"])[-1] == "cross-site" and not _follows_a_link(
            scope, headers
        ):
            return Refusal(403, "The request comes from another site.")
        if scope["type"] == "http" and scope["path"].endswith(_GRAPHQL):
            content = headers.get("content-type", [""])[-1].partition(";")[0].strip()
            asked = any(name == "query" for name, _ in _query(scope))
            if asked or (scope["method"] == "POST" and content != "application/json"):
                return Refusal(405, "GraphQL is asked by a POST of application/json alone.")
        if self.token is not None and not self._knows_token(scope, headers):
            return Refusal(401, "Open the address with ?token=..., as ML_PLATFORM_UI_TOKEN has it.")
        return None

    def _is_own(self, origin: str) -> bool:
        scheme, _, host = origin.lower().partition("://")
        return scheme in ("http", "https") and host in self.hosts

    def _knows_token(self, scope: Scope, headers: dict[str, list[str]]) -> bool:
        assert self.token is not None
        bearer = [value[7:] for value in headers.get("authorization", []) if value[:7] == "Bearer "]
        typed = _token_of_address(scope)
        given = [*bearer, *([typed] if typed is not None else [])]
        kept = _cookies(headers)
        return any(_same(value, self.token) for value in given) or any(
            _same(value, _cookie_of(self.token)) for value in kept
        )

    def _with_cookie(self, scope: Scope) -> tuple[tuple[bytes, bytes], ...]:
        """Headers that keep the token as a cookie and lead to the same address without it."""
        rest = urlencode([(name, value) for name, value in _query(scope) if name != "token"])
        place = "/" + quote(scope["path"].lstrip("/\\")) + (f"?{rest}" if rest else "")
        if self.token is None:
            return ((b"location", place.encode()),)
        cookie = f"{COOKIE}={_cookie_of(self.token)}; Path=/; HttpOnly; SameSite=Strict"
        return ((b"location", place.encode()), (b"set-cookie", cookie.encode()))


def own_hosts(port: int, others: Collection[str] = ()) -> frozenset[str]:
    """The values of ``Host`` of a server on this machine's port, and ``others`` that the settings name.

    Browsers leave out the port of a name where it is that of the scheme: ``models.example:443`` is sent bare.
    """
    names = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    names += [name.lower() for name in others]
    bare = [
        name.removesuffix(end) for name in names for end in (":80", ":443") if name.endswith(end)
    ]
    return frozenset([*names, *bare])


def _headers(scope: Scope) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _follows_a_link(scope: Scope, headers: dict[str, list[str]]) -> bool:
    """Whether a person opens a page by a link: nothing but a GET for a document of a window of its own."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == ["navigate"]
        and headers.get("sec-fetch-dest") == ["document"]
    )


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _token_of_address(scope: Scope) -> str | None:
    return next((value for name, value in _query(scope) if name == "token"), None)


def _cookies(headers: dict[str, list[str]]) -> list[str]:
    values = []
    for text in headers.get("cookie", []):
        try:
            cookie = SimpleCookie(text).get(COOKIE)
        except CookieError:
            continue
        if cookie is not None:
            values.append(cookie.value)
    return values


def _cookie_of(token: str) -> str:
    """What the browser keeps in place of the token."""
    return hashlib.sha256(b"ml_platform cookie " + token.encode()).hexdigest()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_ADDED]}
        await send(message)

    return sent


async def _answer(
    send: Send, status: int, text: str, headers: Collection[tuple[bytes, bytes]]
) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send(
        {"type": "http.response.start", "status": status, "headers": [plain, *headers, *_ADDED]}
    )
    await send({"type": "http.response.body", "body": text.encode()})
