"""The ledger in PostgreSQL."""

from sqlalchemy import create_engine

from ml_platform.adapters.ledger.journal_part import JournalPart
from ml_platform.adapters.ledger.prediction_part import PredictionPart
from ml_platform.adapters.ledger.registry_part import RegistryPart


class PostgresLedger(RegistryPart, PredictionPart, JournalPart):
    """`interface.Ledger` on a database whose migrations have been applied (`migrate.upgrade`).

    Connections are opened when needed, two are kept, and each is tried before use, so that a server
    that was restarted meanwhile does no harm. May be used by several threads.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_size=2, max_overflow=8, pool_pre_ping=True)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
