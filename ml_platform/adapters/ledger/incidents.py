"""Events of incidents in PostgreSQL, whose triggers refuse to change them."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine

from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.incident_store import IncidentChange
from ml_platform.adapters.ledger.refusals import parsed
from ml_platform.monitoring.incidents.events import IncidentEvent
from ml_platform.values import to_json

_LOCK = 7_310_014
"""One change at a time, so that a later place is never seen before an earlier one."""


class IncidentPart:
    """The part of the ledger that is about incidents; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def change_incidents(self, change: IncidentChange) -> tuple[IncidentEvent, ...]:
        """See `incident_store.IncidentStore`."""
        with self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            known = tuple(event for _, event in _events(connection, 0))
            drafts = change(known)
            return tuple(event for event in drafts if _is_new(connection, event))

    def incident_events(self, after: int = 0) -> tuple[tuple[int, IncidentEvent], ...]:
        """See `incident_store.IncidentStore`."""
        with self._engine.connect() as connection:
            return _events(connection, after)


def _events(connection: Connection, after: int) -> tuple[tuple[int, IncidentEvent], ...]:
    table = tables.incident_events
    query = sa.select(table).where(table.c.sequence > after).order_by(table.c.sequence)
    return tuple(
        (row.sequence, parsed(IncidentEvent, row.body, f"event {row.event_id}"))
        for row in connection.execute(query)
    )


def _is_new(connection: Connection, event: IncidentEvent) -> bool:
    row = {
        "event_id": event.event_id,
        "model": event.model,
        "incident_id": event.incident_id,
        "at": event.at,
        "body": to_json(event),
    }
    statement = insert(tables.incident_events).values(row).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1
