"""Hostile bodies, made of a valid body of each route: the same ones at each run."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_platform.api.bodies import MANY_ROWS
from ml_platform.api.hot_path import ONE_ROW

OF_MANY_ROWS = ("/api/ml/predict/batch", "/api/ml/predict/jobs")
ID = "019aaef0-8c6e-7cc1-b1f5-4a0e0c9a5a11"
_TENSOR = {"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}
_TIME = "2026-03-01T09:30:00Z"
VALID: Mapping[str, Any] = {
    "/api/ml/predict": {
        "model": "example",
        "features": {"x": 1.0},
        "user_id": "ann",
        "row_id": "r1",
        "explain": False,
        "scores": True,
    },
    "/api/ml/predict#texts": {
        "model": "texts",
        "features": {"tool": "editor", "operation": "save"},
    },
    "/api/ml/predict#about": {
        "model": "example",
        "about": {
            "user_id": "ann",
            "session_id": "s1",
            "shown_at": _TIME,
            "workflows": [{"workflow_id": "w1"}],
        },
    },
    "/api/ml/predict/batch": {
        "model": "example",
        "rows": [{"features": {"x": 1.0}, "user_id": "ann", "row_id": "r1"}],
        "explain": False,
        "scores": False,
    },
    "/api/ml/predict/jobs": {"model": "example", "rows": [{"features": {"x": 1.0}}]},
    "/v2/models/example/infer": {
        "inputs": [_TENSOR],
        "id": "1",
        "parameters": {"a": 1},
        "outputs": [{"name": "prediction"}],
    },
    "/v2/models/texts/infer": {
        "inputs": [
            {"name": name, "shape": [1], "datatype": "BYTES", "data": ["a"]}
            for name in ("tool", "operation")
        ]
    },
    "/api/ml/recommendations/workflows": {"user_id": "ann", "k": 3},
    "/api/v1/workflows/recommend": {"user_id": "ann", "k": 3},
    "/api/ml/suggestions/score": {
        "workflows": [{"workflow_id": "w1", "category": "c"}],
        "user_id": "ann",
        "shown_at": _TIME,
        "explain": False,
    },
    "/api/ml/anomaly/detect": {"session_id": "s1", "user_id": "ann"},
    "/api/ml/anomaly/detect#features": {"session_id": "s1", "features": {"x": 1.0}},
    "/api/ml/events": {
        "events": [
            {
                "event_id": "e1",
                "user_id": "ann",
                "occurred_at": _TIME,
                "tool": "git",
                "operation": "modify",
                "object_path": "a/b.py",
            }
        ],
        "suggestions": [
            {"suggestion_id": "s1", "user_id": "ann", "workflow_id": "w1", "shown_at": _TIME}
        ],
        "workflow_executions": [],
        "users": [{"user_id": "ann", "team": "t", "tenure_days": 3}],
    },
    "/api/ml/outcomes": {"prediction_id": ID, "label": "a", "known_at": _TIME},
    "/api/ml/feedback": {"prediction_id": ID, "kind": "dwell", "value": 3.0, "at": _TIME},
    "/api/ml/schedules/should-run": {
        "workflow_id": "w1",
        "rule": {
            "every_hours": 24.0,
            "at": [],
            "weekdays": [0, 1],
            "zone": "Europe/Berlin",
            "early_hours": 0.0,
            "postpone_hours": 24.0,
            "threshold": 0.5,
            "unsure": 0.05,
        },
        "last_run": _TIME,
        "user_id": "ann",
        "features": {"x": 1.0},
        "times": [],
        "horizon_hours": 24.0,
    },
    "/api/ml/models/train": {"model": "example"},
    "/api/ml/retrain": {"model": "example", "reason": "a test"},
    "/api/ml/alerts/none/ack": {"reason": "a test"},
    "/api/ml/silences": {
        "model": "example",
        "kind": "performance",
        "until": _TIME,
        "reason": "a test",
        "hides_critical": False,
    },
}
"""A body by route; what follows a # tells several of a route apart."""
WITHOUT_BODY = ("/api/ml/models/train-all", "/api/ml/evaluate/{model}")
"""Routes that are asked by POST and read no body."""


@dataclass(frozen=True)
class Case:
    """One request."""

    path: str
    what: str
    body: bytes
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


