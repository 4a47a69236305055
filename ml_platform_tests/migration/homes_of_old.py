"""Homes as earlier releases wrote them: their files, and the ledger as a dump that is restored into PostgreSQL."""

import shutil
from pathlib import Path

from ml_platform.adapters.database_urls import connect
from ml_platform.adapters.postgres import start_postgres

HOMES = Path(__file__).parent / "homes"


def restored(format_number: int, home: Path) -> Path:
    """The stored home of a format, whole again: see ``homes/README.md`` for how each was made."""
    stored = HOMES / f"format-{format_number}"
    shutil.copytree(stored, home, ignore=shutil.ignore_patterns("*.sql"))
    if not (stored / "ledger.sql").exists():
        return home
    server = start_postgres(home)
    try:
        for url, dump in (
            (server.urls.ml_platform, (stored / "ledger.sql").read_text()),
            (server.urls.dagster, "CREATE TABLE runs (run_id text)"),
        ):
            connection = connect(url)
            connection.cursor().execute(dump)
            connection.close()
    finally:
        server.stop()
    return home
