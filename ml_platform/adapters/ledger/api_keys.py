"""API keys in PostgreSQL."""

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from ml_platform.adapters.ledger import tables
from ml_platform.adapters.ledger.refusals import changed_key
from ml_platform.errors import IntegrityError
from ml_platform.serving.keys import ApiKey, Rotation, Scope


class ApiKeyPart:
    """The part of the ledger that is about API keys; `PostgresLedger` is made of such parts."""

    _engine: Engine

    def api_keys(self) -> tuple[ApiKey, ...]:
        """See `interface.Ledger`."""
        table = tables.api_keys
        query = sa.select(table).order_by(table.c.created_at, table.c.key_id)
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(_key(dict(row)) for row in rows)

    def add_api_key(self, key: ApiKey) -> None:
        """See `interface.Ledger`."""
        with self._engine.begin() as connection:
            _add(connection, key)

    def rotate_api_key(self, rotation: Rotation) -> None:
        """See `interface.Ledger`."""
        table, old = tables.api_keys, rotation.old
        shortened = (
            table.update()
            .where(table.c.key_id == old.key_id, table.c.revoked_at.is_(None))
            .values(expires_at=old.expires_at)
        )
        with self._engine.begin() as connection:
            if connection.execute(shortened).rowcount == 0:
                raise changed_key(old.key_id)
            _add(connection, rotation.new)

    def revoke_api_key(self, key_id: str, at: datetime, by: str, reason: str) -> bool:
        """See `interface.Ledger`."""
        table = tables.api_keys
        statement = (
            table.update()
            .where(table.c.key_id == key_id, table.c.revoked_at.is_(None))
            .values(revoked_at=at, revoked_by=by, revoked_reason=reason)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount > 0


def _add(connection: sa.Connection, key: ApiKey) -> None:
    row = asdict(key) | {"scopes": " ".join(sorted(key.scopes))}
    statement = insert(tables.api_keys).values(row).on_conflict_do_nothing()
    if connection.execute(statement).rowcount == 0:
        raise changed_key(key.replaces or key.key_id)


def _key(row: dict[str, object]) -> ApiKey:
    try:
        scopes = frozenset(Scope(word) for word in str(row.pop("scopes")).split())
    except ValueError as error:
        raise IntegrityError(
            f"The ledger's API key {row['key_id']} cannot be read: {error}.",
            remedy="`ml-platform verify` names what else was changed; restore the row from a backup",
        ) from error
    return ApiKey(**row, scopes=scopes)  # type: ignore[arg-type]
