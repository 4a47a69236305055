"""What only PostgreSQL has of API keys: rows that somebody changes by hand, and rotations at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.errors import ConflictError, IntegrityError
from ml_platform.serving.keys import rotated
from ml_platform_tests.serving.examples import AT, key_of, known_random


@pytest.fixture
def ledger(database_url):
    postgres = PostgresLedger(database_url)
    yield postgres
    postgres.close()


def changed_by_hand(database_url: str, statement: str) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def test_a_scope_that_is_none_is_named_with_its_key(ledger, database_url) -> None:
    key, _ = key_of()
    ledger.add_api_key(key)
    changed_by_hand(database_url, "UPDATE api_keys SET scopes = 'predict everything'")
    with pytest.raises(IntegrityError, match=f"API key {key.key_id} cannot be read: 'everything'"):
        ledger.api_keys()


def test_a_key_that_somebody_gives_more_scopes_is_found_by_the_hashes(ledger, database_url) -> None:
    ledger.add_api_key(key_of()[0])
    assert not [rows for rows in ledger.stored_rows() if rows.changed]
    changed_by_hand(database_url, "UPDATE api_keys SET scopes = scopes || ' operate'")
    assert [rows.table for rows in ledger.stored_rows() if rows.changed] == ["api_keys"]


def test_of_rotations_at_once_one_is_kept(ledger) -> None:
    key, _ = key_of()
    ledger.add_api_key(key)
    rotations = [rotated(key, AT, known_random(20 * number), by="ada") for number in range(1, 9)]

    def is_kept(rotation) -> bool:
        try:
            ledger.rotate_api_key(rotation)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(is_kept, rotations))
    assert sum(kept) == 1
    winner = rotations[kept.index(True)]
    assert set(ledger.api_keys()) == {winner.old, winner.new}
