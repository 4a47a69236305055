"""Generated query files that are wrong in one way each, for a real server: a number gives the same one again."""

import random
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from ml_platform.adapters.sources.dispatch import SourceOptions, parse_source
from ml_platform.events.sources.base import Source
from ml_platform_tests.events.bad_inputs import spoilt

GOOD = {
    "user_id": "'u' || n % 3",
    "occurred_at": "timestamptz '2026-03-01 10:00Z' + n * interval '1 second'",
    "tool": "'app'",
    "operation": "'open'",
    "session_id": "'s'",
}
VALUES = (
    # times
    "CASE n WHEN 3 THEN 'infinity' WHEN 4 THEN '-infinity' ELSE '2026-03-01 10:00Z' END::timestamptz",
    "CASE n WHEN 3 THEN '294276-12-31 23:59Z' ELSE '0044-03-15 12:00Z BC' END::timestamptz",
    "timestamptz '2026-03-01 10:00+02' AT TIME ZONE 'Europe/Berlin'",
    "timestamptz '1850-01-01 00:00 Europe/Berlin'",
    "timestamp '2026-03-29 02:30'",
    "CASE n WHEN 2 THEN 'infinity' WHEN 3 THEN '0001-01-01 BC' ELSE '2026-03-01' END::date",
    "time '24:00'",
    "timetz '23:59:60+15:59'",
    "n * interval '100000 years'",
    "'2026-03-29 02:30:00 Europe/Berlin'",
    "'2026-03-01T10:00:00+99:99'",
    # numbers
    "CASE n WHEN 3 THEN 'NaN' WHEN 4 THEN 'infinity' ELSE '1' END::numeric",
    "CASE n WHEN 3 THEN 'NaN' WHEN 4 THEN '-infinity' ELSE '1.5' END::float8",
    "1e130000::numeric",
    "1e-16000::numeric",
    "(99999999999999999999 + n)::numeric",
    "(9007199254740992 + n)::numeric",
    "power(2, 62)::bigint * 2",  # the server's own overflow
    "n / (n - 3)",  # division by zero in the middle of the rows
    "(n - 3)::smallint * 32767::smallint",
    "n::money",
    "B'101'",
    "true",
    # texts
    "''",
    "NULL",
    "NULL::text",
    "repeat('x', 200000)",
    "repeat(chr(128512), 5000)",
    "chr(8238) || chr(8203) || chr(27) || '[31m'",
    "E'a\\nb\\r\\tc'",
    "'<script>window.hostile = 1</script>'",
    "'=cmd|''/c calc''!A1'",
    "'../../../../etc/passwd'",
    "convert_from(decode('fffe00', 'hex'), 'UTF8')",  # the server refuses it as text
    "decode('fffe00', 'hex')",
    "'a'::\"char\"",
    # structures
    "ARRAY[n, NULL]",
    "ARRAY['294276-12-31'::timestamptz]",
    "ARRAY[n * interval '100000000 years']",
    "ARRAY[ARRAY[1, 2], ARRAY[3, 4]]",
    "jsonb_build_object('a', n)",
    "CASE n WHEN 1 THEN '1' WHEN 2 THEN '\"x\"' ELSE '{\"a\": [1]}' END::jsonb",
    "(repeat('[', 5000) || repeat(']', 5000))::json",
    "int4range(n, n + 1)",
    "tstzrange('2026-03-01', 'infinity')",
    "row(n, 'x')",
    "point(n, 'NaN'::float8)",
    "inet '::1'",
    "gen_random_uuid()",
    "to_tsvector('a b')",
    "pg_sleep(0)",
    "n::oid",
    "txid_current()",
    "current_setting('data_directory')",
)
ENCODINGS = ("UTF8", "LATIN1", "SQL_ASCII", "WIN1252")
ZONES = ("UTC", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns")


def bad_query(number: int, folder: Path, url: str, as_of: datetime) -> Source:
    """The source of a query file in ``folder``, on the server of ``url`` (with a user who may do anything)."""
    draw = random.Random(number)
    columns = GOOD | {"event_id": f"'e{number} ' || n"}
    for name in draw.sample(sorted(columns), draw.randrange(1, 4)):
        columns[name] = draw.choice(VALUES)
    if draw.random() < 0.1:
        columns.pop(draw.choice(sorted(columns)))
    selected = [f"{expression} AS {name}" for name, expression in columns.items()]
    if draw.random() < 0.1:
        selected.append(draw.choice(selected))
    statement = f"SELECT {', '.join(selected)} FROM generate_series(1, {draw.randrange(40)}) n"
    if draw.random() < 0.1:
        statement = draw.choice(
            (
                f"{statement}; {statement}",
                f"{statement} WHERE",
                "TABLE pg_authid",
                "VALUES (1), (2)",
            )
        )
    path = folder / "queries.sql"
    text = f"-- table: events\n{statement};\n"
    path.write_bytes(spoilt(draw, text.encode()) if draw.random() < 0.3 else text.encode())
    settings = f"-c client_encoding={draw.choice(ENCODINGS)} -c timezone={draw.choice(ZONES)}"
    place = f"{url}{'&' if '?' in url else '?'}options={quote(settings)}"
    options = SourceOptions(as_of, 0, b"key", query_file=path, powerful_role=True)
    return parse_source(f"postgres:{place}", options)
