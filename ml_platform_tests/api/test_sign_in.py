"""Who sees the pages of the service: sign-in, sessions and their end, and what a foreign page cannot do."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from ml_platform.api.access import COOKIE
from ml_platform.serving.sessions import issue
from ml_platform.serving.table import ServingTable
from ml_platform_tests.api.page_service import FOREIGN, HOSTILE, OWN
from ml_platform_tests.application.homes import ask, promotable
from ml_platform_tests.conformance.monitoring_reports import monitoring_report

ROW = {"model": "example", "features": {}}


def test_without_a_session_every_page_leads_to_the_login(service):
    async def visit():
        async with service.client() as client:
            response = await client.get("/")
            assert (response.status_code, response.headers["location"]) == (303, "/login")
            assert response.content == b""
            form = await client.get("/login")
            assert form.status_code == 200
            assert '<input id="key"' in form.text

    asyncio.run(visit())


@pytest.mark.parametrize("path", ["/models/example", "/models/example/report", "/models/nobody"])
def test_the_login_leads_to_the_page_that_was_asked_for(service, path):
    async def visit():
        async with service.client() as client:
            asked = await client.get(path)
            assert (asked.status_code, asked.headers["location"]) == (303, f"/login?next={path}")
            form = await client.get(asked.headers["location"])
            assert f'name="next" value="{path}"' in form.text
            wrong = await client.post("/login", data={"key": "x", "next": path}, headers=OWN)
            assert f'name="next" value="{path}"' in wrong.text
            fields = {"key": service.operator, "next": path}
            back = await client.post("/login", data=fields, headers=OWN)
            assert (back.status_code, back.headers["location"]) == (303, path)

    asyncio.run(visit())


@pytest.mark.parametrize(
    "text", ["//evil.test", "/\\evil.test", "https://evil.test", "/a\r\nSet-Cookie: a=b", '"><b>']
)
def test_the_login_leads_nowhere_else(service, text):
    async def visit():
        async with service.client() as client:
            form = await client.get("/login", params={"next": text})
            assert 'name="next" value="/"' in form.text
            fields = {"key": service.operator, "next": text}
            back = await client.post("/login", data=fields, headers=OWN)
            assert (back.status_code, back.headers["location"]) == (303, "/")
            asked = await client.get(f"http://service.test//evil.test/{text.encode().hex()}")
            assert asked.status_code == 404

    asyncio.run(visit())


def test_an_operator_signs_in_sees_the_overview_and_signs_out(service):
    ask(service.platform, promotable(service.platform, b"one"))
    service.platform.ledger.save_monitoring_report(
        monitoring_report("example", datetime(2026, 5, 2, tzinfo=UTC))
    )

    async def visit():
        async with service.client() as client:
            response = await client.post(
                "/login", data={"key": f" {service.operator}\n"}, headers=OWN
            )
            assert (response.status_code, response.headers["location"]) == (303, "/")
            cookie = response.headers["set-cookie"]
            for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
                assert part in cookie
            assert "Secure" not in cookie
            assert service.operator.rpartition("_")[2] not in cookie
            page = await client.get("/")
            assert page.status_code == 200
            assert "<strong>Version 1</strong>" in page.text
            assert "by champion asset" in page.text
            assert "SIMULATED events" in page.text
            assert "No answers in the last 24 hours." in page.text
            out = await client.post("/logout", headers=OWN)
            assert (out.status_code, out.headers["location"]) == (303, "/login")
            assert (await client.get("/")).status_code == 303

    asyncio.run(visit())


def test_over_https_the_cookie_stays_there(service):
    async def visit():
        async with service.client() as client:
            https = {"Sec-Fetch-Site": "same-origin"}
            response = await client.post(
                "https://service.test/login", data={"key": service.operator}, headers=https
            )
            assert "; Secure" in response.headers["set-cookie"]

    asyncio.run(visit())


@pytest.mark.parametrize("key", ["", "mlp_", "mlp_" + "a" * 12 + "_" + "0" * 64, HOSTILE, "\x00"])
def test_a_wrong_key_gets_one_line_and_no_session(service, key, caplog):
    caplog.set_level(logging.DEBUG)

    async def visit():
        async with service.client() as client:
            response = await client.post("/login", data={"key": key}, headers=OWN)
            assert response.status_code == 401
            assert response.text.count('role="alert"') == 1
            assert "set-cookie" not in response.headers
            assert "<script" not in response.text
            if key:
                assert key not in response.text.replace("mlp_…", "").replace("with mlp_", "")

    asyncio.run(visit())
    assert not key or key not in caplog.text


def test_a_key_without_every_scope_does_not_open_the_pages(service):
    async def visit():
        async with service.client() as client:
            response = await client.post("/login", data={"key": service.person}, headers=OWN)
            assert response.status_code == 403
            assert "not every scope" in response.text
            assert "set-cookie" not in response.headers

    asyncio.run(visit())


def test_a_session_ends_with_its_key_its_time_and_its_scopes(service):
    now = datetime.now(UTC)
    secret = service.worker.options.session_secret
    keys = service.worker.access.keyring.keys
    (operator, person) = keys

    async def status(text):
        async with service.client() as client:
            return (await client.get("/", headers={"Cookie": f"a=b; {COOKIE}={text}"})).status_code

    async def visit():
        good = issue(operator.key_id, now + timedelta(hours=1), secret)
        assert await status(good) == 200
        assert await status(good[:-1] + ("0" if good[-1] != "0" else "1")) == 303
        assert await status(issue(operator.key_id, now - timedelta(hours=1), secret)) == 303
        assert await status(issue(operator.key_id, now + timedelta(hours=1), b"o" * 32)) == 303
        assert await status(issue(person.key_id, now + timedelta(hours=1), secret)) == 303
        service.take(ServingTable(), (person,))
        assert await status(good) == 303

    asyncio.run(visit())


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_can_use_no_session(service, headers):
    async def visit():
        async with service.signed_in() as client:
            asked = await client.post("/api/ml/predict", json=ROW, headers=headers)
            assert asked.status_code == 401
            assert (await client.post("/logout", headers=headers)).status_code == 403
            login = await client.post("/login", data={"key": service.operator}, headers=headers)
            assert login.status_code == 403
            assert "set-cookie" not in login.headers

    asyncio.run(visit())


@pytest.mark.parametrize("headers", [OWN, {"Sec-Fetch-Site": "same-origin"}], ids=str)
def test_a_page_of_the_service_asks_models_with_its_session(service, headers):
    """Nothing can answer yet (503), which only those learn who may ask."""

    async def visit():
        async with service.signed_in() as client:
            asked = await client.post("/api/ml/predict", json=ROW, headers=headers)
            assert asked.status_code == 503
            wrong = {**headers, "Authorization": "Bearer mlp_"}
            assert (
                await client.post("/api/ml/predict", json=ROW, headers=wrong)
            ).status_code == 401

    asyncio.run(visit())
