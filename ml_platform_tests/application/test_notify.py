"""People are told of what happens to versions, at least once, whoever of the receivers is down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.application.notify import deliver, notify, tell_events
from ml_platform.registry.records import Action
from ml_platform.reporting.messages import message_of_event
from ml_platform_tests.application.homes import ask, home, promotable
from ml_platform_tests.conformance.test_receivers import Receiver, receiver  # noqa: F401


@pytest.fixture
def platform(tmp_path, receiver: Receiver):  # noqa: F811
    platform = home(tmp_path, webhook=receiver.url)
    ask(platform, promotable(platform, b"1"))
    return platform


def test_a_promotion_is_told_once_with_gates_and_the_way_back(platform, receiver):  # noqa: F811
    assert notify(platform) == "1 messages sent"
    assert notify(platform) == "0 messages sent"
    (body,) = receiver.bodies
    assert body["subject"] == "example 1 is in production"
    assert (body["model"], body["version"], body["action"]) == ("example", "1", "promoted")
    lines = body["text"].splitlines()
    assert lines[0].startswith("example 1 is in production, by champion asset, ")
    assert "Verdict PROMOTE: every gate passes" in lines
    assert any(line.startswith("- ") and line.endswith(": PASS") for line in lines)
    assert lines[-1] == 'Go back: ml-platform models rollback example --reason "..."'


def test_a_receiver_that_fails_holds_up_no_other_and_gets_its_messages_later(
    platform,
    receiver,  # noqa: F811
):
    platform.settings = replace(platform.settings, notify=("json://127.0.0.1:9",))
    deliveries = notify(platform)
    assert deliveries.startswith("1 messages sent; json 1: The message event:")
    assert len(receiver.bodies) == 1
    (waiting,) = platform.outbox.undelivered()
    assert (waiting.receiver, waiting.messages) == ("json 1", 1)
    platform.settings = replace(platform.settings, notify=(receiver.url.replace("http:", "json:"),))
    assert deliver(platform).sent == 0, "it has a pause"
    platform.outbox.make_due()
    assert deliver(platform).sent == 1
    assert platform.outbox.undelivered() == ()


def test_an_event_that_was_about_to_be_told_is_told_after_a_kill(platform, receiver, monkeypatch):  # noqa: F811
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(platform.ledger, "set_state", killed)
        with pytest.raises(KeyboardInterrupt):
            tell_events(platform)
    assert notify(platform) == "1 messages sent"
    assert len(receiver.bodies) == 1


def test_history_is_not_told_to_receivers_that_come_later(platform, receiver):  # noqa: F811
    day = timedelta(days=2)
    old = [
        replace(event, recorded_at=datetime.now(UTC) - day) for event in platform.ledger.events()
    ]
    platform.ledger.events = lambda model=None: tuple(old)
    assert notify(platform) == "0 messages sent"


def test_without_receivers_the_log_is_told(tmp_path, caplog):
    caplog.set_level("INFO")
    platform = home(tmp_path)
    ask(platform, promotable(platform, b"1"))
    assert notify(platform) == "0 messages sent"
    assert "example 1 is in production" in caplog.text
    assert platform.outbox.undelivered() == ()


def test_a_registration_tells_nobody(platform):
    events = {event.action: event for event in platform.ledger.events()}
    assert message_of_event(events[Action.REGISTERED], None) is None


def test_a_rollback_is_critical_and_says_how_to_lift_it(platform):
    promoted = platform.ledger.events()[-1]
    evidence = {"from": "production", "to": "rules", "reason": "too slow"}
    event = replace(promoted, action=Action.ROLLED_BACK, evidence=evidence)
    message = message_of_event(event, None)
    assert message.level == "critical"
    lines = message.text.splitlines()
    assert {"reason: too slow", "from: production", "to: rules"} <= set(lines)
    assert lines[-1] == 'Lift: ml-platform models resume example 1 --reason "..."'
