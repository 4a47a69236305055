"""Routes to incidents: lists, details, and what is not there."""

from collections.abc import Callable
from datetime import timedelta

from ml_platform.api.alert_action_routes import SILENCES
from ml_platform.application.incidents import follow_report
from ml_platform.monitoring.report import Performance
from ml_platform_tests.api.routes.small_service import SmallHome, SmallService, Story
from ml_platform_tests.retraining.reports import report

Run = Callable[[Story], None]
INCIDENT = "example:performance:20240601T1200Z"


def test_incidents_are_listed_and_shown(small: SmallHome, run: Run) -> None:
    bad = report(performance=Performance.ALERT, model="example")
    small.platform.ledger.save_monitoring_report(bad)
    follow_report(small.platform, bad)

    async def story(service: SmallService) -> None:
        key = small.person("ann")
        (listed,) = (await service.get("/api/ml/alerts", key)).json()["incidents"]
        assert (listed["incident_id"], listed["severity"]) == (INCIDENT, "critical")
        assert (await service.get("/api/ml/alerts", key, model="nope")).status_code == 404
        of_another = await service.get("/api/ml/alerts", key, model="untrained")
        assert of_another.json()["incidents"] == []
        shown = (await service.get(f"/api/ml/alerts/{INCIDENT}", key)).json()
        assert [each["happening"] for each in shown["events"]] == ["opened"]
        assert shown["began"] is None
        missing = await service.get("/api/ml/alerts/example:performance:x", key)
        assert missing.status_code == 404
        assert missing.json()["detail"].startswith("There is no incident 'example:performance:x'.")

    run(story)


def opened(small: SmallHome) -> None:
    """An open incident of the model `example`."""
    bad = report(performance=Performance.ALERT, model="example")
    small.platform.ledger.save_monitoring_report(bad)
    follow_report(small.platform, bad)


def test_an_incident_is_acknowledged_once_however_often_that_is_said(
    small: SmallHome, run: Run
) -> None:
    opened(small)
    path, body = f"/api/ml/alerts/{INCIDENT}/ack", {"reason": "the new team"}

    async def story(service: SmallService) -> None:
        key = small.operator()
        for _ in range(2):
            said = await service.post(path, key, body)
            assert said.status_code == 200
            assert (said.json()["status"], said.json()["acknowledged_by"]) == (
                "acknowledged",
                "operator",
            )
        (await service.post(path, key, {"reason": "something else"})).raise_for_status()
        shown = (await service.get(f"/api/ml/alerts/{INCIDENT}", small.person("ann"))).json()
        happened = [each["happening"] for each in shown["events"]]
        assert happened == ["opened", "acknowledged", "acknowledged"]
        assert shown["incident"]["acknowledged_because"] == "something else"

    run(story)


def test_what_cannot_be_acknowledged_is_refused_by_its_kind(small: SmallHome, run: Run) -> None:
    opened(small)
    for hours in (6, 12, 18, 24):
        quiet = report(model="example", hours=hours)
        small.platform.ledger.save_monitoring_report(quiet)
        follow_report(small.platform, quiet)

    async def story(service: SmallService) -> None:
        key = small.operator()
        over = await service.post(f"/api/ml/alerts/{INCIDENT}/ack", key, {"reason": "late"})
        assert over.status_code == 409
        assert "is resolved since 2024-06-02T12:00Z" in over.json()["detail"]
        gone = await service.post("/api/ml/alerts/nope/ack", key, {"reason": "x"})
        assert gone.status_code == 404
        for body, status in (({"reason": ""}, 422), ({"reason": "a\nb"}, 422), ({}, 422)):
            given = await service.post(f"/api/ml/alerts/{INCIDENT}/ack", key, body)
            assert given.status_code == status

    run(story)


def test_incidents_are_silenced_once_and_bad_ends_are_refused(small: SmallHome, run: Run) -> None:
    end = (small.platform.now() + timedelta(days=2)).isoformat()
    body = {"model": "example", "kind": "feature_drift", "until": end, "reason": "a release"}

    async def story(service: SmallService) -> None:
        key = small.operator()
        ids = {(await service.post(SILENCES, key, body)).json()["silence_id"] for _ in range(2)}
        assert len(ids) == 1
        (listed,) = (await service.get("/api/ml/alerts", key)).json()["silences"]
        assert (listed["model"], listed["kind"], listed["by"]) == (
            "example",
            "feature_drift",
            "operator",
        )
        for changed, status in (
            ({"model": "nope"}, 404),
            ({"until": "2001-01-01T00:00:00Z"}, 422),
            ({"until": end[:19]}, 422),
            ({"kind": "nope"}, 422),
            ({"hides_critical": True}, 422),
            ({"reason": ""}, 422),
            ({"other": 1}, 422),
        ):
            given = await service.post(SILENCES, key, {**body, **changed})
            assert (changed, given.status_code) == (changed, status)

    run(story)
