"""The tables of a database as files, one JSON object a row, and room made in the database for new ones."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml_platform.adapters.database_urls import connect, without_password
from ml_platform.errors import ServiceError

_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_ROWS_A_FETCH = 2_000


def export_tables(url: str, folder: Path) -> dict[str, int]:
    """Write every table of ``url``'s database to ``<folder>/<table>.jsonl``; returns the rows of each.

    All tables are read in one snapshot. Texts are written as they are stored, so that what was hashed can be
    hashed again; times are UTC. Rows are in the order of their columns.
    """
    rows: dict[str, int] = {}
    with _transaction(url, readonly=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
            cursor.execute(_TABLES)
            names = [name for (name,) in cursor.fetchall()]
        for name in names:
            rows[name] = _export(connection, name, folder / f"{name}.jsonl")
    return rows


def _export(connection: Any, table: str, path: Path) -> int:
    count = 0
    with connection.cursor(f"export_{table}") as cursor, path.open("w", encoding="utf-8") as stream:
        cursor.itersize = _ROWS_A_FETCH
        cursor.execute(f'SELECT row_to_json(t)::text FROM public."{table}" t ORDER BY t')
        for (row,) in cursor:
            stream.write(row + "\n")
            count += 1
    return count


def put_aside(url: str, name: str) -> bool:
    """Rename the schema ``public`` of ``url``'s database to ``name`` and begin an empty one, in one transaction.

    Nothing is copied and nothing lost: the old tables stay readable under the new name. Returns whether anything
    was done; a schema ``name`` that is there already means that it was done before.

    Raises:
        ServiceError: the user of ``url`` may not rename the schema.
    """
    import psycopg2

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is no plain name of a schema")
    try:
        with _transaction(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regnamespace(%s)", (name,))
            if cursor.fetchone()[0] is not None:
                return False
            cursor.execute(f"ALTER SCHEMA public RENAME TO {name}")
            cursor.execute("CREATE SCHEMA public")
            cursor.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    except psycopg2.errors.InsufficientPrivilege as error:
        raise ServiceError(
            f"The schema public of {without_password(url)} may not be renamed: {error}".strip(),
            remedy="let the owner of the database run `ml-platform migrate`",
        ) from error
    return True


@contextmanager
def _transaction(url: str, *, readonly: bool = False) -> Iterator[Any]:
    """One transaction on one snapshot, committed at the end."""
    connection = connect(url)
    try:
        connection.set_session(
            isolation_level="REPEATABLE READ", readonly=readonly, autocommit=False
        )
        with connection:
            yield connection
    finally:
        connection.close()