def cases(every: int = 1) -> Iterator[Case]:
    """The hostile bodies for every route.

    Args:
        every: Each so manieth piece stands in the place of a value, the others in that of the next ones.
    """
    for name, valid in VALID.items():
        path = name.partition("#")[0]
        text = json.dumps(valid)
        for number, place in enumerate(_places(valid)):
            for what, piece in tuple(PIECES.items())[number % every :: every]:
                yield Case(
                    path, f"{'.'.join(map(str, place))} = {what}", _with(valid, place, piece)
                )
        for what, piece in tuple(PIECES.items())[len(text) % every :: every]:
            yield Case(path, f"the body = {what}", piece)
        for length in range(len(text)):
            yield Case(path, f"cut at {length}", text[:length].encode())
        for what, body in _wholes(text, valid):
            yield Case(path, what, body)
        most = (MANY_ROWS if path in OF_MANY_ROWS else ONE_ROW).most_bytes
        yield Case(path, "a byte too many", text.encode().ljust(most + 1))
        for what, body, headers in _declared(text.encode()):
            yield Case(path, what, body, headers)


def _nested(left: bytes, depth: int, right: bytes = b"") -> bytes:
    return left * depth + right * depth


_NUMBERS = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "1e400", "-0", "-0.0", "5e-324"),
    *("1.7976931348623157e308", "9007199254740993", "9223372036854775807", "9223372036854775808"),
    *(
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
    ),
    *(
        "340282366920938463463374607431768211456",
        "0",
        "1",
        "-1",
        "1.5",
        "1e2",
        "01",
        "+1",
        ".5",
        "1.",
    ),
    *("0x10", "1_000", "1e", "--1", "253402300800", "2147483648"),
)
_TEXTS = (
    *(
        "1",
        "0.1",
        "true",
        "null",
        "NaN",
        "1e999",
        "",
        " ",
        "\0",
        "a\0b",
        "a\nb",
        "\x1b[2J",
        "\u202e",
        "\u2028",
    ),
    *(
        "../../canary.txt",
        "/etc/passwd",
        "file:///etc/passwd",
        "CON",
        "C:\\x",
        "%00",
        "%2e%2e%2f",
        "__proto__",
    ),
    *(
        "<script>alert(1)</script>",
        "{{7*7}}",
        "${jndi:ldap://127.0.0.1/x}",
        "'; DROP TABLE answers;--",
    ),
    *("=cmd|' /C calc'!A0", "ﷺ" * 50, "💥", "e\u0301" * 150, "a" * 201, "a" * 2_000),
    *("00:00", "24:00", "09:00+23:59"),
    *(
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-02-30T00:00:00Z",
        "2026-03-01T09:30:00",
    ),
    *(
        "1969-12-31T23:59:59Z",
        "2026-06-30T23:59:60Z",
        ID,
        "00000000-0000-0000-0000-000000000000",
        "ann",
        "example",
    ),
)
_RAW = {
    "a lone high surrogate": rb'"\ud800"',
    "a lone low surrogate": rb'"\udc00x"',
    "surrogates in the wrong order": rb'"\udc00\ud800"',
    "invalid UTF-8": b'"\xff\xfe"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "overlong UTF-8": b'"..\xc0\xaf"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "cut UTF-8": b'"\xe2\x82"',
    "a raw NUL": b'"a\0b"',
    "a raw end of line": b'"a\nb"',
    "a bad escape": rb'"\x41"',
    "a cut escape": rb'"\u00"',
    "a key with NUL": rb'{"a\u0000b": 1}',
    "a key of a lone surrogate": rb'{"\ud800": 1}',
    "a key without a value": b'{"a"}',
    "a key that is no text": b"{1: 1}",
    "one key twice": b'{"x": 1.0, "x": 2.0}',
    "a comment": b"/* x */ 1",
    "single quotes": b"'a'",
    "a word": b"undefined",
    "nothing": b"",
    "true": b"true",
    "false": b"false",
    "null": b"null",
    "an empty list": b"[]",
    "an empty object": b"{}",
    "a list with null": b"[null]",
    "a list of lists": b"[[1.0]]",
    "an object of objects": b'{"x": {"x": 1.0}}',
    "mixed": b'[1, "a", null, true, {}]',
    "a million digits": b"9" * 900_000,
    "five thousand digits": b"9" * 5_000,
    "four thousand digits": b"-" + b"9" * 4_000,
    "a long fraction": b"0." + b"1" * 100_000,
    "a long exponent": b"1e" + b"9" * 1_000,
    "a long text": b'"' + b"a" * 500_000 + b'"',
    "many numbers": b"[" + b"0," * 200_000 + b"0]",
    "many keys": b"{" + b",".join(b'"k%d":0' % n for n in range(20_000)) + b"}",
    "many objects": b"[" + b"{}," * 20_000 + b"{}]",
    "lists 100,000 deep": _nested(b"[", 100_000, b"]"),
    "lists 100,000 deep that never end": _nested(b"[", 100_000),
    "objects 100,000 deep": _nested(b'{"a":', 100_000, b"}"),
    **{
        f"lists {depth} deep": _nested(b"[", depth, b"]")
        for depth in (50, 400, *range(860, 1_001, 7))
    },
    "objects 900 deep": _nested(b'{"a":', 900) + b"1" + b"}" * 900,
}
PIECES: Mapping[str, bytes] = {
    **{number: number.encode() for number in _NUMBERS},
    **{ascii(text[:30]): json.dumps(text).encode() for text in _TEXTS},
    **_RAW,
}
"""JSON, or nearly JSON, that stands in the place of each value."""


