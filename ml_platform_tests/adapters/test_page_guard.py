"""What a foreign page can send through a visitor's browser is refused; the server's own pages work."""

import asyncio
from typing import Any

import pytest

from ml_platform.adapters.page_guard import COOKIE, PageGuard, own_hosts

HOSTS = own_hosts(3000, ["models.example"])
OWN = {"host": "127.0.0.1:3000"}
TOKEN = "a token, not guessed"
WIPE = "query=mutation%20%7B%20wipeAssets%28%29%20%7D"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """What is guarded: it does whatever it is asked."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def sent(
    headers: dict[str, str] | list[tuple[str, str]],
    *,
    method: str = "GET",
    path: str = "/",
    query: str = "",
    token: str | None = None,
    kind: str = "http",
) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    pairs = headers.items() if isinstance(headers, dict) else headers
    scope = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
    }
    if kind == "http":
        scope["method"] = method

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError("a refused request is not read")

    asyncio.run(PageGuard(application, HOSTS, token)(scope, receive, send))  # type: ignore[arg-type]
    return messages


def status(*arguments: Any, **options: Any) -> int:
    return int(sent(*arguments, **options)[0]["status"])


JSON = {"content-type": "application/json"}
NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000", "[::1]:3000"]
)
def test_its_own_pages_work(host: str) -> None:
    own = {"host": host}
    assert status(own) == 200
    assert status({**own, "sec-fetch-site": "same-origin"}, path="/graphql") == 200
    posted = {**own, **JSON, "origin": f"http://{host}"}
    assert status(posted, method="POST", path="/graphql") == 200
    assert sent({**own, "origin": f"http://{host}"}, kind="websocket", path="/graphql")[0] == {
        "type": "websocket.accept"
    }
    assert status({"host": "models.example", "origin": "https://models.example"}) == 200


def test_the_port_of_a_scheme_may_be_left_out() -> None:
    hosts = own_hosts(80, ["models.example:443", "other.example:8443"])
    assert hosts >= {"models.example", "models.example:443", "localhost", "localhost:80"}
    assert "other.example" not in hosts


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": "127.0.0.1:3001"}, 421),
        ({}, 421),
        ([("host", "127.0.0.1:3000"), ("host", "evil.example")], 421),
        ({**OWN, "origin": "http://evil.example"}, 403),
        ({**OWN, "origin": "null"}, 403),
        ({**OWN, "origin": "file://127.0.0.1:3000"}, 403),
        ({**OWN, "origin": "http://127.0.0.1:5000"}, 403),
        ({**OWN, "origin": "http://127.0.0.1:3000.evil.example"}, 403),
        ({**OWN, "origin": "http://evil.example@127.0.0.1:3000"}, 403),
        ({**OWN, "origin": "http://["}, 403),
        ({**OWN, "origin": ""}, 403),
        ({**OWN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({**OWN, **NAVIGATION, "sec-fetch-dest": "iframe"}, 403),
    ],
)
def test_foreign_hosts_and_origins_are_refused(headers: Any, expected: int) -> None:
    for options in ({}, {"method": "POST"}, {"path": "/graphql"}, {"query": "a=b"}):
        assert status(headers, **options) == expected
    assert sent(headers, kind="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_a_person_may_follow_a_link_to_a_page_and_to_nothing_else() -> None:
    link = {**OWN, **NAVIGATION, "sec-fetch-dest": "document"}
    assert status(link, path="/assets") == 200
    assert status(link, method="POST", path="/graphql") == 403
    assert status(link, path="/graphql", query=WIPE) == 405


def test_graphql_is_not_asked_by_an_address_or_a_form() -> None:
    assert status(OWN, path="/graphql", query=WIPE) == 405
    assert status({**OWN, **JSON}, method="POST", path="/graphql", query=WIPE) == 405
    for content in ("text/plain", "application/x-www-form-urlencoded", "application/graphql"):
        typed = {**OWN, "content-type": content}
        assert status(typed, method="POST", path="/graphql") == 405
    assert (
        status(
            {**OWN, "content-type": "application/json; charset=utf-8"},
            method="POST",
            path="/graphql",
        )
        == 200
    )


def test_a_token_is_asked_for_and_kept_as_a_cookie() -> None:
    assert status(OWN, token=TOKEN) == 401
    assert sent(OWN, kind="websocket", token=TOKEN)[0]["type"] == "websocket.close"
    assert status({**OWN, "authorization": "Bearer wrong"}, token=TOKEN) == 401
    assert status({**OWN, "cookie": f"{COOKIE}={TOKEN}"}, token=TOKEN) == 401
    assert status({**OWN, "authorization": f"Bearer {TOKEN}"}, token=TOKEN) == 200
    (start, _) = sent(OWN, path="/assets", query=f"token={TOKEN}&view=list", token=TOKEN)
    headers = dict(start["headers"])
    assert (start["status"], headers[b"location"]) == (303, b"/assets?view=list")
    cookie = headers[b"set-cookie"].decode()
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert TOKEN not in cookie
    kept = {**OWN, "cookie": cookie.partition(";")[0]}
    assert status(kept, token=TOKEN) == 200
    assert sent(kept, kind="websocket", token=TOKEN)[0] == {"type": "websocket.accept"}
    assert TOKEN not in repr(PageGuard(application, HOSTS, TOKEN))


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "/\r\nSet-Cookie: a=b"])
def test_the_redirect_stays_on_this_server(path: str) -> None:
    (start, _) = sent(OWN, path=path, query=f"token={TOKEN}", token=TOKEN)
    location = dict(start["headers"])[b"location"]
    assert location in (b"/evil.example", b"/%0D%0ASet-Cookie%3A%20a%3Db")


def test_no_foreign_page_may_frame_an_answer() -> None:
    for headers in (OWN, {"host": "evil.example"}):
        assert (b"x-frame-options", b"SAMEORIGIN") in sent(headers)[0]["headers"]
