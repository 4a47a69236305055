"""State of the home, baselines, monitoring reports, features, requests and alerts in PostgreSQL."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.refusals import parsed, policy_conflict
from ml_platform.errors import IntegrityError
from ml_platform.monitoring.alerts import Alert
from ml_platform.monitoring.report import MonitoringReport
from ml_platform.registry.records import PolicyRevision, RetrainingRequest
from ml_platform.values import text_sha256, to_json


class JournalPart:
    """The part of the ledger that keeps what was seen; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def state(self, key: str) -> dict[str, Any] | None:
        """See `interface.Ledger`."""
        table = tables.home_state
        with self._engine.connect() as connection:
            text = connection.scalar(sa.select(table.c.value).where(table.c.key == key))
        if text is None:
            return None
        value: dict[str, Any] = json.loads(text)
        return value

    def set_state(self, key: str, value: dict[str, Any]) -> None:
        """See `interface.Ledger`."""
        text = json.dumps(value, sort_keys=True, allow_nan=False)
        self._put(tables.home_state, {"key": key, "value": text})

    def save_policy(self, revision: PolicyRevision) -> None:
        """See `interface.Ledger`."""
        table, body = tables.policy_revisions, to_json(revision)
        row = {
            "revision": revision.revision,
            "at": revision.at,
            "sha256": text_sha256(body),
            "body": body,
        }
        with self._engine.begin() as connection:
            last = connection.scalar(sa.select(sa.func.max(table.c.revision))) or 0
            new = revision.revision == last + 1
            if new:
                added = connection.execute(insert(table).values(row).on_conflict_do_nothing())
                new = added.rowcount == 1
        if not new:
            raise policy_conflict(revision.revision)

    def policies(self) -> tuple[PolicyRevision, ...]:
        """See `interface.Ledger`."""
        table = tables.policy_revisions
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.revision)).all()
        for row in rows:
            if text_sha256(row.body) != row.sha256:
                raise IntegrityError(
                    f"Revision {row.revision} of the policy is not what was appended: SHA-256 "
                    f"{text_sha256(row.body)[:12]}, recorded is {row.sha256[:12]}.",
                    remedy="restore the database from a backup",
                )
        return tuple(
            parsed(PolicyRevision, row.body, f"revision {row.revision} of the policy")
            for row in rows
        )

    def save_baseline(self, model: str, version: str, json: str) -> None:
        """See `interface.Ledger`."""
        self._put(tables.baselines, {"model": model, "version": version, "body": json})

    def baseline(self, model: str, version: str) -> str | None:
        """See `interface.Ledger`."""
        table = tables.baselines
        query = sa.select(table.c.body).where(table.c.model == model, table.c.version == version)
        with self._engine.connect() as connection:
            return connection.scalar(query)

    def save_monitoring_report(self, report: MonitoringReport) -> None:
        """See `interface.Ledger`."""
        row = {
            "model": report.model,
            "version": report.version,
            "window_end": report.window_end,
            "saved": tables.reports_saved.next_value(),
            "body": to_json(report),
        }
        self._put(tables.monitoring_reports, row)

    def monitoring_reports(
        self, model: str, limit: int | None = None
    ) -> tuple[MonitoringReport, ...]:
        """See `interface.Ledger`."""
        columns = tables.monitoring_reports.c
        rows = self._newest(model, columns.window_end, columns.saved, limit=limit)
        return tuple(
            parsed(MonitoringReport, row.body, f"monitoring report of {model} to {row.window_end}")
            for row in rows
        )

    def watched_windows(self, model: str, limit: int) -> tuple[datetime, ...]:
        """See `interface.Ledger`."""
        table = tables.monitoring_reports
        query = (
            sa.select(table.c.window_end)
            .where(table.c.model == model)
            .distinct()
            .order_by(table.c.window_end.desc())
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return tuple(connection.scalars(query))

    def save_feature_definitions(
        self, definitions: dict[str, tuple[str, str]], at: datetime
    ) -> None:
        """See `interface.Ledger`."""
        table = tables.feature_definitions
        with self._engine.begin() as connection:
            connection.execute(table.update().values(current=False))
            for name, (version, spec) in sorted(definitions.items()):
                row = {"name": name, "version": version, "spec": spec, "first_at": at}
                connection.execute(
                    insert(table)
                    .values({**row, "current": True})
                    .on_conflict_do_update(
                        index_elements=["name", "version"], set_={"current": True}
                    )
                )

    def feature_definitions(self) -> dict[str, tuple[str, str]]:
        """See `interface.Ledger`."""
        table = tables.feature_definitions
        query = sa.select(table).where(table.c.current).order_by(table.c.name)
        with self._engine.connect() as connection:
            return {row.name: (row.version, row.spec) for row in connection.execute(query)}

    def request_retraining(self, request: RetrainingRequest) -> bool:
        """See `interface.Ledger`."""
        row = {
            "key": request.key,
            "model": request.model,
            "requested_at": request.requested_at,
            "body": to_json(request),
        }
        return self._once(tables.retraining_requests, row)

    def retraining_requests(self, model: str) -> tuple[RetrainingRequest, ...]:
        """See `interface.Ledger`."""
        columns = tables.retraining_requests.c
        rows = self._newest(model, columns.requested_at, columns.key)
        return tuple(parsed(RetrainingRequest, row.body, f"request {row.key}") for row in rows)

    def feedback_count(self, model: str, since: datetime) -> int:
        """See `interface.Ledger`."""
        columns = tables.feedback.c
        query = sa.select(sa.func.count()).where(
            columns.model == model, columns.received_at > since
        )
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def save_alert(self, alert: Alert) -> bool:
        """See `interface.Ledger`."""
        row = {
            "key": alert.alert_id,
            "model": alert.model,
            "at": alert.at,
            "body": to_json(alert),
        }
        return self._once(tables.alerts, row)

    def alerts(self, model: str, limit: int | None = None) -> tuple[Alert, ...]:
        """See `interface.Ledger`."""
        rows = self._newest(model, tables.alerts.c.at, tables.alerts.c.key, limit=limit)
        return tuple(parsed(Alert, row.body, f"alert {row.key}") for row in rows)

    def _newest(
        self, model: str, *order: "sa.Column[Any]", limit: int | None = None
    ) -> Sequence[sa.Row[Any]]:
        """The columns ``order`` of one table and the body of a model's rows, the largest of ``order`` first."""
        table = order[0].table
        query = (
            sa.select(*order, table.c.body)
            .where(table.c.model == model)
            .order_by(*(column.desc() for column in order))
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).all()

    def _put(self, table: sa.Table, row: dict[str, Any]) -> None:
        """Insert, or replace what stands under the same primary key."""
        keys = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in keys}
        statement = insert(table).values(row)
        with self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest))

    def _once(self, table: sa.Table, row: dict[str, Any]) -> bool:
        """Insert the row unless its key is there, and return whether it was new."""
        statement = insert(table).values(row).on_conflict_do_nothing()
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1
