"""Requests that break HTTP itself, as bytes: lengths, chunks, headers, methods, other protocols."""

from collections.abc import Iterator, Mapping

from ml_platform_tests.api.hostile.wire import head

BODY = b'{"model": "example", "features": {"x": 1.0}}'
PATH = b"/api/ml/predict"
_CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)


def framed(headers: Mapping[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    """Broken requests with what is wrong with them; ``headers`` hold a valid key."""
    json = {**headers, b"content-type": b"application/json"}
    yield from _lengths(json)
    yield from _chunks(json)
    yield from _heads(json)
    yield from _lines(json)
    yield from _others(json)


def _lengths(json: Mapping[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    for length in (
        *(
            b"-1",
            b"+44",
            b"0x2c",
            b"4e1",
            b"44.0",
            b"44 44",
            b"44,44",
            b"",
            b"a",
            b"\xd9\xa4\xd9\xa4",
        ),
        *(b"9" * 30, b"18446744073709551660", b"1000001", b"4_4", b"44\x0b", b"999999999999"),
    ):
        yield f"content-length {length!r}", _post({**json, b"content-length": length}) + BODY
    right = _post({**json, b"content-length": b"44"})
    for what, more in {
        "two lengths that differ": b"content-length: 3\r\n",
        "two lengths that are equal": b"content-length: 44\r\n",
        "a length and chunks": b"transfer-encoding: chunked\r\n",
    }.items():
        yield what, right[:-2] + more + b"\r\n" + BODY
    yield "a length that is too short", _post({**json, b"content-length": b"10"}) + BODY
    yield "no length", _post(json) + BODY
    smuggled = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nhost: service\r\n\r\n"
    both = {b"content-length": b"6", b"transfer-encoding": b"chunked"}
    yield "a request behind the chunks", _post({**json, **both}) + smuggled


def _chunks(json: Mapping[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    for coding in (
        *(b"chunked, identity", b"identity", b"xchunked", b"chunked, chunked", b"gzip, chunked"),
        *(b"\x0bchunked", b"chunked\x00", b'"chunked"', b"chunked;q=1", b""),
    ):
        sent = _post({**json, b"transfer-encoding": coding}) + _CHUNK + b"0\r\n\r\n"
        yield f"transfer-encoding {coding!r}", sent
    begun = _post({**json, b"transfer-encoding": b"chunked"})
    for size in (
        b"-1",
        b"ffffffffffffffffff",
        b"0x2c",
        b"2c ",
        b" 2c",
        b"g",
        b"",
        b"\n",
        b"7fffffffffffffff",
    ):
        yield f"a chunk of {size!r}", begun + size + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
    yield "a chunk without its end", begun + _CHUNK[:-2] + b"xx0\r\n\r\n"
    yield "a long extension of a chunk", begun + b"2c;" + b"a" * 2_000_000 + b"\r\n" + _CHUNK
    yield "chunks of a byte, two million", begun + b"1\r\n[\r\n" * 2_000_000
    yield "empty chunks that never end", begun + b"00000000" * 100_000
    yield "a long trailer", begun + _CHUNK + b"0\r\na: " + b"b" * 2_000_000
    yield "many trailers", begun + _CHUNK + b"0\r\n" + b"a: b\r\n" * 200_000
    yield "too much in chunks", begun + (b"%x\r\n" % 60_000 + b" " * 60_000 + b"\r\n") * 40
    keyless = {name: value for name, value in json.items() if name != b"authorization"}
    trailer = b"authorization: " + json[b"authorization"] + b"\r\n\r\n"
    chunked = _post({**keyless, b"transfer-encoding": b"chunked"})
    yield "a key in a trailer", chunked + _CHUNK + b"0\r\n" + trailer


def _heads(json: Mapping[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    begun = _post({**json, b"content-length": b"44"})[:-2]
    end = b"\r\n" + BODY
    yield "10,000 headers", begun + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)) + end
    yield "10,000 equal headers", begun + b"a: b\r\n" * 10_000 + end
    yield "a header of a megabyte", begun + b"x: " + b"y" * 1_000_000 + b"\r\n" + end
    yield "a name of a megabyte", begun + b"x" * 1_000_000 + b": y\r\n" + end
    yield "a head without an end", begun + b"x: y\r\n" * 300_000
    for line in (
        *(
            b"x : y",
            b" x: y",
            b"x\0: y",
            b"x: \0",
            b"x: y\rz: a",
            b"x: y\nz: a",
            b": y",
            b"no colon",
            b"x\xff: y",
        ),
        *(
            b"x: \x7f",
            b"x: y\r\n folded",
            b"host: other",
            b"expect: nonsense",
            b"connection: close, keep-alive",
        ),
        *(b"range: bytes=0-18446744073709551615", b"cookie: ml_platform_session=" + b"a" * 9_000),
        *(
            b"x-forwarded-for: 127.0.0.1",
            b"x-http-method-override: DELETE",
            b"expect: 100-continue",
        ),
        *(
            b"upgrade: websocket\r\nconnection: upgrade",
            b"upgrade: h2c\r\nconnection: upgrade, http2-settings",
        ),
    ):
        yield f"the header {line[:40]!r}", begun + line + b"\r\n" + end


def _lines(json: Mapping[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    rest = _post({**json, b"content-length": b"44"}).partition(b"\r\n")[2] + BODY
    for line in (
        *(
            b"POST /api/ml/predict",
            b"POST /api/ml/predict HTTP/0.9",
            b"POST /api/ml/predict HTTP/9.9",
        ),
        *(
            b"POST /api/ml/predict HTTP/1.1 x",
            b"POST  /api/ml/predict HTTP/1.1",
            b"/api/ml/predict",
        ),
        *(b"POST http://other/api/ml/predict HTTP/1.1", b"POST //other/api/ml/predict HTTP/1.1"),
        *(
            b"PRI * HTTP/2.0",
            b"CONNECT other:443 HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"TRACE / HTTP/1.1",
        ),
        *(
            b"DELETE /api/ml/predict HTTP/1.1",
            b"PUT /v2/models/example/infer HTTP/1.1",
            b"PURGE / HTTP/1.1",
        ),
        *(
            b"post /api/ml/predict HTTP/1.1",
            b"X" * 5_000 + b" / HTTP/1.1",
            b"P\0ST / HTTP/1.1",
            b"\xff / HTTP/1.1",
        ),
        *(
            b"POST * HTTP/1.1",
            b"POST ? HTTP/1.1",
            b"POST # HTTP/1.1",
            b"POST http:// HTTP/1.1",
            b"",
        ),
        *(
            b"POST /api/ml/predict\tHTTP/1.1",
            b"POST /api/ml/predict HTTP/1.1\r",
            b"SOURCE /x ICE/1.0",
        ),
    ):
        yield f"the line {line[:60]!r}", line + b"\r\n" + rest
    yield "lines that end in LF alone", _post(json).replace(b"\r\n", b"\n")
    yield "empty lines", b"\r\n" * 100_000


def _others(json: Mapping[bytes, bytes]) -> Iterator[tuple[str, bytes]]:
    whole = _post({**json, b"content-length": b"44"}) + BODY
    yield "TLS", bytes.fromhex("16030100c8010000c40303") + bytes(range(190))
    yield "SSH", b"SSH-2.0-OpenSSH_9.2\r\n"
    yield "SMTP", b"EHLO service\r\nMAIL FROM:<a@b>\r\n"
    yield "Redis", b"*1\r\n$8\r\nFLUSHALL\r\n"
    yield "a TLS alert in the middle", whole + b"\x15\x03\x01\x00\x02\x02\x28"
    yield "NULs", b"\0" * 100_000
    yield "HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9)
    yield "2,000 requests at once", whole * 2_000
    yield "half a request behind a whole one", whole + whole[:100]


def _post(headers: Mapping[bytes, bytes]) -> bytes:
    return head(b"POST", PATH, headers)
