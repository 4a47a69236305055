"""Versions, production and the chain of events in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine

from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.interface import Change
from ml_platform.adapters.ledger.refusals import lost, parsed, require_legal, unknown
from ml_platform.evaluation.report import EvaluationReport
from ml_platform.registry import chain, lifecycle, transitions
from ml_platform.registry.chain import EventDraft
from ml_platform.registry.history import History
from ml_platform.registry.lifecycle import Clock
from ml_platform.registry.permit import Permit
from ml_platform.registry.records import ProductionState, PromotionEvent, VersionRecord
from ml_platform.registry.validate import validate
from ml_platform.spec.training_set import TrainingSetRecord
from ml_platform.values import fingerprint as fingerprint_of
from ml_platform.values import text_sha256, to_json

_CHAIN_LOCK = 7_310_002
"""Whoever appends to the chain holds this lock for its transaction: one chain, no gaps, no forks."""


class RegistryPart:
    """The part of the ledger that is about versions; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def save_report(self, report: EvaluationReport) -> str:
        """See `interface.Ledger`."""
        report_id = fingerprint_of(report)
        row = {"id": report_id, "model": report.model, "body": to_json(report)}
        with self._engine.begin() as connection:
            connection.execute(
                insert(tables.evaluation_reports).values(row).on_conflict_do_nothing()
            )
        return report_id

    def report(self, report_id: str) -> EvaluationReport | None:
        """See `interface.Ledger`."""
        body = self.report_text(report_id)
        if body is None:
            return None
        return parsed(EvaluationReport, body, f"evaluation report {report_id[:12]}")

    def report_sha256(self, report_id: str) -> str | None:
        """See `interface.Ledger`."""
        body = self.report_text(report_id)
        return None if body is None else text_sha256(body)

    def report_text(self, report_id: str) -> str | None:
        """See `interface.Ledger`."""
        table = tables.evaluation_reports
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(table.c.body).where(table.c.id == report_id))

    def save_training_set(self, record: TrainingSetRecord) -> None:
        """See `interface.Ledger`."""
        table = tables.training_sets
        row = {"model": record.model, "fingerprint": record.fingerprint, "body": to_json(record)}
        statement = insert(table).values(row)
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["model", "fingerprint"], set_={"body": row["body"]}
                )
            )

    def training_set(self, model: str, fingerprint: str) -> TrainingSetRecord | None:
        """See `interface.Ledger`."""
        table = tables.training_sets
        query = sa.select(table.c.body).where(
            table.c.model == model, table.c.fingerprint == fingerprint
        )
        with self._engine.connect() as connection:
            body = connection.scalar(query)
        if body is None:
            return None
        return parsed(TrainingSetRecord, body, f"training set {fingerprint[:12]} of {model}")

    def register(self, record: VersionRecord) -> VersionRecord:
        """See `interface.Ledger`."""
        validate(record)
        table = tables.model_versions
        with self._engine.begin() as connection:
            last = _lock_chain(connection)
            same = (
                sa.select(table)
                .where(table.c.model == record.model)
                .where(table.c.artifact_sha256 == record.artifact_sha256)
                .where(table.c.training_set_fingerprint == record.training_set_fingerprint)
                .order_by(table.c.version.desc())
                .limit(1)
            )
            existing = connection.execute(same).one_or_none()
            if existing is not None:
                return _evaluate_again(connection, last, _evaluations(connection, existing), record)
            newest = sa.select(sa.func.max(table.c.version)).where(table.c.model == record.model)
            last_number = max(
                connection.scalar(newest) or 0, _given_before(connection, record.model)
            )
            record = replace(record, version=last_number + 1)
            connection.execute(table.insert().values(_version_row(record)))
            _append(connection, last, [transitions.registration(record)])
        return record

    def number_after(self, model: str, version: int) -> None:
        """See `interface.Ledger`."""
        row = {"key": _given_key(model), "value": str(version)}
        statement = insert(tables.home_state).values(row)
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["key"], set_={"value": row["value"]}
                )
            )

    def set_mlflow_version(self, model: str, version: int, mlflow_version: str) -> None:
        """See `interface.Ledger`."""
        table = tables.model_versions
        statement = (
            table.update()
            .where(table.c.model == model, table.c.version == version)
            .values(mlflow_version=mlflow_version)
        )
        with self._engine.begin() as connection:
            if connection.execute(statement).rowcount == 0:
                raise unknown(f"version {version} of {model}", "see `ml-platform status`")

    def version(self, model: str, version: int) -> VersionRecord:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            return _read_version(connection, model, version)

    def versions(self, model: str) -> tuple[VersionRecord, ...]:
        """See `interface.Ledger`."""
        table = tables.model_versions
        query = sa.select(table).where(table.c.model == model).order_by(table.c.version)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
            return tuple(_evaluations(connection, row)[-1] for row in rows)

    def evaluations(self, model: str, version: int) -> tuple[VersionRecord, ...]:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            return _read_evaluations(connection, model, version)

    def version_numbers(self, model: str) -> tuple[int, ...]:
        """See `interface.Ledger`."""
        table = tables.model_versions
        query = sa.select(table.c.version).where(table.c.model == model).order_by(table.c.version)
        with self._engine.connect() as connection:
            return tuple(connection.scalars(query))

    def models(self) -> tuple[str, ...]:
        """See `interface.Ledger`."""
        column = tables.model_versions.c.model
        with self._engine.connect() as connection:
            return tuple(sorted(connection.scalars(sa.select(column).distinct())))

    def production(self, model: str) -> ProductionState:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            return _production(connection, model)

    def promote(
        self,
        model: str,
        version: int,
        *,
        expected_revision: int,
        permit: Permit,
        at: datetime,
        actor: str,
    ) -> tuple[PromotionEvent, ...]:
        """See `interface.Ledger`."""
        with self._engine.begin() as connection:
            last = _lock_chain(connection)
            new = _read_version(connection, model, version)
            state = _production(connection, model)
            if state.version == version:
                return ()
            if state.revision != expected_revision:
                raise lost(state, expected_revision)
            old = None
            if state.version is not None:
                old = _read_version(connection, model, state.version)
            drafts = transitions.promotion(new, old, permit, at, actor)
            return _change(connection, last, _history(connection, model), drafts)

    def change(self, model: str, drafts: Change) -> tuple[PromotionEvent, ...]:
        """See `interface.Ledger`."""
        with self._engine.begin() as connection:
            last = _lock_chain(connection)
            history = _history(connection, model)
            return _change(connection, last, history, drafts(history))

    def history(self, model: str) -> History:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            return _history(connection, model)

    def record_refusal(
        self, model: str, version: int, *, reasons: tuple[str, ...], at: datetime, actor: str
    ) -> PromotionEvent:
        """See `interface.Ledger`."""
        with self._engine.begin() as connection:
            last = _lock_chain(connection)
            record = _read_version(connection, model, version)
            draft = transitions.refusal(record, reasons, at, actor)
            for event in _events(connection, model):
                if transitions.same_refusal(event, draft):
                    return event
            return _append(connection, last, [draft])[0]

    def events(self, model: str | None = None) -> tuple[PromotionEvent, ...]:
        """See `interface.Ledger`."""
        with self._engine.connect() as connection:
            return _events(connection, model)

    def stored_events(self) -> tuple[str, ...]:
        """See `interface.Ledger`."""
        table = tables.promotion_events
        query = sa.select(table.c.body).order_by(table.c.sequence)
        with self._engine.connect() as connection:
            return tuple(connection.scalars(query))

    def production_at(self, model: str, moment: datetime, clock: Clock = Clock.DATA) -> int | None:
        """See `interface.Ledger`."""
        return lifecycle.production_at(self.events(model), model, moment, clock)


