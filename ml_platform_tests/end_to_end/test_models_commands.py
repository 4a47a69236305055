"""`ml-platform models` as a person types it, on a home with versions for which no model was trained."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.home_files import at_work
from ml_platform.adapters.outbox import PostgresOutbox
from ml_platform.adapters.services import services
from ml_platform.application.connections import Connections
from ml_platform.application.state_keys import rules_key
from ml_platform.gates.outcome import Verdict
from ml_platform.registry.records import Action
from ml_platform.reporting.messages import Message
from ml_platform_tests.application.homes import home, promotable
from ml_platform_tests.end_to_end.command import COMMAND, environment, in_process
from ml_platform_tests.end_to_end.command import told as told_by_process
from ml_platform_tests.registry.examples import AT, permit_for
from ml_platform_tests.serving.planted_answers import answer, plant, shadow

MODEL = "example"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connections]:
    """A home whose database runs; MLflow is not there, and whoever asks for it gets nothing."""
    folder = tmp_path_factory.mktemp("home")
    made = home(folder)
    made.settings = replace(made.settings, tracking_url="http://127.0.0.1:9")
    with services(made.settings, tracking=False):
        del made.ledger
        yield made
        made.ledger.close()


@pytest.fixture
def two_champions(platform: Connections) -> int:
    """Two versions more, which were promoted one after the other; the number of the second."""
    for content in (os.urandom(8), os.urandom(8)):
        record = promotable(platform, content)
        revision = platform.ledger.production(MODEL).revision
        platform.ledger.promote(
            MODEL,
            record.version,
            expected_revision=revision,
            permit=permit_for(record),
            at=AT,
            actor="test",
        )
    return record.version


def call(platform: Connections, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and error of `ml-platform models`."""
    ended = in_process(platform.settings.home, "models", *arguments)
    assert ended.code == code, ended.err
    return ended.out, ended.err


def told(platform: Connections, *arguments: str) -> Any:
    return json.loads(call(platform, *arguments, "--json")[0])


def test_a_rollback_waits_for_no_training_and_needs_no_mlflow(
    platform: Connections, two_champions: int
) -> None:
    with at_work(platform.settings.home):
        began = time.monotonic()
        why = ("--reason", "answers are wrong", "--actor", "ada")
        arguments = ("models", "rollback", MODEL, *why)
        done = told_by_process(platform.settings.home, *arguments, fresh=True)
        assert time.monotonic() - began < 20, "it takes .8 s; whoever waits for the lock never ends"
    assert (done["left"], done["answers"]) == (two_champions, f"version {two_champions - 1}")
    event = platform.ledger.events(MODEL)[-1]
    assert (event.action, event.actor, event.evidence["reason"]) == (
        Action.RESTORED,
        "ada",
        "answers are wrong",
    )


def test_what_a_person_says_is_kept_with_name_and_reason(
    platform: Connections, two_champions: int
) -> None:
    number = str(two_champions)
    call(platform, "rollback", MODEL, "--reason", "answers are wrong")
    resumed = told(platform, "resume", MODEL, number, "--reason", "it was the network")
    assert (resumed["status"], len(resumed["events"])) == ("archived", 1)
    assert told(platform, "hold", MODEL, number, "--reason", "wait")["status"] == "held"
    out, _ = call(platform, "history", MODEL)
    assert "by test: every gate passes" in out
    assert f"to {two_champions - 1}; answers are wrong" in out
    events = told(platform, "history", MODEL)["events"]
    assert [event["action"] for event in events[-3:]] == ["restored", "resumed", "held"]
    _, error = call(platform, "approve", MODEL, number, "--reason", "good", code=2)
    assert error.startswith(f"ml-platform: Example {number} is held; approved may only be")
    assert error.count("\n") == 1


