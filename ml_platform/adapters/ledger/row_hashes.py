"""The rows of the ledger, by table and day, against the hashes that the database kept while they were written.

The database adds the hash of each row that a session of the ledger writes to its table and day, and subtracts that
of a row which it replaces (migration 0005). A row that anything else changed, added or removed makes the sum of the
rows differ from what was kept. Sums tell of damage and of hands that bypass the ledger; whoever owns the database
can change both.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml_platform.registry.verify import ChangedDay, StoredRows

DAY_COLUMNS = {
    "home_state": None,
    "evaluation_reports": None,
    "training_sets": None,
    "model_versions": "registered_at",
    "later_evaluations": None,
    "production_state": None,
    "promotion_events": "at",
    "feature_definitions": "first_at",
    "baselines": None,
    "predictions": "occurred_at",
    "outcomes": "known_at",
    "monitoring_reports": "window_end",
    "retraining_requests": "requested_at",
    "alerts": "at",
    "incident_events": "at",
    "policy_revisions": "at",
    "experiments": "defined_at",
    "experiment_results": "finished_at",
    "experiment_events": "at",
    "outbox": "created_at",
    "removals": "at",
    "legal_holds": "at",
    "forgotten_people": "at",
    "redacted_reports": "at",
    "answer_seals": "sealed_at",
    "api_keys": "created_at",
}
"""The column whose UTC day a row counts to, by table; without one all rows of a table count together."""

NOT_FOLLOWED = frozenset(
    {"row_hashes", "answers", "answer_payloads", "repeated_requests", "inbox", "feedback"}
)
"""Tables whose rows are not hashed while they are written: of answers a day is sealed when it is over, and the
others need no proof."""

FOLLOWED = "SET ml_platform.ledger = 'on'"
"""What a session of the ledger says first: the database follows only what such sessions write."""

_TRIGGERS = """
CREATE TRIGGER {table}_rows_come AFTER INSERT ON {table} REFERENCING NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION follow_rows({day});
CREATE TRIGGER {table}_rows_go AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION follow_rows({day});
CREATE TRIGGER {table}_rows_change AFTER UPDATE ON {table} REFERENCING OLD TABLE AS gone NEW TABLE AS come
    FOR EACH STATEMENT EXECUTE FUNCTION follow_rows({day});
INSERT INTO row_hashes SELECT '{table}', day, rows, digest FROM present_row_hashes('{table}', {day});
"""
_COMPARED = sa.text("""
SELECT day, coalesce(now.rows, 0) AS rows, coalesce(kept.rows, 0) AS kept,
       now.digest IS NOT DISTINCT FROM kept.digest AS same
FROM present_row_hashes(:table, :day_of) now
FULL JOIN (SELECT * FROM row_hashes WHERE table_name = :table AND rows <> 0) kept USING (day)
ORDER BY day
""")


def day_of(table: str) -> str:
    """The SQL expression of the day that a row ``r`` of ``table`` counts to."""
    column = DAY_COLUMNS[table]
    return "''" if column is None else f"(r.{column} AT TIME ZONE 'UTC')::date::text"


def follow_rows_of(table: str) -> str:
    """The SQL by which the database hashes the rows of ``table``: for the migration that makes the table."""
    quoted = day_of(table).replace("'", "''")
    return _TRIGGERS.format(table=table, day=f"'{quoted}'")


class RowHashPart:
    """The part of the ledger that compares its rows with their hashes; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def stored_rows(self) -> tuple[StoredRows, ...]:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            return tuple(compared_rows(connection, table) for table in DAY_COLUMNS)


def compared_rows(connection: sa.Connection, table: str) -> StoredRows:
    """The rows of a table as this transaction sees them, against their hashes."""
    days = connection.execute(_COMPARED, {"table": table, "day_of": day_of(table)}).all()
    return StoredRows(
        table=table,
        rows=sum(day.rows for day in days),
        days=len(days),
        changed=tuple(ChangedDay(day.day, day.rows, day.kept) for day in days if not day.same),
    )
