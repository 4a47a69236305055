"""Experiments in PostgreSQL, whose triggers refuse to change them."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine

from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.experiment_store import taken, was_pruned
from ml_platform.adapters.ledger.refusals import parsed
from ml_platform.experiments.definition import Definition, digest
from ml_platform.experiments.lifecycle import DefinedExperiment, ExperimentEvent, Happening
from ml_platform.experiments.result import ExperimentResult
from ml_platform.values import fingerprint, text_sha256, to_json


class ExperimentPart:
    """The part of the ledger that is about experiments; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def define_experiment(self, definition: Definition, at: datetime) -> DefinedExperiment:
        """See `experiment_store.ExperimentStore`."""
        definition_hash = digest(definition)
        row = {
            "name": definition.name,
            "hash": definition_hash,
            "model": definition.model,
            "defined_at": at,
            "body": to_json(definition),
        }
        with self._engine.begin() as connection:
            if Happening.PRUNED in _happened(connection, definition.name):
                raise was_pruned(definition.name)
            statement = insert(tables.experiments).values(row).on_conflict_do_nothing()
            if connection.execute(statement).rowcount == 1:
                detail = {"hash": definition_hash}
                _append(connection, ExperimentEvent(definition.name, Happening.DEFINED, at, detail))
            present = _experiment(connection, definition.name)
        if present is None:
            raise was_pruned(definition.name)
        if present.hash != present.text_sha256 or present.definition != definition:
            raise taken(present, definition)
        return present

    def experiment(self, name: str) -> DefinedExperiment | None:
        """See `experiment_store.ExperimentStore`."""
        with self._engine.connect() as connection:
            return _experiment(connection, name)

    def experiment_names(self) -> tuple[str, ...]:
        """See `experiment_store.ExperimentStore`."""
        table = tables.experiments
        query = sa.select(table.c.name).order_by(table.c.defined_at, table.c.name)
        with self._engine.connect() as connection:
            return tuple(connection.scalars(query))

    def save_experiment_result(
        self, name: str, result: ExperimentResult, statistics: bytes
    ) -> bool:
        """See `experiment_store.ExperimentStore`."""
        row = {
            "name": name,
            "verdict": result.conclusion.verdict.value,
            "finished_at": result.finished_at,
            "body": to_json(result),
            "statistics": statistics,
        }
        detail = {"result": fingerprint(result), "verdict": result.conclusion.verdict.value}
        with self._engine.begin() as connection:
            statement = insert(tables.experiment_results).values(row).on_conflict_do_nothing()
            new = connection.execute(statement).rowcount == 1
            if new:
                event = ExperimentEvent(name, Happening.DONE, result.finished_at, detail)
                _append(connection, event)
        return new

    def experiment_result(self, name: str) -> ExperimentResult | None:
        """See `experiment_store.ExperimentStore`."""
        body = self._result_column(name, tables.experiment_results.c.body)
        return None if body is None else parsed(ExperimentResult, body, f"experiment {name} result")

    def experiment_result_sha256(self, name: str) -> str | None:
        """See `experiment_store.ExperimentStore`."""
        body = self._result_column(name, tables.experiment_results.c.body)
        return None if body is None else text_sha256(body)

    def experiment_statistics(self, name: str) -> bytes | None:
        """See `experiment_store.ExperimentStore`."""
        content = self._result_column(name, tables.experiment_results.c.statistics)
        return None if content is None else bytes(content)

    def record_experiment_event(self, event: ExperimentEvent) -> None:
        """See `experiment_store.ExperimentStore`."""
        with self._engine.begin() as connection:
            _append(connection, event)

    def experiment_events(self, name: str) -> tuple[ExperimentEvent, ...]:
        """See `experiment_store.ExperimentStore`."""
        with self._engine.connect() as connection:
            return _events(connection, name)

    def prune_experiment(self, name: str, at: datetime) -> None:
        """See `experiment_store.ExperimentStore`."""
        with self._engine.begin() as connection:
            experiment = _experiment(connection, name)
            if experiment is None:
                return
            query = sa.select(tables.experiment_results.c.verdict).where(
                tables.experiment_results.c.name == name
            )
            verdict = connection.scalar(query)
            detail = {"hash": experiment.hash, "verdict": verdict or ""}
            _append(connection, ExperimentEvent(name, Happening.PRUNED, at, detail))
            connection.execute(sa.select(sa.func.set_config("ml_platform.pruning", name, True)))
            for table in (tables.experiment_results, tables.experiments):
                connection.execute(table.delete().where(table.c.name == name))

    def _result_column(self, name: str, column: "sa.Column[Any]") -> Any:
        query = sa.select(column).where(tables.experiment_results.c.name == name)
        with self._engine.connect() as connection:
            return connection.scalar(query)


def _experiment(connection: Connection, name: str) -> DefinedExperiment | None:
    table = tables.experiments
    row = connection.execute(sa.select(table).where(table.c.name == name)).one_or_none()
    if row is None:
        return None
    definition = parsed(Definition, row.body, f"experiment {name}")
    return DefinedExperiment(definition, row.hash, text_sha256(row.body), row.defined_at)


def _append(connection: Connection, event: ExperimentEvent) -> None:
    row = {
        "name": event.name,
        "happening": event.happening.value,
        "at": event.at,
        "body": json.dumps(event.detail, sort_keys=True),
    }
    connection.execute(tables.experiment_events.insert().values(row))


def _events(connection: Connection, name: str) -> tuple[ExperimentEvent, ...]:
    table = tables.experiment_events
    query = sa.select(table).where(table.c.name == name).order_by(table.c.sequence)
    return tuple(
        ExperimentEvent(row.name, Happening(row.happening), row.at, json.loads(row.body))
        for row in connection.execute(query)
    )


def _happened(connection: Connection, name: str) -> set[Happening]:
    return {event.happening for event in _events(connection, name)}
