"""One place makes the URLs of the three databases, connects to them, and creates what is missing."""

from dataclasses import dataclass
from typing import Any

from ml_platform.errors import ServiceError, UsageError

DATABASES = ("dagster", "mlflow", "ml_platform")
_PATIENCE = 6
"""Seconds in which a server has to take a connection: a command says within ten that it does not."""


@dataclass(frozen=True)
class DatabaseUrls:
    """The three databases, as SQLAlchemy URLs that name the driver (psycopg2), which
    dagster-postgres, MLflow and SQLAlchemy 2.1 all accept; ``repr`` hides the password.
    """

    dagster: str
    mlflow: str
    ml_platform: str

    def __repr__(self) -> str:
        return f"DatabaseUrls({without_password(self.ml_platform)} and its siblings)"

    @property
    def shown(self) -> str:
        """The server's URL as people may see it: *** for the password, and no database."""
        from sqlalchemy.engine import make_url

        server = make_url(self.ml_platform).set(drivername="postgresql", database="")
        return server.render_as_string(hide_password=True).rstrip("/")


def database_urls(server: str) -> DatabaseUrls:
    """URLs of the three databases on a server given as ``postgresql://user:password@host:port``.

    Raises:
        UsageError: the URL is of no PostgreSQL server.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(server)
    except ArgumentError as error:
        raise UsageError(
            "ML_PLATFORM_DATABASE_URL is not a URL.",
            remedy="Give postgresql://user:password@host:port.",
        ) from error
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise UsageError(
            f"ML_PLATFORM_DATABASE_URL is of '{url.get_backend_name()}', not of PostgreSQL.",
            remedy="Give postgresql://user:password@host:port.",
        )
    urls = {
        name: url.set(drivername="postgresql+psycopg2", database=name).render_as_string(
            hide_password=False
        )
        for name in DATABASES
    }
    return DatabaseUrls(**urls)


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


def connect(url: str, *, database: str | None = None, timeout: int = 3) -> Any:
    """A psycopg2 connection in autocommit mode from one of our URLs; ``psycopg2.Error`` if it fails."""
    import psycopg2
    from sqlalchemy.engine import make_url

    parts = make_url(url)
    connection = psycopg2.connect(
        host=parts.host,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        dbname=database or parts.database,
        connect_timeout=timeout,
        **{key: str(value) for key, value in parts.query.items()},
    )
    connection.autocommit = True
    return connection


def answers(url: str) -> bool:
    """Whether the server behind ``url`` takes connections now (a recovering one does not)."""
    import psycopg2

    try:
        connect(url, database="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def create_databases(urls: DatabaseUrls) -> None:
    """Create the three databases where missing; commits of Dagster's and MLflow's need not wait for the disk."""
    import psycopg2
    from psycopg2 import errors

    try:
        connection = connect(urls.ml_platform, database="postgres", timeout=_PATIENCE)
    except psycopg2.OperationalError as error:
        raise ServiceError(
            f"PostgreSQL at {without_password(urls.ml_platform)} does not answer: {error}".strip(),
            remedy="Check ML_PLATFORM_DATABASE_URL, or unset it to use a server of our own.",
        ) from error
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT datname FROM pg_database")
        existing = {row[0] for row in cursor.fetchall()}
        for name in DATABASES:
            if name in existing:
                continue
            try:
                cursor.execute(f'CREATE DATABASE "{name}"')
            except (errors.DuplicateDatabase, errors.UniqueViolation):
                continue  # another process was faster
            except errors.InsufficientPrivilege as error:
                raise ServiceError(
                    f"{without_password(urls.ml_platform)} may not create the database {name}.",
                    remedy=f"Let its owner run CREATE DATABASE {name}, or give the user CREATEDB.",
                ) from error
            if name != "ml_platform":
                cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    finally:
        connection.close()
