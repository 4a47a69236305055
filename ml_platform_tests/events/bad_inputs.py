"""Generated inputs that are wrong in one way each: a number gives the same one again."""

import gzip
import json
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.adapters.sources.dispatch import SourceOptions, parse_source
from ml_platform.events.sources.base import Source

HEADER = ["event_id", "user_id", "occurred_at", "tool", "operation", "session_id"]
CELLS = (
    "",
    "NaN",
    "nan",
    "inf",
    "-1",
    "1e308",
    "99999999999999999999",
    "null",
    "True",
    "2026-13-45T99:99:99Z",
    "2026-03-29T02:30:00 Europe/Berlin",
    "0000-00-00",
    "292278994-01-01T00:00:00Z",
    "1969-12-31T23:59:59+99:99",
    "\x00",
    "\ud7ff\u202e\u200b",
    "'; DROP TABLE events; --",
    "<script>window.hostile = 1</script>",
    "=cmd|'/c calc'!A1",
    "../../../../etc/passwd",
    "${HOME}",
    '"',
    '"unclosed',
    "a\nb",
    "x" * 200_000,
)
ENTITIES = (
    '<!DOCTYPE log [<!ENTITY a SYSTEM "file:///etc/passwd">]><log><trace>'
    '<string key="concept:name" value="&a;"/></trace></log>',
    "<!DOCTYPE log ["
    + '<!ENTITY a0 "boom">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + ']><log><trace><string key="concept:name" value="&a9;"/></trace></log>',
    '<!DOCTYPE log SYSTEM "http://127.0.0.1:9/x.dtd"><log/>',
    "<log>" * 5_000,
    "<log><trace><event></trace></event></log>",
)


def _csv(draw: random.Random) -> bytes:
    """Rows of which some have a bad cell, are short or long; then perhaps another encoding, or cut off."""
    rows = [list(HEADER)]
    for number in range(draw.randrange(1, 30)):
        row = [f"e{number}", f"u{number % 3}", f"2026-03-01T10:00:{number:02}Z", "app", "open", "s"]
        if draw.random() < 0.7:
            row[draw.randrange(len(row))] = draw.choice(CELLS)
        if draw.random() < 0.1:
            row = row[: draw.randrange(1, 9)] + ["more"] * draw.randrange(3)
        rows.append(row)
    if draw.random() < 0.2:
        draw.shuffle(rows[0])
    quote = draw.choice([json.dumps, str, lambda cell: '"' + cell.replace('"', '""') + '"'])
    text = draw.choice(["\n", "\r\n", "\r"]).join(",".join(map(quote, row)) for row in rows)
    encoding = draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32"])
    return spoilt(draw, text.encode(encoding, errors="replace"))


def _parquet(draw: random.Random, path: Path) -> bytes:
    """Columns of wrong types, nested, empty or extreme."""
    kinds: tuple[Callable[[], pa.Array], ...] = (
        lambda: pa.array([1.5, float("nan"), float("inf")]),
        lambda: pa.array([2**62, -1, 0]),
        lambda: pa.array([[1], [2, 3], None]),
        lambda: pa.array([{"a": 1}, None, {"a": 2}]),
        lambda: pa.array([True, None, False]),
        lambda: pa.array([b"\xff\xfe", b"", None]),
        lambda: pa.array([None, None, None]),
        lambda: pa.array([2**62, -(2**62), 0], pa.timestamp("us", tz="UTC")),
        lambda: pa.array([2**31 - 1, 0, -1], pa.date32()),
        lambda: pa.array(["2026-03-01T10:00:00Z", "x" * 100_000, ""]),
        lambda: pa.array(["a", "b", "a"]).dictionary_encode(),
    )
    names = [name for name in HEADER if draw.random() < 0.95] + ["extra"] * draw.randrange(2)
    pq.write_table(pa.table({name: draw.choice(kinds)() for name in names}), path)
    return spoilt(draw, path.read_bytes())


def _xes(draw: random.Random) -> bytes:
    """A process log with a bad value or an entity, perhaps cut off."""
    if draw.random() < 0.4:
        return spoilt(draw, draw.choice(ENTITIES).encode())
    value = draw.choice(CELLS).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    events = "".join(
        f'<event><string key="concept:name" value="{draw.choice(["open", value])}"/>'
        f'<date key="time:timestamp" value="{draw.choice(["2026-03-01T10:00:00Z", value])}"/></event>'
        for _ in range(draw.randrange(40))
    )
    text = f'<log><trace><string key="concept:name" value="c"/>{events}</trace></log>'
    return spoilt(draw, text.encode(errors="replace"))


def spoilt(draw: random.Random, content: bytes) -> bytes:
    """The content as it is, cut off, with flipped bytes, or with bytes of nothing."""
    way = draw.randrange(6)
    if way == 0:
        return content[: draw.randrange(len(content) + 1)]
    if way == 1:
        flipped = bytearray(content)
        for _ in range(draw.randrange(1, 20)):
            if flipped:
                flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        return bytes(flipped)
    if way == 2:
        return draw.randbytes(draw.randrange(3_000))
    return content


def bad_source(number: int, folder: Path, as_of: datetime) -> tuple[str, Source]:
    """The kind of bad input and the source that reads it; ``folder`` is empty and becomes its place."""
    draw = random.Random(number)
    options = SourceOptions(as_of=as_of, seed=0, user_key=b"key")
    kind = ("csv", "csv.gz", "parquet", "xes", "xes.gz", "log csv", "git")[number % 7]
    if kind == "git":
        place = folder / ".git"
        (place / "objects").mkdir(parents=True)
        (place / "refs").mkdir()
        (place / "HEAD").write_bytes(spoilt(draw, b"ref: refs/heads/main\n"))
        (place / "config").write_bytes(spoilt(draw, b"[core]\nrepositoryformatversion = 0\n"))
        (place / "packed-refs").write_bytes(spoilt(draw, b"0" * 40 + b" refs/heads/main\n"))
        return kind, parse_source(f"git:{folder}", options)
    if kind in ("csv", "csv.gz", "parquet"):
        path = folder / f"events.{kind}"
        content = _parquet(draw, path) if kind == "parquet" else _csv(draw)
        path.write_bytes(_zipped(draw, content) if kind == "csv.gz" else content)
        if draw.random() < 0.2:
            text = b'[events]\nfile = "events.csv"\n[events.columns]\ntool = "nothing"\n'
            (folder / "columns.toml").write_bytes(spoilt(draw, text))
        return kind, parse_source(f"files:{folder}", options)
    path = folder / {"xes": "log.xes", "xes.gz": "log.xes.gz", "log csv": "log.csv"}[kind]
    content = _csv(draw) if kind == "log csv" else _xes(draw)
    path.write_bytes(_zipped(draw, content) if kind == "xes.gz" else content)
    return kind, parse_source(f"process-log:{path}", options)


def _zipped(draw: random.Random, content: bytes) -> bytes:
    return spoilt(draw, gzip.compress(content))
