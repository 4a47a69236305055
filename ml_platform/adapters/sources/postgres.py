"""Rows of a PostgreSQL database, by a query a table: read-only and in bounded memory."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from ml_platform.adapters.sources.postgres_values import read_any_value, to_table
from ml_platform.errors import SourceError
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.query_file import statements

_CONNECT_SECONDS = 10
_FIRST_ROWS = 100
_BATCH_BYTES = 16_000_000
"""About the memory of a batch: how many rows are fetched at once follows from the size of those before."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""How a URL begins; what begins otherwise is a connection string of libpq (``host=... password=...``)."""
_DRIVER = re.compile(r"^postgres(?:ql)?\+\w+://")
_CURSOR = "ml_platform_source"
_OPEN = f"""
DO $open$
DECLARE source refcursor := '{_CURSOR}';
BEGIN
    OPEN source FOR EXECUTE current_setting('ml_platform.statement');
END $open$
"""
"""Opens the cursor for one statement that gives rows; the server refuses any other."""
_FORBIDDEN = re.compile(
    r"""\b(?:pg_(?:terminate|cancel)_backend|dblink\w*|lo_(?:export|import|put|creat|create|unlink|from_bytea|open|truncate\w*)
    |pg_(?:read|write|stat|ls)_\w*(?:file|dir)\w*|pg_ls_\w+|pg_file_\w+|pg_reload_conf|pg_rotate_logfile\w*|pg_promote
    |pg_switch_wal|pg_create_\w+|pg_drop_\w+|pg_notify|pg_(?:try_)?advisory_\w+|pg_logical_\w+|pg_replication_\w+
    |set_config|query_to_xml\w*|cursor_to_xml\w*|table_to_xml\w*|database_to_xml\w*|schema_to_xml\w*
    |ts_stat|ts_rewrite|crosstab\w*|connectby|xpath_table)\b
    |\bu&\s*"|\bu&\s*'""",
    re.IGNORECASE | re.VERBOSE,
)
"""Functions that a read-only transaction does not hold back, and what a name could hide in: texts that are run as
queries, and escapes."""
_POWERS = """
SELECT current_user, array_remove(ARRAY[
    CASE WHEN role.rolsuper THEN 'it is a superuser' END,
    CASE WHEN role.rolcreaterole THEN 'it makes roles' END,
    CASE WHEN role.rolreplication THEN 'it replicates' END,
    (SELECT 'it is a member of ' || string_agg(granted.rolname, ', ' ORDER BY granted.rolname)
     FROM pg_roles granted
     WHERE NOT role.rolsuper AND pg_has_role(current_user, granted.oid, 'MEMBER') AND granted.rolname IN (
         'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend',
         'pg_signal_autovacuum_worker', 'pg_checkpoint', 'pg_create_subscription', 'pg_maintain'))
], NULL)
FROM pg_roles role WHERE role.rolname = current_user
"""


