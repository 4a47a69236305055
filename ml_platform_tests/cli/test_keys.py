"""`ml-platform keys` on a real ledger: the text is shown once and lets its holder in until the key ends."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ml_platform.adapters.in_memory.ledger import InMemoryLedger
from ml_platform.adapters.ledger.postgres import PostgresLedger
from ml_platform.application.connections import Connections
from ml_platform.application.forgotten_people import key_check
from ml_platform.cli.main import cli
from ml_platform.errors import UsageError
from ml_platform.events.forgotten import tombstone
from ml_platform.events.sources.pseudonym import pseudonym
from ml_platform.home import SourceChoice, user_key, write_home
from ml_platform.retention.forgotten import ForgottenPerson
from ml_platform.serving.keys import KeyRefused, Keyring
from ml_platform_tests.application.homes import home

DAY = timedelta(days=1)


@pytest.fixture(params=["memory", "postgres"])
def platform(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A home for which nothing is started."""
    ledger: InMemoryLedger | PostgresLedger = InMemoryLedger()
    if request.param == "postgres":
        ledger = PostgresLedger(request.getfixturevalue("database_url"))
    monkeypatch.setenv("ML_PLATFORM_HOME", str(tmp_path))

    @contextmanager
    def running(*_: object, tracking: bool):
        yield

    monkeypatch.setattr("ml_platform.adapters.services.services", running)
    monkeypatch.setattr(Connections, "ledger", ledger)
    yield home(tmp_path, ledger)
    if isinstance(ledger, PostgresLedger):
        ledger.close()


only_memory = pytest.mark.parametrize("platform", ["memory"], indirect=True)


def call(*typed: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *typed], catch_exceptions=False)


def output_of(*typed: str) -> dict:
    return json.loads(call(*typed, "--json").stdout)


def lets_in(platform: Connections, text: str, after: timedelta = timedelta(0)) -> bool:
    try:
        Keyring(platform.ledger.api_keys()).authenticate(text, datetime.now(UTC) + after)
    except KeyRefused:
        return False
    return True


def test_from_the_first_key_to_its_end(platform: Connections) -> None:
    made = call("create", "--user", "ann", "--name", "laptop", "--actor", "ada")
    text = made.stdout.strip()
    assert lets_in(platform, text)
    assert lets_in(platform, text, 90 * DAY - timedelta(minutes=1))
    assert not lets_in(platform, text, 90 * DAY)
    assert "not shown again" in made.stderr
    assert "predict, feedback, read" in made.stderr
    (key,) = platform.ledger.api_keys()
    assert (key.user_id, key.name, key.created_by) == ("ann", "laptop", "ada")

    new = call("rotate", key.key_id, "--actor", "bob").stdout.strip()
    assert lets_in(platform, text, DAY - timedelta(minutes=1))
    assert not lets_in(platform, text, DAY)
    assert lets_in(platform, new, 90 * DAY - timedelta(minutes=1))

    revoked = call("revoke", key.key_id, "--reason", "lost")
    assert "goes on working" in revoked.stdout
    assert not lets_in(platform, text)
    assert lets_in(platform, new)

    old, now = output_of("list")["keys"]
    assert (old["status"], old["revoked_reason"]) == ("revoked", "lost")
    assert (old["rotated_to"], old["rotated_at"]) == (now["key_id"], now["created_at"])
    assert (now["status"], now["replaces"], now["rotated_to"]) == ("active", old["key_id"], None)
    assert now["created_by"] == "bob"
    lines = call("list").stdout.splitlines()
    assert lines[0].startswith(f"{key.key_id}  revoked ann; laptop; predict, feedback, read; made ")
    assert lines[0].endswith(f"to {now['key_id']}")
    assert ": lost; rotated " in lines[0]
    assert lines[1].startswith(f"{now['key_id']}  active  ann; laptop; ")
    assert lines[1].endswith(f"from {key.key_id}")


