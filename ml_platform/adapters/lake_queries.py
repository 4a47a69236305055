"""Queries of the lakes in DuckDB: fingerprints, surveys, and rows that quarantine does not hold yet."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ml_platform.errors import IntegrityError
from ml_platform.events.lake import KnownRows, Survey, content_columns
from ml_platform.events.quality import REFUSED
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES

if TYPE_CHECKING:
    import duckdb

DAY_MICROSECONDS = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SURVEY_ROWS = 300_000
"""Rows that a survey puts in order at a time: what bounds its memory."""


@contextmanager
def reading(table: str) -> Iterator[None]:
    """Turn an error of reading into one that names the table and the remedy.

    Raises:
        IntegrityError: a stored file is broken or gone.
    """
    import duckdb

    try:
        yield
    except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(
            f"The stored {table} cannot be read: {error}",
            remedy="Move the file that is named away, and ingest its source again.",
        ) from error


@contextmanager
def querying(table: str, threads: int = 2) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection of its own, in UTC, whose errors are those of `reading`."""
    import duckdb

    with reading(table), duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def fingerprint_of(
    connection: "duckdb.DuckDBPyConnection", table: str, relation: str, until: datetime
) -> str:
    """The fingerprint of the rows of a relation before ``until``, see `day_digests_query`."""
    digests = connection.execute(
        f"{day_digests_query(table, relation)} WHERE {time_range(EVENT_TIME[table], None, until)} "
        "GROUP BY day ORDER BY day"
    ).fetchall()
    return fingerprint_from(table, digests)


def fingerprint_from(table: str, digests: list[tuple[int, str]]) -> str:
    """The fingerprint of a table from the digests of its days, in their order."""
    return hashlib.sha256(f"{table} {digests}".encode()).hexdigest()


def day_digests_query(table: str, relation: str, columns: str = "") -> str:
    """The SELECT of the digest of each day: the hash of its rows' hashes in the order of time and id.

    A field is its length and its text. Times count as microseconds and lengths come first, so that no two
    contents have one text. Hashed a day at a time, which bounds memory at 32 bytes a row.
    """
    moment = EVENT_TIME[table]
    keys = ", ".join(((moment,) if moment else ()) + IDENTITY[table])
    day = f"epoch_us({moment}) // {DAY_MICROSECONDS}" if moment else "0"
    schema = TABLES[table]
    texts = [_field_text(schema.field(name)) for name in content_columns(table)]
    return (
        f"SELECT {columns}{day} AS day, "
        f"sha256(string_agg(sha256({' || '.join(texts)}), '' ORDER BY {keys})) FROM {relation}"
    )