def _given_key(model: str) -> str:
    """The key of `home_state` under which the last number stands that a model gave before a migration."""
    return f"versions_before/{model}"


def _given_before(connection: Connection, model: str) -> int:
    table = tables.home_state
    query = sa.select(table.c.value).where(table.c.key == _given_key(model))
    return int(connection.scalar(query) or 0)


def _lock_chain(connection: Connection) -> PromotionEvent | None:
    """Take the chain for this transaction; its last link."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    table = tables.promotion_events
    query = sa.select(table.c.sequence, table.c.body).order_by(table.c.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _event(row) if row is not None else None


def _change(
    connection: Connection,
    last: PromotionEvent | None,
    history: History,
    drafts: Sequence[EventDraft],
) -> tuple[PromotionEvent, ...]:
    """Append the events of a change, and set production to the state that they lead to."""
    state = require_legal(history.state, drafts)
    links = _append(connection, last, drafts)
    if state.revision != history.state.revision:
        row = {"model": state.model, "version": state.production, "revision": state.revision}
        statement = insert(tables.production_state).values(row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["model"],
                set_={"version": state.production, "revision": state.revision},
            )
        )
    return links


def _history(connection: Connection, model: str) -> History:
    return History(model, _events(connection, model))


def _append(
    connection: Connection, last: PromotionEvent | None, drafts: Sequence[EventDraft]
) -> tuple[PromotionEvent, ...]:
    """Link the drafts into the chain, whose last link is ``last``."""
    links = chain.extend(last, drafts, datetime.now(UTC))
    for event in links:
        row = {
            "sequence": event.sequence,
            "model": event.model,
            "version": event.version,
            "action": event.action.value,
            "at": event.at,
            "previous_hash": event.previous_hash,
            "hash": event.hash,
            "body": to_json(event),
        }
        connection.execute(tables.promotion_events.insert().values(row))
    return links


def _events(connection: Connection, model: str | None) -> tuple[PromotionEvent, ...]:
    table = tables.promotion_events
    query = sa.select(table.c.sequence, table.c.body).order_by(table.c.sequence)
    if model is not None:
        query = query.where(table.c.model == model)
    return tuple(_event(row) for row in connection.execute(query))


def _event(row: Any) -> PromotionEvent:
    return parsed(PromotionEvent, row.body, f"event {row.sequence}")


def _production(connection: Connection, model: str) -> ProductionState:
    table = tables.production_state
    row = connection.execute(sa.select(table).where(table.c.model == model)).one_or_none()
    if row is None:
        return ProductionState(model, None, 0)
    return ProductionState(model, row.version, row.revision)


def _read_version(connection: Connection, model: str, version: int) -> VersionRecord:
    return _read_evaluations(connection, model, version)[-1]


def _read_evaluations(
    connection: Connection, model: str, version: int
) -> tuple[VersionRecord, ...]:
    table = tables.model_versions
    query = sa.select(table).where(table.c.model == model, table.c.version == version)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise unknown(f"version {version} of {model}", "see `ml-platform status`")
    return _evaluations(connection, row)


def _evaluations(connection: Connection, row: Any) -> tuple[VersionRecord, ...]:
    """The version of a row as each of its evaluations found it, oldest first."""
    table, name = tables.later_evaluations, f"version {row.version} of {row.model}"
    query = (
        sa.select(table.c.evaluation, table.c.body)
        .where(table.c.model == row.model, table.c.version == row.version)
        .order_by(table.c.evaluation)
    )
    others = [
        parsed(VersionRecord, later.body, f"evaluation {later.evaluation} of {name}")
        for later in connection.execute(query)
    ]
    return tuple(
        replace(record, mlflow_version=row.mlflow_version)
        for record in (parsed(VersionRecord, row.body, name), *others)
    )


def _evaluate_again(
    connection: Connection,
    last: PromotionEvent | None,
    known: tuple[VersionRecord, ...],
    record: VersionRecord,
) -> VersionRecord:
    """The known version, with a further evaluation where this one came to another result."""
    again = transitions.evaluated_again(known[-1], record)
    if again == known[-1]:
        return again
    row = {
        "model": again.model,
        "version": again.version,
        "evaluation": again.evaluation,
        "verdict": again.decision.verdict.value,
        "body": to_json(again),
    }
    connection.execute(tables.later_evaluations.insert().values(row))
    _append(connection, last, [transitions.registration(again)])
    return again


def _version_row(record: VersionRecord) -> dict[str, Any]:
    return {
        "model": record.model,
        "version": record.version,
        "artifact_sha256": record.artifact_sha256,
        "training_set_fingerprint": record.training_set_fingerprint,
        "policy_version": record.decision.policy_version,
        "verdict": record.decision.verdict.value,
        "registered_at": record.registered_at,
        "mlflow_run_id": record.mlflow_run_id,
        "mlflow_version": record.mlflow_version,
        "body": to_json(record),
    }