def _places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each value within a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in parts:
        yield (*place, name)
        if isinstance(part, dict | list):
            yield from _places(part, (*place, name))


_MARK = "\ue000here\ue000"


def _with(valid: Any, place: tuple[str | int, ...], piece: bytes) -> bytes:
    """The body with another value at a place."""
    changed = json.loads(json.dumps(valid))
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = _MARK
    return json.dumps(changed, ensure_ascii=False).encode().replace(f'"{_MARK}"'.encode(), piece)


def _wholes(text: str, valid: Any) -> Iterator[tuple[str, bytes]]:
    """Bodies that are wrong as a whole."""
    plain = text.encode()
    yield "spaces", b" " * 10_000
    yield "a byte order mark", b"\xef\xbb\xbf" + plain
    yield "only a byte order mark", b"\xef\xbb\xbf"
    for encoding in ("utf-16", "utf-16-le", "utf-32", "cp037", "utf-7"):
        yield encoding, (" " + text).encode(encoding)
    yield "something behind it", plain + b"x"
    yield "twice", plain + plain
    yield "a NUL behind it", plain + b"\0"
    yield "NULs", b"\0" * 1_000
    yield "an unknown field", plain[:-1] + b', "more": 1}'
    yield "every key twice", plain[:-1] + b", " + plain[1:]
    yield "in a list", b"[" + plain + b"]"
    yield "as a text", json.dumps(text).encode()
    yield "a form", b"model=example&features=1"
    yield "XML with entities", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    yield "MessagePack", b"\x81\xa5model\xa7example"
    yield "spaces around it, a million bytes", plain + b" " * (1_000_000 - len(plain))
    for name in valid:
        left = {field: value for field, value in valid.items() if field != name}
        yield f"without {name}", json.dumps(left).encode()
        yield f"{name} in capitals", json.dumps({**left, name.upper(): valid[name]}).encode()


_BOMB = gzip.compress(b"[" * 100_000_000)
"""100 MB in 100 kB."""


def _declared(plain: bytes) -> Iterator[tuple[str, bytes, Mapping[bytes, bytes]]]:
    """Bodies that are not what their headers say, or are packed."""
    for encoding, body in {
        b"gzip": gzip.compress(plain),
        b"deflate": zlib.compress(plain),
        b"br": plain,
        b"zstd": plain,
        b"identity, gzip": gzip.compress(plain),
        b"gzip, gzip": gzip.compress(gzip.compress(plain)),
        b"GZIP": _BOMB,
        b"x-gzip": _BOMB,
        b"": _BOMB,
        b"identity": _BOMB,
        b"\xff": plain,
    }.items():
        yield f"content-encoding {encoding!r}", body, {b"content-encoding": encoding}
    for kind in (
        *(b"", b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data", b"*/*"),
        *(
            b"application/json; charset=utf-16",
            b"application/json;" * 100,
            b"APPLICATION/JSON",
            b"\xff",
        ),
        *(b"application/jsonx", b"application/json, text/plain", b";", b"application/problem+json"),
        *(
            b"text/html; <script>",
            b"application/xml",
            b"application/json\t;",
            b"application/x-msgpack",
        ),
    ):
        yield f"content-type {kind[:30]!r}", plain, {b"content-type": kind}
    for key in (
        b"\xff",
        b"a" * 300,
        b"a\tb",
        b"\xc2\x85",
        b"../../canary.txt",
        b"' OR 1=1",
        b"k" * 200,
    ):
        yield f"idempotency-key {key[:30]!r}", plain, {b"idempotency-key": key}
    for said in (b"Bearer", b"Bearer \xff", b"Basic YTpi", b"Bearer mlp_" + b"0" * 20_000, b"\xff"):
        yield f"authorization {said[:30]!r}", plain, {b"authorization": said}
