"""Rows of a PostgreSQL database, by a query a table: read-only and in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.sources.base import BATCH_ROWS
from ml_platform.events.sources.query_file import statements

_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class PostgresSource:
    """``postgres:URL`` with a query file: below each line ``-- table: events`` the query of that table."""

    url: str
    query_file: Path
    simulated: bool = False
    live: bool = True

    @property
    def name(self) -> str:
        """``postgres:`` and the URL, without user and password."""
        parts = urlsplit(self.url)
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        return f"postgres://{host}{parts.path}"

    def batches(self) -> Iterator[tuple[str, pa.Table]]:
        """See `Source.batches`; the columns of the queries carry the names of the schema."""
        for table, statement in self._statements().items():
            for rows in stream_query(self.url, statement):
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


def stream_query(url: str, statement: str) -> Iterator[pa.Table]:
    """The rows of a SELECT in tables of `BATCH_ROWS` at most, by a cursor on the server.

    The transaction is read-only: a query file cannot change anything.

    Raises:
        SourceError: no connection, or the statement fails; the message quotes the server.
    """
    import psycopg2

    try:
        connection = psycopg2.connect(url, connect_timeout=_CONNECT_SECONDS)
    except psycopg2.Error as error:
        raise _refused("The database does not answer", error) from error
    try:
        connection.set_session(readonly=True, isolation_level="REPEATABLE READ")
        with connection.cursor(name="ml_platform_source") as cursor:
            cursor.itersize = BATCH_ROWS
            cursor.execute(statement)
            while rows := cursor.fetchmany(BATCH_ROWS):
                names = [column.name for column in cursor.description]
                columns = zip(*rows, strict=True)
                yield pa.table(dict(zip(names, map(list, columns), strict=True)))
    except psycopg2.Error as error:
        raise _refused("The query failed", error) from error
    finally:
        connection.close()


def _refused(failure: str, error: Exception) -> SourceError:
    reason = " ".join(str(error).split())
    return SourceError(f"{failure}: {reason}.", remedy="Correct the URL or the query file.")
