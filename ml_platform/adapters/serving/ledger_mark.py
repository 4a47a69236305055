"""Whether anything that the service follows has changed in the ledger: one small query."""

import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine

_FOLLOWED = ("promotion_events", "home_state", "api_keys")
_MARK = sa.text("""
SELECT table_name, day, rows, digest FROM row_hashes WHERE table_name = ANY(:tables) ORDER BY table_name, day
""")


class LedgerMark:
    """The state of the followed tables as their hashes have it (`ledger.row_hashes`)."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def read(self) -> tuple[object, ...]:
        """A mark that is another one after each change.

        Raises:
            ServiceError: the database does not answer.
        """
        with self._engine.connect() as connection:
            rows = connection.execute(_MARK, {"tables": list(_FOLLOWED)})
            return tuple(tuple(row) for row in rows)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()