@dataclass(frozen=True)
class PostgresSource:
    """``postgres:URL`` with a query file: below each line ``-- table: events`` the query of that table."""

    url: str
    query_file: Path
    powerful_role: bool = False
    """Whether a role may be used that reaches more than rows; such roles are refused otherwise."""
    simulated: bool = False
    live: bool = True

    @property
    def name(self) -> str:
        """``postgres:`` and the URL, without user and password."""
        if not _SCHEME.match(self.url):
            return "postgres:(a connection string)"
        parts = urlsplit(self.url)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        return f"postgres://{host}{parts.path}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """See `Source.batches`; the columns of the queries carry the names of the schema."""
        for table, statement in self._statements().items():
            for rows in stream_query(self.url, statement, powerful_role=self.powerful_role):
                yield table, rows

    def check(self) -> None:
        """Look at the query file; the database is asked when it is read. Raises `SourceError`."""
        self._statements()

    def _statements(self) -> dict[str, str]:
        try:
            text = self.query_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(
                f"The query file {self.query_file} cannot be read: {error}.",
                remedy="Correct its path.",
            ) from error
        return statements(text, str(self.query_file))


def readable_url(url: str) -> str:
    """The URL as the driver reads it, without the name of a driver that SQLAlchemy writes behind a ``+``.

    Raises:
        SourceError: it is none; it is not quoted, since it may hold a password.
    """
    import psycopg2
    from psycopg2.extensions import parse_dsn

    plain = _DRIVER.sub("postgresql://", url)
    try:
        if scheme := _SCHEME.match(plain):
            if scheme[0] not in ("postgresql://", "postgres://"):
                raise ValueError("another scheme")
            if urlsplit(plain).port == 0:
                raise ValueError("port 0")
        parse_dsn(plain)
    except (psycopg2.Error, ValueError):
        raise _unreadable_url() from None
    return plain


def _unreadable_url() -> SourceError:
    return SourceError(
        "The URL of the postgres source cannot be read (it is not shown: it may hold a password).",
        remedy="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters as %40 (for @).",
    )


def stream_query(url: str, statement: str, *, powerful_role: bool = False) -> Iterator[pa.Table]:
    """The rows of a SELECT in tables of `BATCH_ROWS` at most (of large rows fewer), by a cursor on the server.

    A query file cannot change anything. The statement reaches the server as a value, and the server opens a cursor
    for it: several statements, and whatever gives no rows (`COPY`, `COMMIT`, `CALL`, `SET`), cannot be opened. The
    transaction is read-only, which no query inside it can end. What a read-only query could still do by the
    privileges of its role (programs, files, other sessions, other databases) is refused before, by role and name.

    Raises:
        SourceError: no connection, a role or function that reaches more than rows, or the statement fails; the
            message quotes the server.
    """
    _require_plain(statement)
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=_CONNECT_SECONDS)
    except psycopg2.ProgrammingError:  # of the URL itself, which its message quotes
        raise _unreadable_url() from None
    except psycopg2.Error as error:
        raise _refused("The database does not answer", error) from error
    try:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        connection.set_client_encoding("UTF8")  # whatever the role's or the database's setting
        read_any_value(connection)
        with connection.cursor() as opening:
            if not powerful_role:
                _require_modest_role(opening)
            opening.execute("SELECT set_config('ml_platform.statement', %s, true)", (statement,))
            opening.execute(_OPEN)
        with connection.cursor(name=_CURSOR) as cursor:
            wanted = _FIRST_ROWS
            while rows := cursor.fetchmany(wanted):
                table = to_table([column.name for column in cursor.description], rows)
                fitting = _BATCH_BYTES * len(rows) // max(table.nbytes, 1)
                wanted = min(max(fitting, 1), 4 * wanted, BATCH_ROWS)
                yield table
    except (psycopg2.Error, ValueError, OverflowError) as error:
        raise _refused("The query failed", error) from error
    finally:
        connection.close()


def _require_plain(statement: str) -> None:
    """Refuse a statement that names a function which reaches more than rows, or hides names by escapes."""
    forbidden = _FORBIDDEN.search(statement)
    if forbidden is not None:
        raise SourceError(
            f"The query file uses {forbidden.group().strip()!r}, which reaches more than rows.",
            remedy="Write a SELECT of tables and plain functions; make a view for anything else.",
        )


def _require_modest_role(cursor: Any) -> None:
    """Refuse a role whose SELECT could reach files, programs, other sessions or other databases."""
    cursor.execute(_POWERS)
    role, powers = cursor.fetchone()
    if powers:
        raise SourceError(
            f"The role {role} of the source may do more than read rows: {', '.join(powers)}.",
            remedy="Give a role that may only SELECT (docs/safety.md), or set ML_PLATFORM_ALLOW_POWERFUL_ROLE=1.",
        )


def _refused(failure: str, error: Exception) -> SourceError:
    reason = " ".join(str(error).split())
    return SourceError(f"{failure}: {reason}.", remedy="Correct the URL or the query file.")