def test_what_was_in_production_at_a_moment_and_what_has_changed_since(
    platform: Connections, two_champions: int
) -> None:
    second = platform.ledger.events(MODEL)[-1]
    call(platform, "rollback", MODEL, "--reason", "answers are wrong")
    then = told(platform, "at", MODEL, second.wall.isoformat())
    assert then["champion"]["version"] == two_champions
    assert then["champion"]["why"]["artifact_sha256"] == second.evidence["artifact_sha256"]
    diff = told(platform, "diff", MODEL, second.wall.isoformat(), "2100-01-01")
    assert [event["action"] for event in diff["between"]] == ["rolled_back", "restored"]
    out, _ = call(platform, "diff", MODEL, second.wall.isoformat(), "2100-01-01")
    assert out.startswith(f"{MODEL}: version {two_champions} -> version {two_champions - 1}")


def test_a_stranger_is_told_what_is_in_production_since_when_why_and_how_to_go_back(
    platform: Connections, two_champions: int
) -> None:
    out, _ = call(platform, "show", MODEL, str(two_champions))
    lines = out.splitlines()
    promoted = platform.ledger.events(MODEL)[-1]
    since = f"since {promoted.wall:%Y-%m-%d %H:%M} UTC, by {promoted.actor}"
    assert lines[0] == f"{MODEL}: version {two_champions} {since}"
    assert lines[1].startswith("  why: every gate passes (report ")
    assert lines[2] == f"  way back: version {two_champions - 1} answers again"
    option = f"--home {platform.settings.home}"
    assert lines[3].strip() == f"ml-platform models rollback {MODEL} --reason WHY {option}"
    assert f"{promoted.wall:%H:%M:%S} UTC  version" in lines[-1]
    assert told(platform, "show", MODEL)["state"]["in_production"] == two_champions


def test_a_model_whose_version_was_rolled_back_is_not_listed_as_if_the_rules_had_its_figures(
    platform: Connections,
) -> None:
    name = "pattern_classifier"
    record = promotable(platform, b"listed", model=name)
    platform.ledger.promote(
        name, 1, expected_revision=0, permit=permit_for(record), at=AT, actor="test"
    )
    platform.ledger.set_state(rules_key(name), {"sha256": "a" * 64})
    assert told(platform, "list")["models"][name]["answers"] == "version 1"
    call(platform, "rollback", name, "--reason", "answers are wrong")
    (row,) = [line for line in call(platform, "list")[0].splitlines() if line.startswith(name)]
    assert row.split(maxsplit=1)[1].startswith("the rules (version 1 rolled back, held)")
    assert " version 1 -  rules -  ceiling -  PROMOTE (every gate passes)" in row
    lift = f"ml-platform models resume {name} 1 --reason WHY --home {platform.settings.home}"
    assert lift in call(platform, "show", name)[0]
    _, err = call(platform, "resume", name, "1", "--reason", "WHY", code=2)
    assert "write in place of WHY why it is done" in err
    lifted = call(platform, "resume", name, "1", "--reason", "it was the network")[0].splitlines()
    assert lifted[0] == f"{name} 1: archived (no longer held)"
    assert lifted[1] == "The rules go on answering until:"
    back = f"ml-platform models rollback {name} --to 1 --reason WHY"
    assert lifted[2].strip() == f"{back} --home {platform.settings.home}"
    assert told(platform, "list")["models"][name]["answers"] == "the rules (version 1 rolled back)"
    call(platform, "rollback", name, "--to", "1", "--reason", "it was well")
    assert told(platform, "list")["models"][name]["answers"] == "version 1"
    shown = call(platform, "show", name)[0]
    assert "why: brought back by a rollback (it was well); promoted 20" in shown


def test_of_a_version_that_is_held_by_its_gates_show_says_what_that_means(
    platform: Connections,
) -> None:
    name = "suggestion_scorer"
    record = promotable(platform, b"unclear", model=name)
    unclear = replace(record.decision, verdict=Verdict.HOLD, row="not shown either way")
    platform.ledger.register(replace(record, decision=unclear))
    out, _ = call(platform, "show", name)
    assert "way back: nothing to go back to" in out
    assert "  HOLD: the data do not show that it is better than its limits, nor that it is" in out
    assert "it is kept as a version but not promoted: production stays as it is." in out
    assert f"ml-platform why {name} --home {platform.settings.home}" in out