def test_no_list_shows_a_secret_or_its_hash(platform: Connections) -> None:
    texts = [call("create", "--user", user).stdout.strip() for user in ("ann", "bob")]
    shown = call("list").stdout + call("list", "--json").stdout
    for key, text in zip(platform.ledger.api_keys(), texts, strict=True):
        assert key.key_id in shown
        assert text[17:] not in shown
        assert key.secret_sha256 not in shown


@only_memory
def test_json_has_the_text_once(platform: Connections) -> None:
    made = output_of("create", "--user", "ann", "--operator", "--days", "7")
    assert lets_in(platform, made["key"], 7 * DAY - timedelta(minutes=1))
    assert made["scopes"] == ["predict", "feedback", "events", "read", "act_for", "operate"]
    rotated = output_of("rotate", made["key_id"], "--overlap-hours", "0")
    assert lets_in(platform, rotated["key"])
    assert not lets_in(platform, made["key"])
    assert rotated["replaces"] == made["key_id"]
    assert output_of("revoke", rotated["key_id"], "--reason", "over")["status"] == "revoked"
    statuses = [key["status"] for key in output_of("list")["keys"]]
    assert statuses == ["expired", "revoked"]
    assert "every scope" in call("list").stdout


@only_memory
def test_scopes_are_those_that_were_asked_for(platform: Connections) -> None:
    made = output_of("create", "--user", "a-job", "--scope", "events", "--scope", "read")
    assert made["scopes"] == ["events", "read"]
    with pytest.raises(UsageError, match="--operator and --scope"):
        call("create", "--user", "ann", "--scope", "read", "--operator")
    assert call("create", "--user", "ann", "--scope", "everything").exit_code == 2
    assert call("create", "--user", "ann", "--days", "0").exit_code == 2
    assert call("create").exit_code == 2
    assert len(platform.ledger.api_keys()) == 1


@only_memory
def test_an_empty_list_says_how_to_begin(platform: Connections) -> None:
    assert "keys create --user USER" in call("list").stdout
    assert output_of("list") == {"keys": []}


@only_memory
def test_what_cannot_be_done_says_why(platform: Connections) -> None:
    for command in (["rotate", "nobody"], ["revoke", "nobody", "--reason", "x"]):
        with pytest.raises(UsageError, match="no key 'nobody'"):
            call(*command)
    key = output_of("create", "--user", "ann")["key_id"]
    with pytest.raises(UsageError, match="reason of a key is empty"):
        call("revoke", key, "--reason", " ")
    with pytest.raises(UsageError, match="control characters"):
        call("revoke", key, "--reason", "\x1b[2J")
    new = output_of("rotate", key)["key_id"]
    with pytest.raises(UsageError, match=f"rotated before.*keys rotate {new}"):
        call("rotate", key)
    call("revoke", new, "--reason", "lost")
    with pytest.raises(UsageError, match="is revoked already"):
        call("revoke", new, "--reason", "lost")
    with pytest.raises(UsageError, match="is revoked; only an active one"):
        call("rotate", new)
    assert len(platform.ledger.api_keys()) == 2


@only_memory
@pytest.mark.parametrize("source", ["git:/somewhere", "process-log:log.xes"])
def test_of_a_source_with_pseudonyms_the_address_will_do(
    platform: Connections, source: str
) -> None:
    write_home(platform.settings, replace(platform.home, source=SourceChoice(source)))
    hidden = pseudonym(user_key(platform.settings), "ann@example.org")
    assert output_of("create", "--user", "Ann@example.org")["user_id"] == hidden
    assert output_of("create", "--user", hidden)["user_id"] == hidden


@only_memory
def test_who_was_forgotten_gets_no_key(platform: Connections) -> None:
    key, now = user_key(platform.settings), datetime.now(UTC)
    person = ForgottenPerson(tombstone(key, "ann"), key_check(key), now, "ada", "", ())
    platform.ledger.begin_forgetting(person)
    with pytest.raises(UsageError, match="was forgotten"):
        call("create", "--user", "ann")
    assert platform.ledger.api_keys() == ()
    assert output_of("create", "--user", "bob")["user_id"] == "bob"
