"""People are told when an incident opens and ends, not of each window; a receiver that is down gets it later."""

from datetime import timedelta

import pytest

from ml_platform.application.incidents import (
    acknowledge_incident,
    follow_missed_windows,
    follow_report,
    list_incidents,
    show_incident,
    silence_incidents,
)
from ml_platform.application.monitor import tell_report
from ml_platform.application.notify import deliver, notify
from ml_platform.application.retrain import request_trainings
from ml_platform.clock import WINDOW
from ml_platform.errors import UsageError
from ml_platform.monitoring.incidents.kinds import IncidentKind
from ml_platform.monitoring.report import Performance, Severity
from ml_platform_tests.application.homes import home, promotable
from ml_platform_tests.application.kept_homes import set_clock
from ml_platform_tests.conformance.test_receivers import receiver  # noqa: F401
from ml_platform_tests.retraining.reports import NOON, report

RED = report(Severity.SIGNIFICANT)


def watched(platform, reported):
    """What people are told once a report is kept, as the asset does it."""
    platform.ledger.save_monitoring_report(reported)
    return tell_report(platform, reported)


def test_a_message_that_did_not_arrive_is_no_failure_and_is_sent_once_its_receiver_is_back(
    tmp_path,
    receiver,  # noqa: F811
):
    platform = home(tmp_path, webhook="http://127.0.0.1:9/hook")
    told = watched(platform, RED)
    assert told.startswith("model: drift of features dwell (WARNING) (NOT DELIVERED: The message")
    again = home(tmp_path, platform.ledger, receiver.url)
    again.outbox = platform.outbox
    assert watched(again, RED) == "none"
    again.outbox.make_due()
    assert str(deliver(again)) == "1 messages sent"
    assert str(deliver(again)) == "0 messages sent"
    (body,) = receiver.bodies
    assert body["incident_id"] == "model:feature_drift:20240601T1200Z"
    assert body["message_id"] == "incident:model:feature_drift:20240601T1200Z:20240601T1200Z"
    assert body["level"] == "warning"
    assert body["text"].splitlines() == [
        "model: drift of features dwell (WARNING).",
        "- dwell: significant, distance 0.20, PSI 0.20",
        "Seen in one window from 2024-06-01 12:00 UTC to 2024-06-01 12:00 UTC.",
        "Runbook: docs/runbooks/feature_drift.md",
        "Show: ml-platform alerts show model:feature_drift:20240601T1200Z",
        'Take care of it: ml-platform alerts ack model:feature_drift:20240601T1200Z --reason "..."',
    ]


def test_an_address_that_cannot_be_is_no_failure_of_the_report(tmp_path):
    assert "is no http or https" in watched(home(tmp_path, webhook="ftp://x"), RED)


def test_thirty_days_of_one_cause_are_two_messages(tmp_path, receiver):  # noqa: F811
    platform = home(tmp_path, webhook=receiver.url)
    for number in range(116):
        watched(platform, report(Severity.SIGNIFICANT, hours=6 * number))
    for number in range(116, 120):
        watched(platform, report(hours=6 * number))
    subjects = [body["subject"] for body in receiver.bodies]
    assert subjects == [
        "model: drift of features dwell (WARNING)",
        "model: drift of features dwell is over",
    ]
    assert receiver.bodies[1]["level"] == "info"


def test_a_green_report_tells_nobody(tmp_path, receiver):  # noqa: F811
    assert watched(home(tmp_path, webhook=receiver.url), report()) == "none"
    assert receiver.bodies == []


def test_a_report_on_an_older_window_changes_no_incident(tmp_path):
    platform = home(tmp_path)
    watched(platform, report(hours=6))
    assert watched(platform, RED) == "none"
    assert list_incidents(platform).incidents == ()


def test_what_was_not_told_since_the_process_was_killed_is_told_by_the_next_look(
    tmp_path,
    receiver,  # noqa: F811
):
    platform = home(tmp_path, webhook=receiver.url)
    platform.ledger.save_monitoring_report(RED)
    assert len(follow_report(platform, RED)) == 1
    assert notify(platform) == "1 messages sent"
    assert notify(platform) == "0 messages sent"


