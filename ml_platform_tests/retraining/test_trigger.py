from datetime import timedelta

from ml_platform.monitoring.report import MonitoringReport, Performance, Severity
from ml_platform.retraining.trigger import (
    RetrainingPolicy,
    RetrainingRequest,
    Training,
    retraining_due,
)
from ml_platform_tests.retraining.reports import NOON, report

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def alert(hours: float, **names: str) -> MonitoringReport:
    return report(performance=Performance.ALERT, hours=hours, **names)


def trained(hours: float, model: str = "model") -> Training:
    return Training(model, "1", NOON + hours * HOUR)


def asked(
    reports: list[MonitoringReport], trainings: list[Training], hours: float
) -> tuple[RetrainingRequest, ...]:
    newest_first = sorted(reports, key=lambda entry: entry.window_end, reverse=True)
    return retraining_due(newest_first, trainings, now=NOON + hours * HOUR).requests


def test_the_key_names_model_version_window_and_cause() -> None:
    (request,) = asked([alert(0)], [], 1)
    assert request.run_key == "model:1:20240601T120000Z:performance-alert"
    mixed = report(Severity.MODERATE, Performance.WARN)
    (request,) = asked([mixed], [], 1)
    assert request.run_key == "model:1:20240601T120000Z:moderate-drift-performance-warning"


def test_one_cause_gives_one_run_however_often_it_is_reported() -> None:
    reports = [report(hours=-6)]
    keys = set()
    for hours in (0, 6, 12, 18):
        reports.append(alert(hours))
        keys |= {request.run_key for request in asked(reports, [], hours + 1)}
    assert keys == {"model:1:20240601T120000Z:performance-alert"}


def test_nothing_is_asked_within_the_cooldown_of_a_training() -> None:
    reports = [alert(hours) for hours in (0, 6, 12, 18, 24)]
    assert asked(reports, [trained(1)], 24.5) == ()
    # reports that ended before the cooldown did were answered by that training
    assert asked(reports, [trained(1)], 26) == ()


def test_the_cooldown_ends_a_day_after_the_training_to_the_second() -> None:
    reports = [alert(hours) for hours in (0, 6, 12, 18, 24)]
    second = 1 / 3600
    assert asked(reports, [trained(0)], 24 - second) == ()
    (request,) = asked(reports, [trained(0)], 24)
    assert request.window == NOON + DAY  # the report that ended with the cooldown is not answered
    assert asked(reports[:-1], [trained(0)], 24) == ()


def test_an_old_model_is_left_alone_within_the_cooldown_too() -> None:
    policy = RetrainingPolicy(maximum_age=HOUR, cooldown=DAY)
    requests = retraining_due([], [trained(0)], now=NOON + 2 * HOUR, policy=policy).requests
    assert requests == ()


def test_a_report_that_ends_now_counts() -> None:
    (request,) = asked([alert(6)], [], 6)
    assert request.window == NOON + 6 * HOUR


def test_a_cause_begins_where_another_cause_ended() -> None:
    mixed = report(Severity.MODERATE, Performance.WARN, hours=6)
    (request,) = asked([alert(0), mixed, alert(12)], [], 13)
    assert request.window == NOON + 12 * HOUR
    back = [alert(0), alert(6, version="2"), alert(12)]
    (request,) = asked(back, [], 13)
    assert (request.version, request.window) == ("1", NOON + 12 * HOUR)


def test_the_same_cause_later_fires_again() -> None:
    reports = [alert(hours) for hours in (0, 6, 12, 18, 24, 30)]
    (first,) = asked(reports[:1], [], 1)
    (second,) = asked(reports, [trained(1)], 31)
    assert first.cause == second.cause
    assert second.run_key == "model:1:20240602T180000Z:performance-alert"
    calm = [report(hours=hours) for hours in range(36, 60, 6)]
    (third,) = asked([*reports, *calm, alert(60)], [trained(1), trained(31)], 61)
    assert third.window == NOON + 60 * HOUR


def test_a_run_that_failed_is_tried_again_once_a_cooldown() -> None:
    reports = [alert(hours) for hours in range(0, 54, 6)]
    windows = [asked(reports[: place + 1], [], 6 * place + 1)[0].window for place in range(9)]
    assert windows == [NOON] * 4 + [NOON + DAY] * 4 + [NOON + 2 * DAY]


def test_what_does_not_retrain_asks_for_nothing() -> None:
    quiet = [
        report(Severity.SIGNIFICANT, Performance.OK),
        report(Severity.SIGNIFICANT, Performance.UNKNOWN),
        report(Severity.NONE, Performance.WARN),
        report(Severity.MODERATE, Performance.OK),
        report(),
    ]
    for entry in quiet:
        assert asked([entry], [], 1) == ()
    assert asked([], [], 1) == ()
    assert asked([alert(0), report(hours=6)], [], 7) == ()  # it has passed


def test_age() -> None:
    start = -30 * 24.0
    assert asked([], [trained(start + 1)], 0) == ()
    (request,) = asked([report(hours=-6)], [trained(start)], 0)
    assert request.run_key == "model:1:20240601T120000Z:age"
    (same,) = asked([report(hours=0)], [trained(start)], 23)
    assert same == request
    (later,) = asked([report(hours=0)], [trained(start)], 24)  # it failed: again
    assert later.window == NOON + DAY
    assert asked([report(hours=0)], [trained(start), trained(1)], 24) == ()


def test_a_training_for_age_is_of_the_version_in_production() -> None:
    old = [trained(-30 * 24.0)]
    (request,) = asked([], old, 0)
    assert request.version == "1"  # without a report: the one that was trained
    (request,) = asked([report(hours=-6, version="3"), report(hours=-12, version="2")], old, 0)
    assert request.version == "3"
    assert request.window == NOON


def test_an_attempt_for_age_starts_when_the_age_was_reached() -> None:
    (request,) = asked([report(hours=0)], [trained(-30 * 24.0 - 5)], 0)
    assert request.window == NOON - 5 * HOUR


def test_attempts_for_age_are_counted_from_the_age_and_not_from_the_training() -> None:
    """Due after 36 hours, tried again every 24: at 36 and at 60, not at 48."""
    policy = RetrainingPolicy(maximum_age=36 * HOUR, cooldown=24 * HOUR)
    windows = []
    for hours in (35, 36, 59, 60):
        now = NOON + hours * HOUR
        requests = retraining_due([], [trained(0)], now=now, policy=policy).requests
        windows.append([request.window for request in requests])
    assert windows == [[], [NOON + 36 * HOUR], [NOON + 36 * HOUR], [NOON + 60 * HOUR]]


def test_a_report_goes_before_age() -> None:
    (request,) = asked([alert(0)], [trained(-40 * 24.0)], 1)
    assert request.cause == "performance alert"


def test_a_new_version_is_a_new_cause() -> None:
    reports = [alert(0), alert(6), alert(30, version="2"), alert(36, version="2")]
    (request,) = asked(reports, [trained(1)], 37)
    assert request.run_key == "model:2:20240602T180000Z:performance-alert"


def test_models_are_asked_for_one_by_one() -> None:
    reports = [alert(0, model="b"), alert(0, model="a"), report(model="c")]
    requests = asked(reports, [trained(-2, "b"), trained(-31 * 24, "c")], 1)
    assert [(request.model, request.cause) for request in requests] == [
        ("a", "performance alert"),
        ("c", "age"),
    ]


def test_reports_of_the_future_do_not_count() -> None:
    assert asked([alert(6)], [], 1) == ()