def survey_of(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    relation: str,
    until: datetime,
    sample_rows: int,
) -> Survey:
    """Totals in SQL; of the rows themselves only the sampled ones are fetched."""
    moment = EVENT_TIME[table]
    newest = f"epoch_us(max({moment}))" if moment else "NULL"
    rows, microseconds = connection.execute(
        f"SELECT count(*), {newest} FROM {relation} WHERE {time_range(moment, None, until)}"
    ).fetchall()[0]
    return Survey(
        rows=rows,
        repeated_ids=_repeated_ids(connection, table, relation, until),
        newest=None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds),
        sample=_every_nth(connection, table, relation, until, max(1, -(-rows // sample_rows))),
    )


def _repeated_ids(
    connection: "duckdb.DuckDBPyConnection", table: str, relation: str, until: datetime
) -> int:
    """How many rows share their id with one before: 8 bytes a row find those whose ids are compared."""
    identity = ", ".join(IDENTITY[table])
    where = time_range(EVENT_TIME[table], None, until)
    hashes = connection.sql(
        f"SELECT hash({identity}) AS id_hash FROM {relation} WHERE {where}"
    ).to_arrow_table()
    ordered = np.sort(hashes["id_hash"].to_numpy())
    shared = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    connection.register("shared", pa.table({"id_hash": shared}))
    repeated: int = connection.execute(
        f"SELECT count(*) - count(DISTINCT ({identity})) FROM {relation} "
        f"WHERE {where} AND hash({identity}) IN (SELECT id_hash FROM shared)"
    ).fetchall()[0][0]
    return repeated


def _every_nth(
    connection: "duckdb.DuckDBPyConnection", table: str, relation: str, until: datetime, nth: int
) -> pa.Table:
    """Every ``nth`` row in the order of time and id, from the first on; some days are put in order at a time."""
    moment, identity = EVENT_TIME[table], ", ".join(IDENTITY[table])
    keys = f"{moment}, {identity}" if moment else identity
    names = ", ".join(TABLES[table].names)
    chosen, before = [], 0
    for since, end, rows in _spans(connection, moment, relation, until):
        where = time_range(moment, since, end)
        chosen.append(
            connection.sql(
                f"WITH places AS (SELECT {keys}, {before - 1} + row_number() OVER (ORDER BY {keys}) AS place "
                f"FROM {relation} WHERE {where}) "
                f"SELECT {names} FROM (SELECT {names} FROM {relation} WHERE {where}) SEMI JOIN "
                f"(SELECT {keys} FROM places WHERE place % {nth} = 0) USING ({keys}) ORDER BY {keys}"
            ).to_arrow_table()
        )
        before += rows
    return pa.concat_tables(chosen)


def _spans(
    connection: "duckdb.DuckDBPyConnection", moment: str | None, relation: str, until: datetime
) -> list[tuple[datetime | None, datetime, int]]:
    """Days after days: the first moment, the end and the rows of each span of about `SURVEY_ROWS` rows."""
    if moment is None:
        return [(None, until, 0)]
    spans: list[tuple[datetime | None, datetime, int]] = []
    since, rows = None, 0
    for day, count in connection.execute(
        f"SELECT epoch_us({moment}) // {DAY_MICROSECONDS} AS day, count(*) FROM {relation} "
        f"WHERE {time_range(moment, None, until)} GROUP BY day ORDER BY day"
    ).fetchall():
        if rows and rows + count > SURVEY_ROWS:
            start = _EPOCH + timedelta(days=day)
            spans.append((since, start, rows))
            since, rows = start, 0
        rows += count
    return [*spans, (since, until, rows)]


def known_rows_of(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    relation: str,
    column: str,
    until: datetime,
) -> KnownRows:
    """Totals of one column, in SQL."""
    moment = EVENT_TIME[table]
    people = " AND NOT is_bot" if "is_bot" in TABLES[table].names else ""
    known = f'"{column}" IS NOT NULL' if column else "true"
    values = f'count(DISTINCT "{column}")' if column else "0"
    ends = [f"epoch_us({end}({moment}) FILTER (WHERE {known}))" for end in ("min", "max")]
    rows, with_value, distinct, *moments = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {known}), {values}, "
        f"{', '.join(ends if moment else ['NULL', 'NULL'])} "
        f"FROM {relation} WHERE {time_range(moment, None, until)}{people}"
    ).fetchall()[0]
    oldest, newest = (
        None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
        for microseconds in moments
    )
    return KnownRows(rows, with_value, distinct, oldest, newest)


def unseen(
    connection: "duckdb.DuckDBPyConnection", refused: pa.Table, stored: str | None
) -> pa.Table:
    """Rows of quarantine that are not in the relation ``stored`` yet, each once, sorted.

    What is stored streams past the rows that arrived: memory is that of the batch, however much is stored.
    """
    connection.register("arrived", refused)
    names = ", ".join(f'"{name}"' for name in REFUSED.names)
    connection.execute(f"CREATE TEMP TABLE fresh AS SELECT DISTINCT {names} FROM arrived")
    if stored is not None:
        connection.execute(
            f"CREATE TEMP TABLE seen AS SELECT {names} FROM {stored} SEMI JOIN fresh USING ({names})"
        )
        connection.execute(f"DELETE FROM fresh WHERE ({names}) IN (SELECT ({names}) FROM seen)")
    fresh = connection.sql(f"SELECT {names} FROM fresh").to_arrow_table()
    return sorted_refused(fresh.cast(REFUSED))


def digest_of(connection: "duckdb.DuckDBPyConnection", rows: pa.Table) -> str:
    """SHA-256 of rows of quarantine, in their order."""
    connection.register("named", rows)
    text = " || ".join(_field_text(field) for field in REFUSED)
    digests = connection.sql(f"SELECT sha256({text}) AS digest FROM named").to_arrow_table()
    return hashlib.sha256("".join(digests["digest"].to_pylist()).encode()).hexdigest()


def sorted_refused(rows: pa.Table) -> pa.Table:
    """Rows of quarantine in their one order."""
    return rows.sort_by([(name, "ascending") for name in ("reason", "field", "row", "value")])


def time_range(moment: str | None, since: datetime | None, until: datetime | None) -> str:
    """The SQL of ``since <= moment < until``; without a time column it is always true."""
    bounds = ["true"]
    if moment and since is not None:
        bounds.append(f"{moment} >= TIMESTAMPTZ '{since.isoformat()}'")
    if moment and until is not None:
        bounds.append(f"{moment} < TIMESTAMPTZ '{until.isoformat()}'")
    return " AND ".join(bounds)


def quoted(path: Path) -> str:
    """A path, escaped for an SQL string in single quotes."""
    return str(path).replace("'", "''")


def _field_text(field: pa.Field) -> str:
    name = f'"{field.name}"'
    text = f"epoch_us({name})" if pa.types.is_timestamp(field.type) else name
    text = f"CAST({text} AS VARCHAR)"
    return f"coalesce(strlen({text}) || ':' || {text}, '-')"
