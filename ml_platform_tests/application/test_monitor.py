"""Alerts are recorded, and wait for a receiver that is down; drawings show what the version learned from."""

from ml_platform.application.monitor import send_alert
from ml_platform.application.notify import deliver
from ml_platform.monitoring.report import Performance, Severity
from ml_platform_tests.application.homes import home
from ml_platform_tests.conformance.test_receivers import receiver  # noqa: F401
from ml_platform_tests.retraining.reports import report

RED = report(Severity.SIGNIFICANT, Performance.WARN)


def test_an_alert_that_did_not_arrive_is_no_failure_and_is_sent_once_its_receiver_is_back(
    tmp_path,
    receiver,  # noqa: F811
):
    platform = home(tmp_path, webhook="http://127.0.0.1:9/hook")
    told = send_alert(platform, RED)
    assert "NOT DELIVERED: The message alert:model:1:" in told
    assert told.startswith("model 1: drift significant")
    again = home(tmp_path, platform.ledger, receiver.url)
    again.outbox = platform.outbox
    assert "sent before" in send_alert(again, RED)
    again.outbox.make_due()
    assert str(deliver(again)) == "1 messages sent"
    assert str(deliver(again)) == "0 messages sent"
    assert len(receiver.bodies) == 1
    assert [kept.alert_id for kept in again.ledger.alerts("model")] == [
        receiver.bodies[0]["alert_id"]
    ]


def test_an_address_that_cannot_be_is_no_failure_of_the_report(tmp_path):
    assert "is no http or https" in send_alert(home(tmp_path, webhook="ftp://x"), RED)


def test_a_green_report_tells_nobody(tmp_path, receiver):  # noqa: F811
    assert send_alert(home(tmp_path, webhook=receiver.url), report()) == "none"
    assert receiver.bodies == []
