"""One suite for both ledgers: API keys, each rotation whole or not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.errors import ConflictError
from ml_platform.serving.keys import OPERATOR_SCOPES, rotated
from ml_platform_tests.serving.examples import AT, key_of, known_random

DAY = timedelta(days=1)
ANN, _ = key_of("ann", 0, name="laptop")
BOB = replace(
    key_of("bob", 1, scopes=OPERATOR_SCOPES, lifetime=None)[0], created_at=AT - DAY / 3, name=""
)
ROTATION = rotated(ANN, AT + DAY, known_random(9), by="ada", overlap=DAY)


def changed(ledger) -> list[str]:
    return [table.table for table in ledger.stored_rows() if table.changed]


def test_a_key_comes_back_as_it_was_kept(ledger):
    assert ledger.api_keys() == ()
    ledger.add_api_key(ANN)
    ledger.add_api_key(BOB)
    assert ledger.api_keys() == (BOB, ANN)
    with pytest.raises(ConflictError, match=f"API key {ANN.key_id} was"):
        ledger.add_api_key(replace(BOB, key_id=ANN.key_id))
    assert ledger.api_keys() == (BOB, ANN)
    assert changed(ledger) == []


def test_a_rotation_keeps_the_new_key_and_ends_the_old_one(ledger):
    ledger.add_api_key(ANN)
    ledger.rotate_api_key(ROTATION)
    assert ledger.api_keys() == (ROTATION.old, ROTATION.new)
    assert ROTATION.old.expires_at == AT + 2 * DAY
    assert changed(ledger) == []


def test_a_key_is_rotated_once(ledger):
    ledger.add_api_key(ANN)
    ledger.rotate_api_key(ROTATION)
    again = rotated(ANN, AT + DAY, known_random(20), by="bob", overlap=DAY / 2)
    with pytest.raises(ConflictError, match=f"API key {ANN.key_id} was rotated"):
        ledger.rotate_api_key(again)
    assert ledger.api_keys() == (ROTATION.old, ROTATION.new)
    ledger.rotate_api_key(rotated(ROTATION.new, AT + DAY, known_random(30), by="bob"))
    assert len(ledger.api_keys()) == 3


def test_a_key_that_was_revoked_or_is_gone_is_not_rotated(ledger):
    with pytest.raises(ConflictError):
        ledger.rotate_api_key(ROTATION)
    assert ledger.api_keys() == ()
    ledger.add_api_key(ANN)
    assert ledger.revoke_api_key(ANN.key_id, AT, "ada", "lost")
    with pytest.raises(ConflictError):
        ledger.rotate_api_key(ROTATION)
    revoked = replace(ANN, revoked_at=AT, revoked_by="ada", revoked_reason="lost")
    assert ledger.api_keys() == (revoked,)


def test_a_key_is_revoked_once(ledger):
    ledger.add_api_key(ANN)
    ledger.add_api_key(BOB)
    assert not ledger.revoke_api_key("nobody", AT, "ada", "lost")
    assert ledger.revoke_api_key(ANN.key_id, AT + DAY, "ada", "lost")
    assert not ledger.revoke_api_key(ANN.key_id, AT + 2 * DAY, "bob", "again")
    revoked = replace(ANN, revoked_at=AT + DAY, revoked_by="ada", revoked_reason="lost")
    assert ledger.api_keys() == (BOB, revoked)
    assert changed(ledger) == []