def test_what_a_version_in_shadow_would_have_said(
    platform: Connections, two_champions: int
) -> None:
    _, error = call(platform, "shadow", MODEL, code=2)
    assert error.startswith("ml-platform: No version of example has answered in shadow in the last")
    assert error.count("\n") == 1
    served = [answer(datetime.now(UTC), f"user {number}") for number in range(8)]
    plant(platform.urls.ml_platform, [*served, *(shadow(row, prediction="b") for row in served)])
    found = told(platform, "shadow", MODEL, "--days", "1")
    assert (found["pairs"], found["agreement"]["value"]) == (8, 0.0)
    out, _ = call(platform, "shadow", MODEL)
    assert "a -> b" in out


def test_how_versions_reach_their_users_is_shown_and_set(platform: Connections) -> None:
    def policy(*arguments: str) -> Any:
        ended = in_process(platform.settings.home, "policy", "rollout", *arguments)
        return ended.out or ended.err

    assert policy().startswith("direct, without a person's approval; a newer candidate waits")
    told = policy("ramp", "--approval", "--newer", "supersedes")
    assert told.startswith("ramp, after a person's approval; a newer candidate supersedes")
    assert "step 2: 10% of the users, at least 400 answers and 24 hours" in told
    assert json.loads(policy("--json"))["needs_approval"] is True
    assert "There is no rollout policy 'fast'" in policy("fast")
    assert policy("direct").startswith("direct, without a person's approval")


def test_messages_that_nobody_has_taken_stand_in_the_status(platform: Connections) -> None:
    def status(*how: str) -> str:
        ended = in_process(platform.settings.home, "status", *how)
        assert ended.code == 0, ended.err
        return ended.out

    assert "undelivered" not in status()
    assert json.loads(status("--json"))["undelivered"] == []
    outbox, now = PostgresOutbox(platform.urls.ml_platform), datetime(2026, 5, 1, 12, tzinfo=UTC)
    for number in (1, 2):
        message = Message(f"event:{number}", "info", "example 1", "text", now, {})
        outbox.add(message, ("webhook",), now)
    taken = outbox.take(("webhook",), now)
    assert taken is not None
    outbox.failed(taken, "HTTP 500\nfrom the proxy", now)
    error = "HTTP 500 from the proxy"
    since = now.isoformat()
    assert f"  undelivered: 2 to webhook since {since}; last error: {error}\n" in status()
    assert json.loads(status("--json"))["undelivered"] == [
        {"receiver": "webhook", "messages": 2, "since": since, "last_error": error}
    ]
    outbox.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rollback", "none", "--reason", "x"), "Nothing has happened to 'none'"),
        (("rollback", MODEL), "Missing option '--reason'"),
        (("rollback", MODEL, "--reason", "x", "--to", "99"), "cannot go back to 99"),
        (("hold", MODEL, "99", "--reason", "x"), "has no version 99"),
        (("show", "none"), "Nothing has happened to 'none'"),
        (("at", MODEL, "yesterday"), "'yesterday' is not a time"),
        (("diff", MODEL, "2026-05-02", "2026-05-01"), "comes after"),
        (("promote", MODEL, "--skip-step", "--reason", "x"), "is being rolled out"),
        (("promote", MODEL, "--skip-step"), "The reason of a change is empty"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    platform: Connections, two_champions: int, arguments: tuple[str, ...], words: str
) -> None:
    before = platform.ledger.stored_events()
    _, error = call(platform, *arguments, code=2)
    assert words in error
    assert error.strip().count("\n") == 0
    assert platform.ledger.stored_events() == before


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "is silent"])
def test_a_database_that_is_down_is_one_line_within_ten_seconds(
    tmp_path: Path, listens: bool
) -> None:
    home(tmp_path)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()
        url = f"postgresql://nobody:secret@127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, COMMAND, "models", "rollback", MODEL, "--reason", "x"],
            capture_output=True,
            text=True,
            env={
                **environment(),
                "ML_PLATFORM_DATABASE_URL": url,
                "ML_PLATFORM_HOME": str(tmp_path),
            },
            timeout=60,
        )
    assert time.monotonic() - began < 14, (
        "10 s, and what the command itself takes on a busy machine"
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("ml-platform: PostgreSQL at postgresql+psycopg2://nobody:***@")
    assert ended.stderr.count("\n") == 1
