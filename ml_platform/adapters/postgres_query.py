"""Statements on somebody's PostgreSQL, read-only and in bounded memory."""

from collections.abc import Iterator

import pyarrow as pa

from ml_platform.errors import SourceError
from ml_platform.events.sources.base import BATCH_ROWS

_CONNECT_SECONDS = 10


def stream_query(url: str, statement: str) -> Iterator[pa.Table]:
    """The rows of a SELECT in tables of `BATCH_ROWS` at most, by a cursor on the server.

    The transaction is read-only: a query file cannot change anything.

    Raises:
        SourceError: no connection, or the statement fails; the server's own words are in it.
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


def _refused(what: str, error: Exception) -> SourceError:
    said = " ".join(str(error).split())
    return SourceError(f"{what}: {said}.", remedy="Correct the URL or the query file.")
