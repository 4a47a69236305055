"""The ledger in PostgreSQL."""

from typing import Any

import psycopg2
from sqlalchemy import create_engine, event
from sqlalchemy.engine import ExceptionContext

from ml_platform.adapters.ledger.experiments import ExperimentPart
from ml_platform.adapters.ledger.journal import JournalPart
from ml_platform.adapters.ledger.predictions import PredictionPart
from ml_platform.adapters.ledger.refusals import unavailable
from ml_platform.adapters.ledger.row_hashes import FOLLOWED, RowHashPart
from ml_platform.adapters.ledger.versions_and_promotions import RegistryPart


class PostgresLedger(RegistryPart, PredictionPart, JournalPart, ExperimentPart, RowHashPart):
    """`interface.Ledger` on a database whose migrations have been applied (`schema_upgrade.upgrade`).

    Connections are opened when needed, two are kept, and each is tried before use, so that a server
    that was restarted meanwhile does no harm. May be used by several threads.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_size=2, max_overflow=8, pool_pre_ping=True)
        event.listen(self._engine, "handle_error", _as_service_error)
        event.listen(self._engine, "connect", _follow)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def _follow(connection: Any, _record: object) -> None:
    """Say that this session is the ledger's: the database keeps the hashes of what it writes."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWED)
    connection.commit()


def _as_service_error(context: ExceptionContext) -> None:
    """Gone, full or too many connections: one line for a person in place of a driver's traceback."""
    if context.is_pre_ping or not isinstance(context.original_exception, psycopg2.OperationalError):
        return
    raise unavailable(context.original_exception) from context.original_exception
