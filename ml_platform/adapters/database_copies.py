"""A database as one file, as it is at one moment: by ``pg_dump`` and ``pg_restore`` of the wheel."""

import os
import subprocess
from pathlib import Path

from ml_platform.adapters.database_urls import connect, without_password
from ml_platform.adapters.postgres import binaries
from ml_platform.errors import ServiceError, UsageError

_OURS = ("--no-owner", "--no-privileges")
"""The database may belong to another user where it is restored."""
_TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"


def dump_database(url: str, path: Path) -> None:
    """Write the database behind ``url`` to ``path``, as it was at one moment.

    Raises:
        ServiceError: ``pg_dump`` failed.
    """
    _run("pg_dump", url, "--format=custom", *_OURS, f"--file={path}")


def restore_database(url: str, path: Path) -> None:
    """Fill the empty database behind ``url`` from ``path``, whole or not at all.

    Raises:
        UsageError: the database has tables already.
        ServiceError: ``pg_restore`` failed.
    """
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        tables = cursor.fetchone()[0]
    connection.close()
    if tables:
        raise UsageError(
            f"The database {without_password(url)} has {tables} tables already; nothing was changed.",
            remedy="restore into an empty one: set ML_PLATFORM_DATABASE_URL to another server, or unset it",
        )
    _run("pg_restore", url, "--single-transaction", "--exit-on-error", *_OURS, str(path))


def _run(command: str, url: str, *arguments: str) -> None:
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    place = {
        "PGHOST": parts.host,
        "PGPORT": parts.port,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
        **{f"PG{key.upper()}": value for key, value in parts.query.items()},
    }
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PG")},
        **{key: str(value) for key, value in place.items() if value is not None},
    }
    database = ["--dbname", str(parts.database)] if command == "pg_restore" else []
    done = subprocess.run(
        [str(binaries() / command), *database, *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ServiceError(
            f"{command} of {without_password(url)} failed: {done.stderr.strip()[-300:]}.",
            remedy="check free disk space and that the server answers, then start again",
        )
