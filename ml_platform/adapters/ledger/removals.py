"""What retention has removed, and what a person holds, in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger import tables
from ml_platform.retention.plan import Removal, Removed
from ml_platform.retention.reachable import LegalHold


class RemovalPart:
    """The part of the ledger that is about retention; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def removals(self) -> dict[tuple[str, str], Removed]:
        """See `interface.Ledger`."""
        table = tables.removals
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(table)).all()
        return {(row.kind, row.key): Removed(row.at, row.why) for row in rows}

    def record_removals(self, removals: Iterable[Removal], at: datetime) -> None:
        """See `interface.Ledger`."""
        rows = [
            {
                "kind": removal.item.kind.value,
                "key": removal.item.key,
                "at": at,
                "bytes": removal.item.bytes,
                "why": removal.why,
            }
            for removal in removals
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(tables.removals).on_conflict_do_nothing(), rows)

    def legal_holds(self) -> tuple[LegalHold, ...]:
        """See `interface.Ledger`."""
        table = tables.legal_holds
        query = sa.select(table).order_by(table.c.at, table.c.model, table.c.version)
        with self._engine.connect() as connection:
            return tuple(LegalHold(**row) for row in connection.execute(query).mappings())

    def set_legal_hold(self, hold: LegalHold) -> bool:
        """See `interface.Ledger`."""
        table = tables.legal_holds
        present = sa.select(table.c.at).where(
            table.c.model == hold.model,
            table.c.version == hold.version,
            table.c.lifted_at.is_(None),
        )
        with self._engine.begin() as connection:
            if connection.execute(present).first() is not None:
                return False
            connection.execute(insert(table).values(vars(hold)))
        return True

    def lift_legal_hold(self, model: str, version: int, at: datetime, actor: str) -> bool:
        """See `interface.Ledger`."""
        table = tables.legal_holds
        statement = (
            table.update()
            .where(table.c.model == model, table.c.version == version)
            .where(table.c.lifted_at.is_(None))
            .values(lifted_at=at, lifted_by=actor)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0