def test_missed_windows_are_one_incident_until_a_report_comes(tmp_path):
    platform = home(tmp_path)
    watched(platform, report())
    ends = [NOON + number * WINDOW for number in range(5)]
    assert follow_missed_windows(platform, "model", ends[:1]) == ()
    for number in range(1, 5):
        follow_missed_windows(platform, "model", ends[: number + 1])
        follow_missed_windows(platform, "model", ends[: number + 1])
    (incident,) = list_incidents(platform).incidents
    assert (incident.kind, incident.severity, incident.windows) == ("missed_run", "critical", 4)
    assert incident.words == ("no report of model on 4 windows, the first to 2024-06-01T18:00Z",)
    assert "missed monitoring run is over" in watched(platform, report(hours=24))


def test_an_incident_is_listed_shown_and_acknowledged(tmp_path):
    platform = home(tmp_path)
    watched(platform, report(performance=Performance.ALERT))
    watched(platform, report(performance=Performance.ALERT, model="other"))
    (incident,) = list_incidents(platform, "model").incidents
    assert (incident.status, incident.severity) == ("open", "critical")
    taken = acknowledge_incident(platform, incident.incident_id, by="ada", reason="the new team")
    assert (taken.status, taken.acknowledged_because) == ("acknowledged", "the new team")
    for number in range(1, 5):
        watched(platform, report(hours=6 * number))
    assert list_incidents(platform, "model").incidents == ()
    (over,) = list_incidents(platform, "model", resolved=True).incidents
    assert over.status == "resolved"
    happened = [event.happening.value for event in show_incident(platform, over.incident_id).events]
    assert happened == ["opened", "acknowledged", "quiet", "quiet", "quiet", "resolved"]
    with pytest.raises(UsageError, match="There is no incident 'x'"):
        show_incident(platform, "x")


def test_a_silence_is_listed_and_holds_messages_back(tmp_path, receiver):  # noqa: F811
    platform = home(tmp_path, webhook=receiver.url)
    kind, until = IncidentKind.FEATURE_DRIFT, platform.now() + timedelta(days=1)
    said = silence_incidents(platform, "*", kind, until, by="ada", reason="a move")
    assert list_incidents(platform, "model").silences == (said,)
    assert watched(platform, RED) == "none"
    (incident,) = list_incidents(platform).incidents
    assert incident.silenced_until == until


def test_a_shown_incident_says_when_it_began_to_change(tmp_path):
    from dataclasses import replace

    platform = home(tmp_path)
    for number in range(60):
        size = 0.02 + 0.3 * min(max(number - 29, 0) / 28, 1)
        severity = Severity.MODERATE if size > 0.1 else Severity.NONE
        seen = report(severity, hours=6 * number)
        seen = replace(seen, features=(replace(seen.features[0], size=size),))
        watched(platform, seen)
    (incident,) = list_incidents(platform).incidents
    began = show_incident(platform, incident.incident_id).began
    assert began.window_end == NOON + 30 * WINDOW
    assert incident.first_seen == NOON + 37 * WINDOW
    assert began.change == pytest.approx(0.3)


def test_a_cause_that_goes_on_after_a_training_is_handed_over_and_told_once(
    tmp_path,
    receiver,  # noqa: F811
):
    platform = home(tmp_path, webhook=receiver.url)
    asked = []
    for number in range(120):
        at = NOON + number * WINDOW
        set_clock(platform, at)
        bad = report(performance=Performance.ALERT, hours=6 * number, model="example")
        watched(platform, bad)
        for request in request_trainings(platform, "example"):
            asked.append(request)
            promotable(platform, b"again", registered_at=at)
    assert len(asked) == 1
    subjects = [body["subject"] for body in receiver.bodies]
    assert subjects == [
        "example: loss of performance accuracy (CRITICAL)",
        "example: loss of performance accuracy goes on after a retraining (CRITICAL)",
    ]
    assert (
        "version 1 was trained since then, and the loss goes on: a person has to look"
        in (receiver.bodies[1]["text"])
    )
    (incident,) = list_incidents(platform, "example").incidents
    assert incident.status == "a person has to look"
