"""A key is let in by its whole text alone, for its time; each refusal says its cause and gives nothing away."""

import hashlib
import os
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml_platform.errors import UsageError
from ml_platform.serving.keys import (
    OPERATOR_SCOPES,
    PERSON_SCOPES,
    ApiKey,
    KeyRefusal,
    KeyRefused,
    Keyring,
    KeyStatus,
    Scope,
    new_key,
    rotated,
)
from ml_platform_tests.serving.examples import AT, key_of, known_random

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MOST = timedelta(microseconds=1)


def refused(keyring: Keyring, text: str, now=AT) -> KeyRefused:
    with pytest.raises(KeyRefused) as found:
        keyring.authenticate(text, now)
    return found.value


def test_the_text_has_the_id_and_only_a_hash_of_the_secret_is_kept() -> None:
    key, text = key_of()
    prefix, key_id, secret = text.split("_")
    assert (prefix, key_id) == ("mlp", key.key_id)
    assert re.fullmatch("[0-9a-z]{12}", key_id)
    assert len(bytes.fromhex(secret)) == 32
    assert key.secret_sha256 == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(key)
    assert key.secret_sha256 not in repr(key)
    assert (key.user_id, key.created_by, key.expires_at) == ("ann", "ada", AT + 90 * DAY)


def test_the_scopes_of_a_person_and_of_an_operator() -> None:
    person, _ = key_of()
    assert person.scopes == PERSON_SCOPES == {Scope.PREDICT, Scope.FEEDBACK, Scope.READ}
    assert [scope for scope in Scope if not person.may(scope)] == ["events", "act_for", "operate"]
    operator, _ = key_of(scopes=OPERATOR_SCOPES)
    assert all(operator.may(scope) for scope in Scope)
    assert (person.is_operator, operator.is_operator) == (False, True)


@given(st.binary(min_size=48, max_size=48))
def test_whatever_the_randomness_the_key_is_let_in(drawn: bytes) -> None:
    key, text = new_key("ann", PERSON_SCOPES, AT, lambda size: drawn[-size:], by="ada")
    assert Keyring((key,)).authenticate(text, AT) is key


def test_keys_of_real_randomness_differ() -> None:
    keys = [new_key("ann", PERSON_SCOPES, AT, os.urandom, by="ada") for _ in range(100)]
    assert len({key.key_id for key, _ in keys}) == len({text[17:] for _, text in keys}) == 100


@given(st.data())
def test_a_text_with_another_letter_is_refused(data: st.DataObject) -> None:
    keys = [key_of(number=number) for number in range(3)]
    text = data.draw(st.sampled_from([text for _, text in keys]))
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters() | st.sampled_from("0123456789abcdefmlp_"))
    assume(letter != text[place])
    other = text[:place] + letter + text[place + 1 :]
    error = refused(Keyring(tuple(key for key, _ in keys)), other)
    assert error.cause in (KeyRefusal.MALFORMED, KeyRefusal.UNKNOWN)
    assert text[17:] not in str(error)


@given(st.text() | st.from_regex(r"mlp_[0-9a-z]{11,13}_[0-9a-f]{63,65}"))
def test_any_other_text_is_refused(text: str) -> None:
    assert refused(Keyring((key_of()[0],)), text).cause in ("malformed", "unknown")


@pytest.mark.parametrize("change", ["{}\n", " {}", "{}0", "Bearer {}"])
def test_what_is_not_of_the_form_is_malformed(change: str) -> None:
    key, text = key_of()
    error = refused(Keyring((key,)), change.format(text))
    assert error.cause is KeyRefusal.MALFORMED


def test_an_unknown_id_and_a_wrong_secret_get_the_same_answer() -> None:
    (ann, text), (bob, other) = key_of("ann", 0), key_of("bob", 1)
    keyring = Keyring((ann,))
    wrong_secret = refused(keyring, f"mlp_{ann.key_id}_{other[17:]}")
    nobody = refused(keyring, other)
    assert wrong_secret.cause is nobody.cause is KeyRefusal.UNKNOWN
    assert str(wrong_secret) == str(nobody)
    both = Keyring((ann, bob))
    assert both.authenticate(text, AT) is ann
    assert both.authenticate(other, AT) is bob


def test_the_hash_that_stands_for_nobody_lets_nobody_in() -> None:
    nothing = Keyring(())
    assert refused(nothing, f"mlp_{'0' * 12}_{'0' * 64}").cause is KeyRefusal.UNKNOWN


