"""The ledgers that one suite holds: PostgreSQL, and the one in memory."""

import pytest

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.ledger.postgres import PostgresLedger


@pytest.fixture(params=["memory", "postgres"])
def ledger(request):
    if request.param == "memory":
        yield InMemoryLedger()
        return
    postgres = PostgresLedger(request.getfixturevalue("database_url"))
    yield postgres
    postgres.close()
