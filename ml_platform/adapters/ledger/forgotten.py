"""Who was forgotten, and from which reports their ids were taken out, in PostgreSQL."""

import json
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger import tables
from ml_platform.retention.forgotten import ForgottenPerson, Learned, Redaction


class ForgottenPart:
    """The part of the ledger that is about people who were forgotten; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def forgotten_people(self) -> tuple[ForgottenPerson, ...]:
        """See `interface.Ledger`."""
        table = tables.forgotten_people
        query = sa.select(table).order_by(table.c.at, table.c.tombstone)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(_person(dict(row)) for row in rows)

    def begin_forgetting(self, person: ForgottenPerson) -> bool:
        """See `interface.Ledger`."""
        row = asdict(person) | {"learned": json.dumps([asdict(each) for each in person.learned])}
        statement = insert(tables.forgotten_people).values(row).on_conflict_do_nothing()
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0

    def finish_forgetting(self, tombstone: str, at: datetime | None) -> None:
        """See `interface.Ledger`."""
        table = tables.forgotten_people
        statement = table.update().where(table.c.tombstone == tombstone).values(finished_at=at)
        with self._engine.begin() as connection:
            connection.execute(statement)

    def redactions(self) -> dict[str, Redaction]:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(tables.redacted_reports)).mappings().all()
        return {row["report_id"]: Redaction(**row) for row in rows}

    def redact_report(self, redaction: Redaction, body: str) -> None:
        """See `interface.Ledger`."""
        reports, kept = tables.evaluation_reports, tables.redacted_reports
        record = insert(kept).values(asdict(redaction))
        with self._engine.begin() as connection:
            connection.execute(
                record.on_conflict_do_update(
                    index_elements=["report_id"],
                    set_={"sha256": redaction.sha256, "at": redaction.at},
                )
            )
            connection.execute(
                reports.update().where(reports.c.id == redaction.report_id).values(body=body)
            )


def _person(row: dict[str, object]) -> ForgottenPerson:
    learned = tuple(Learned(**each) for each in json.loads(str(row.pop("learned"))))
    return ForgottenPerson(**row, learned=learned)  # type: ignore[arg-type]
