"""What came by HTTP about a person: rows in the inbox, waiting or taken into the lake, and feedback; deleted."""

import sqlalchemy as sa

from ml_platform.adapters.ledger.engine import ledger_engine

_TABLES = ("inbox", "feedback")
_THEIRS = "{what} FROM {table} WHERE user_id = :user OR row_id = ANY(:rows)"


class PostedRowsOf:
    """The rows that came by HTTP and are about a person."""

    def __init__(self, url: str) -> None:
        self._engine = ledger_engine(url)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def count(self, user_id: str, row_ids: frozenset[str]) -> int:
        """How many there are."""
        asked = {"user": user_id, "rows": sorted(row_ids)}
        with self._engine.connect() as connection:
            return sum(
                int(connection.scalar(_statement("SELECT count(*)", table), asked) or 0)
                for table in _TABLES
            )

    def remove(self, user_id: str, row_ids: frozenset[str]) -> None:
        """Delete them."""
        asked = {"user": user_id, "rows": sorted(row_ids)}
        with self._engine.begin() as connection:
            for table in _TABLES:
                connection.execute(_statement("DELETE", table), asked)


def _statement(what: str, table: str) -> sa.TextClause:
    return sa.text(_THEIRS.format(what=what, table=table))
