"""Queries of the lakes in DuckDB: fingerprints, surveys, and rows that quarantine does not hold yet."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_platform.errors import IntegrityError
from ml_platform.events.lake import KnownRows, Survey, content_columns
from ml_platform.events.quality import REFUSED
from ml_platform.events.schema import EVENT_TIME, IDENTITY, TABLES

if TYPE_CHECKING:
    import duckdb

DAY_MICROSECONDS = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
def querying(table: str) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection of its own, in UTC, whose errors are those of `reading`."""
    import duckdb

    with reading(table), duckdb.connect(config={"threads": 2}) as connection:
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
    """Totals in SQL; only the keys of all rows are put in order, and only sampled rows are fetched."""
    moment, identity = EVENT_TIME[table], ", ".join(IDENTITY[table])
    newest = f"epoch_us(max({moment}))" if moment else "NULL"
    rows, distinct, microseconds = connection.execute(
        f"SELECT count(*), count(DISTINCT ({identity})), {newest} "
        f"FROM {relation} WHERE {time_range(moment, None, until)}"
    ).fetchall()[0]
    keys = f"{moment}, {identity}" if moment else identity
    names = ", ".join(TABLES[table].names)
    sample = connection.sql(
        f"WITH places AS (SELECT {keys}, row_number() OVER (ORDER BY {keys}) - 1 AS place "
        f"FROM {relation} WHERE {time_range(moment, None, until)}) "
        f"SELECT {names} FROM {relation} SEMI JOIN "
        f"(SELECT {keys} FROM places WHERE place % {max(1, -(-rows // sample_rows))} = 0) "
        f"USING ({keys}) ORDER BY {keys}"
    ).to_arrow_table()
    return Survey(
        rows=rows,
        repeated_ids=rows - distinct,
        newest=None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds),
        sample=sample,
    )


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
