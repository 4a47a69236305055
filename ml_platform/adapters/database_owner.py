"""Which home a database belongs to: the first that opens it. Two homes in one would mix their versions."""

import json
import socket
from pathlib import Path

from ml_platform.adapters.database_urls import without_password
from ml_platform.adapters.home_files import secret
from ml_platform.errors import UsageError

_KEY = "home"
_ID = "home_id"


def claim_database(url: str, home: Path) -> None:
    """Write into the ledger's database that it is this home's, unless a home has done so before.

    A home is known by a random id in its folder, so that it may be moved or restored.

    Raises:
        UsageError: the database belongs to another home, which is named.
    """
    from sqlalchemy import select
    from sqlalchemy.dialects.postgresql import insert

    from ml_platform.adapters.ledger.engine import ledger_engine
    from ml_platform.adapters.ledger.tables import home_state

    ours = {"id": secret(home, _ID), "path": str(home), "host": socket.gethostname()}
    engine = ledger_engine(url)
    try:
        with engine.begin() as connection:
            row = {"key": _KEY, "value": json.dumps(ours, sort_keys=True)}
            connection.execute(insert(home_state).values(row).on_conflict_do_nothing())
            stored = connection.execute(select(home_state.c.value).where(home_state.c.key == _KEY))
            owner = json.loads(stored.scalar_one())
    finally:
        engine.dispose()
    if owner["id"] == ours["id"]:
        return
    raise UsageError(
        f"The database {without_password(url)} belongs to the home {owner['path']} on {owner['host']}, "
        f"not to {home}.",
        remedy="name another PostgreSQL server in ML_PLATFORM_DATABASE_URL; if that home was deleted, drop "
        "the databases dagster, mlflow and ml_platform first",
    )
