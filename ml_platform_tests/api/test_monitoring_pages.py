"""The pages of monitoring: Evidently's beside a window, the trend, and incidents with their forms."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from ml_platform.application.incidents import follow_report, list_incidents
from ml_platform.monitoring.report import Performance, Severity
from ml_platform_tests.api.page_service import FOREIGN, HOSTILE, OWN
from ml_platform_tests.application.homes import ask, promotable
from ml_platform_tests.retraining.reports import report


def test_evidentlys_page_is_beside_that_of_its_window_and_apart_from_the_service(service):
    folder = service.platform.settings.reports / "example"

    async def visit():
        async with service.signed_in() as client:
            for window, names in (
                ("2026-05-01T0000", ("monitoring", "evidently")),
                ("2026-05-02T0000", ("monitoring",)),
            ):
                (folder / window).mkdir(parents=True)
                for name in names:
                    (folder / window / f"{name}.html").write_text(f"<main>{name} of {window}")
            older = (await client.get("/models/example/monitoring/2026-05-01T0000")).text
            assert 'href="/models/example/drift/2026-05-01T0000"' in older
            newest = (await client.get("/models/example/monitoring")).text
            assert "monitoring of 2026-05-02" in newest
            assert "/drift" not in newest
            drawn = await client.get("/models/example/drift/2026-05-01T0000")
            assert drawn.text == "<main>evidently of 2026-05-01T0000"
            assert drawn.headers["content-security-policy"].startswith("sandbox allow-scripts;")
            assert "allow-same-origin" not in drawn.headers["content-security-policy"]
            assert (await client.get("/models/example/drift")).text == drawn.text
            for path in (
                "example/drift/2026-05-02T0000",
                "example/drift/*",
                "x/drift",
                "..%2fexample/drift",
            ):
                assert (await client.get(f"/models/{path}")).status_code == 404
        async with service.client() as client:
            assert (await client.get("/models/example/drift")).status_code == 303

    asyncio.run(visit())


INCIDENT = "example:performance:20240601T1200Z"


def with_incident(service):
    """An open incident of a model that the service knows, with the words of somebody who wishes the page ill."""
    bad = report(performance=Performance.ALERT, model="example")
    service.platform.ledger.save_monitoring_report(bad)
    follow_report(service.platform, bad)


def test_the_trend_shows_windows_incidents_and_promotions(service):
    ask(service.platform, promotable(service.platform, b"one"))
    with_incident(service)

    async def visit():
        async with service.signed_in() as client:
            page = await client.get("/models/example/trend")
            assert page.status_code == 200
            assert '<svg class="sketch"' in page.text
            assert f'href="/incidents/{INCIDENT}"' in page.text
            assert 'href="/models/example/monitoring/2024-06-01T1200"' in page.text
            assert "<script" not in page.text
            assert " style=" not in page.text
            assert (await client.get("/models/nobody/trend")).status_code == 404
            assert 'href="/models/example/trend"' in (await client.get("/")).text

    asyncio.run(visit())


def test_an_incident_leads_to_those_of_other_models_with_its_cause(service):
    moved = report(Severity.MODERATE, model="example")
    for each in (moved, replace(moved, model="another_model")):
        service.platform.ledger.save_monitoring_report(each)
        follow_report(service.platform, each)
    first, second = (each.incident_id for each in list_incidents(service.platform).incidents)

    async def visit():
        async with service.signed_in() as client:
            for own, other in ((first, second), (second, first)):
                page = (await client.get(f"/incidents/{own}")).text
                assert "Other models have the same cause" in page
                assert f'href="/incidents/{other}"' in page
            listed = (await client.get("/api/ml/alerts")).json()
            assert listed["incidents"][0]["same_cause"] == [second]

    asyncio.run(visit())


def test_an_operator_acknowledges_and_silences_an_incident_on_its_page(service):
    with_incident(service)
    path = f"/incidents/{INCIDENT}"

    async def visit():
        async with service.signed_in() as client:
            page = await client.get(path)
            assert "<h1>Example: loss of performance</h1>" in page.text
            assert 'href="/runbooks/performance"' in page.text
            assert (await client.get("/runbooks/performance")).status_code == 200
            assert (await client.get("/runbooks/nothing")).status_code == 404
            said = await client.post(f"{path}/ack", data={"reason": HOSTILE}, headers=OWN)
            assert (said.status_code, said.headers["location"]) == (303, path)
            page = (await client.get(path)).text
            assert '<span class="chip unsure">ACKNOWLEDGED</span>' in page
            assert "Taken care of by ada since" in page
            assert "<script" not in page
            data = {"reason": "a release", "days": "3", "critical": "yes"}
            said = await client.post(f"{path}/silence", data=data, headers=OWN)
            assert said.status_code == 303
            assert "Messages are silent until" in (await client.get(path)).text
            assert (await client.get("/incidents/nothing")).status_code == 404

    asyncio.run(visit())
    (silence,) = list_incidents(service.platform).silences
    assert (silence.model, silence.kind, silence.by) == ("example", "performance", "ada")
    assert silence.until == service.platform.now() + timedelta(days=3)


@pytest.mark.parametrize(
    ("part", "data", "status"),
    [
        ("ack", {"reason": ""}, 422),
        ("ack", {"reason": "a" * 201}, 422),
        ("ack", {"reason": "a" * 9_000}, 413),
        ("silence", {"reason": "x", "days": "400"}, 422),
        ("silence", {"reason": "x", "days": HOSTILE}, 422),
        ("silence", {"days": "1"}, 422),
    ],
)
def test_a_form_that_cannot_be_used_says_why_and_changes_nothing(service, part, data, status):
    with_incident(service)

    async def visit():
        async with service.signed_in() as client:
            said = await client.post(f"/incidents/{INCIDENT}/{part}", data=data, headers=OWN)
            assert said.status_code == status
            assert said.text.count('role="alert"') == 1
            assert "<script" not in said.text
            gone = await client.post(f"/incidents/nothing/{part}", data=data, headers=OWN)
            assert gone.status_code in (404, status)

    asyncio.run(visit())
    listed = list_incidents(service.platform)
    assert [each.status for each in listed.incidents] == ["open"]
    assert listed.silences == ()


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_acknowledges_nothing(service, headers):
    with_incident(service)

    async def visit():
        async with service.signed_in() as client:
            for part in ("ack", "silence"):
                data = {"reason": "x", "days": "1"}
                said = await client.post(
                    f"/incidents/{INCIDENT}/{part}", data=data, headers=headers
                )
                assert said.status_code == 403
        async with service.client() as client:
            said = await client.post(f"/incidents/{INCIDENT}/ack", data=data, headers=OWN)
            assert said.headers["location"].startswith("/login")

    asyncio.run(visit())
    assert [each.status for each in list_incidents(service.platform).incidents] == ["open"]
