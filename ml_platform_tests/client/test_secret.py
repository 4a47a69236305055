"""The key stands in no text that the client makes, whatever the service sends back."""

import traceback

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.client import AsyncClient, Client, ClientError
from ml_platform_tests.client.both import KEY, SECRET, Asking, awaited, blocking, predict

ERRORS = [
    httpx.ConnectError,
    httpx.ReadError,
    httpx.WriteError,
    httpx.ReadTimeout,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,
]
words = st.sampled_from([KEY, SECRET, f"Bearer {KEY}", "detail", '"', "{", "type", "\n"])
texts = st.lists(words, max_size=6).map("".join)
documents = st.fixed_dictionaries(
    {"type": texts, "title": texts, "status": st.just(422), "detail": texts},
    optional={"remedy": texts, "errors": st.lists(texts, max_size=3)},
)


def told(ask: Asking, transport: httpx.MockTransport) -> str:
    """Every text that somebody could see of a call that fails."""
    with pytest.raises(ClientError) as caught:
        ask("http://service", predict, transport=transport, retries=0)
    error = caught.value
    shown = [str(error), repr(error), repr(error.problem), *map(str, error.args)]
    return "\n".join([*shown, *traceback.format_exception(error, chain=True)])


@given(
    st.sampled_from([blocking, awaited]),
    st.sampled_from([200, 302, 401, 422, 500, 503]),
    st.one_of(documents, texts),
    st.booleans(),
)
def test_an_answer_that_repeats_the_key_does_not_bring_it_into_an_error(
    ask: Asking, status: int, body: dict[str, object] | str, is_problem: bool
) -> None:
    kind = "application/problem+json" if is_problem else "application/json"

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        if isinstance(body, str):
            return httpx.Response(status, text=body, headers={"content-type": kind})
        return httpx.Response(status, json=body, headers={"content-type": kind})

    text = told(ask, httpx.MockTransport(answer))
    assert KEY not in text
    assert SECRET not in text


@given(st.sampled_from([blocking, awaited]), st.sampled_from(ERRORS))
def test_an_error_of_the_connection_does_not_say_what_was_sent(
    ask: Asking, kind: type[httpx.TransportError]
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(f"Illegal header value {request.headers['authorization']!r}")

    text = told(ask, httpx.MockTransport(fail))
    assert KEY not in text
    assert SECRET not in text


def test_a_client_shows_where_it_asks_and_not_as_whom() -> None:
    assert repr(Client("http://a:1/", KEY)) == "Client('http://a:1')"
    assert repr(AsyncClient("https://a/ml", KEY)) == "AsyncClient('https://a/ml')"
