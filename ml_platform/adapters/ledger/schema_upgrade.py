"""Bring the ledger's schema up to date, under a lock, so that processes that start together agree."""

from pathlib import Path
from typing import Any

from ml_platform.errors import ServiceError

HEAD = "0014"
"""The newest migration; a test holds it to the folder. Up to date is seen without importing Alembic."""
_LOCK = 7_310_001
_MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(url: str) -> None:
    """Apply the migrations that ``url``'s database lacks (0.01 s if none, .5 s for all).

    Raises:
        ServiceError: the database is newer than this code.
    """
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if _revision(connection) == HEAD:
                return
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            revision = _revision(connection)
            if revision == HEAD:
                return
            if revision is not None and not list(_MIGRATIONS.glob(f"versions/{revision}_*.py")):
                raise ServiceError(
                    f"The ledger's schema is at revision {revision}, this code knows up to {HEAD}.",
                    remedy="Use the newer version of ml-platform that made it.",
                )
            _run_alembic(connection)
    finally:
        engine.dispose()


def _run_alembic(connection: Any) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Any) -> str | None:
    from sqlalchemy import text

    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(revision) if revision is not None else None