def test_a_key_ends_at_its_moment() -> None:
    key, text = key_of(lifetime=DAY)
    keyring = Keyring((key,))
    assert keyring.authenticate(text, AT + DAY - MOST) is key
    error = refused(keyring, text, AT + DAY)
    assert error.cause is KeyRefusal.EXPIRED
    assert "expired on 2026-05-03 12:00 UTC" in str(error)
    assert key.status(AT + DAY - MOST) is KeyStatus.ACTIVE
    assert key.status(AT + DAY) is KeyStatus.EXPIRED
    endless, its_text = key_of(lifetime=None)
    assert Keyring((endless,)).authenticate(its_text, AT + 9_999 * DAY) is endless


def test_a_revoked_key_is_refused_and_only_its_holder_learns_that() -> None:
    key, text = key_of(lifetime=DAY)
    revoked = replace(key, revoked_at=AT + SECOND, revoked_by="ada", revoked_reason="lost")
    keyring = Keyring((revoked,))
    error = refused(keyring, text)
    assert error.cause is KeyRefusal.REVOKED
    assert "was revoked on 2026-05-02" in str(error)
    assert "lost" not in str(error)
    assert refused(keyring, text[:-1] + "-").cause is KeyRefusal.MALFORMED
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert refused(keyring, wrong).cause is KeyRefusal.UNKNOWN
    assert revoked.status(AT + 2 * DAY) is KeyStatus.REVOKED


def test_a_key_is_found_by_its_id_for_a_session() -> None:
    key, _ = key_of(lifetime=DAY)
    keyring = Keyring((key, replace(key, key_id="a" * 12, revoked_at=AT)))
    assert keyring.active(key.key_id, AT) is key
    for key_id, now, cause in (
        ("b" * 12, AT, KeyRefusal.UNKNOWN),
        (key.key_id, AT + DAY, KeyRefusal.EXPIRED),
        ("a" * 12, AT, KeyRefusal.REVOKED),
    ):
        with pytest.raises(KeyRefused) as found:
            keyring.active(key_id, now)
        assert found.value.cause is cause


def test_after_a_rotation_both_work_until_the_overlap_ends() -> None:
    old, old_text = key_of(name="laptop", lifetime=30 * DAY)
    now = AT + 10 * DAY
    rotation = rotated(old, now, known_random(9), by="bob")
    keyring = Keyring((rotation.old, rotation.new))
    assert keyring.authenticate(old_text, now + DAY - MOST).key_id == old.key_id
    assert refused(keyring, old_text, now + DAY).cause is KeyRefusal.EXPIRED
    new = keyring.authenticate(rotation.text, now + 30 * DAY - MOST)
    assert refused(keyring, rotation.text, now + 30 * DAY).cause is KeyRefusal.EXPIRED
    assert (new.user_id, new.name, new.scopes) == ("ann", "laptop", old.scopes)
    assert (new.replaces, new.created_by, new.created_at) == (old.key_id, "bob", now)
    assert rotation.text not in repr(rotation)
    assert rotation.old == replace(old, expires_at=now + DAY)


@given(st.integers(0, 60), st.integers(0, 59))
def test_the_old_key_never_lives_longer_than_it_would_have(hours: int, day: int) -> None:
    key, _ = key_of(lifetime=60 * DAY)
    now, overlap = AT + day * DAY, timedelta(hours=hours)
    old = rotated(key, now, os.urandom, by="ada", overlap=overlap).old
    assert old.expires_at == min(key.expires_at, now + overlap)


def test_a_key_without_an_end_is_rotated_to_one_without_an_end() -> None:
    key, _ = key_of(lifetime=None)
    rotation = rotated(key, AT, os.urandom, by="ada", overlap=DAY)
    assert (rotation.old.expires_at, rotation.new.expires_at) == (AT + DAY, None)


def expired(key: ApiKey) -> ApiKey:
    return replace(key, expires_at=AT)


def revoked(key: ApiKey) -> ApiKey:
    return replace(key, revoked_at=AT)


@pytest.mark.parametrize("change", [expired, revoked])
def test_only_an_active_key_is_rotated(change) -> None:
    key = change(key_of()[0])
    with pytest.raises(UsageError, match=f"is {change.__name__}; only an active one"):
        rotated(key, AT, os.urandom, by="ada")


def test_an_overlap_is_not_negative() -> None:
    with pytest.raises(UsageError, match="negative"):
        rotated(key_of()[0], AT, os.urandom, by="ada", overlap=-SECOND)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"user": " "}, "user id of a key is empty"),
        ({"user": "a\nb"}, "control characters"),
        ({"user": "a" * 201}, "has 201 characters"),
        ({"name": "\x1b[31m"}, "control characters"),
        ({"scopes": ()}, "may do nothing"),
        ({"lifetime": timedelta(0)}, "has expired already"),
    ],
)
def test_what_cannot_be_a_key_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        key_of(**fields)
