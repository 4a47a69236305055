"""A session stands for its key until it ends; with any other letter it is refused."""

from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml_platform.serving.keys import KeyRefusal, KeyRefused
from ml_platform.serving.sessions import issue, read
from ml_platform_tests.serving.examples import AT

SECRET = bytes(range(32))
KEY_ID = "0123456789ab"
HOUR = timedelta(hours=1)
TEXT = issue(KEY_ID, AT + HOUR, SECRET)


def cause_of(text: str, now=AT, secret: bytes = SECRET) -> KeyRefusal:
    with pytest.raises(KeyRefused) as refused:
        read(text, now, secret)
    assert refused.value.cause is KeyRefusal.MALFORMED or text not in str(refused.value)
    return refused.value.cause


@given(
    st.from_regex(r"[0-9a-z]{12}", fullmatch=True),
    st.integers(1, 10**7),
    st.binary(min_size=32, max_size=32),
)
def test_a_session_is_read_until_it_ends(key_id: str, seconds: int, secret: bytes) -> None:
    until = AT + timedelta(seconds=seconds)
    text = issue(key_id, until, secret)
    assert read(text, until - timedelta(microseconds=1), secret) == key_id
    assert cause_of(text, until, secret) is KeyRefusal.EXPIRED


@given(st.integers(0, len(TEXT) - 1), st.characters() | st.sampled_from("0123456789abcdef.ABCDEF"))
def test_any_other_letter_is_refused(place: int, letter: str) -> None:
    assume(letter != TEXT[place])
    assert cause_of(TEXT[:place] + letter + TEXT[place + 1 :]) in ("malformed", "unknown")


@given(st.integers(0, len(TEXT) - 1))
def test_with_a_letter_less_or_more_it_is_refused(place: int) -> None:
    for text in (TEXT[:place] + TEXT[place + 1 :], TEXT[:place] + "0" + TEXT[place:]):
        assert cause_of(text) in ("malformed", "unknown")


@pytest.mark.parametrize("text", ["", TEXT + "\n", TEXT.upper(), "mlp_" + TEXT, TEXT * 2])
def test_what_is_not_of_the_form_is_malformed(text: str) -> None:
    assert cause_of(text) is KeyRefusal.MALFORMED


def test_the_secret_of_another_service_reads_nothing() -> None:
    assert cause_of(TEXT, secret=b"x" * 32) is KeyRefusal.UNKNOWN


def test_whether_it_has_ended_learns_only_who_has_one() -> None:
    assert cause_of(TEXT[:-1] + "-", AT + 2 * HOUR) is KeyRefusal.MALFORMED
    other = TEXT[:-1] + ("0" if TEXT[-1] != "0" else "1")
    assert cause_of(other, AT + 2 * HOUR) is KeyRefusal.UNKNOWN


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 33])
def test_a_secret_of_another_length_is_a_fault_of_the_program(secret: bytes) -> None:
    with pytest.raises(ValueError, match="it must have 32"):
        issue(KEY_ID, AT, secret)
    with pytest.raises(ValueError, match="it must have 32"):
        read(TEXT, AT, secret)


@pytest.mark.parametrize("key_id", ["", "short", "0123456789AB", "a.b"])
def test_only_an_id_of_a_key_gets_a_session(key_id: str) -> None:
    with pytest.raises(ValueError, match="no session can be issued"):
        issue(key_id, AT, SECRET)
