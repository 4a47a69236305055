"""The pages of the service: headers, models, reports, and what they say while something is away."""

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from ml_platform.api.kept_pages import KeptPages
from ml_platform.api.page_frame import POLICY
from ml_platform.errors import ServiceError
from ml_platform_tests.api.page_service import OWN
from ml_platform_tests.application.homes import ask, promotable
from ml_platform_tests.serving.planted_answers import answer, plant, shadow


def test_every_page_has_the_headers_that_keep_it_to_itself(service):
    async def visit():
        async with service.signed_in() as client:
            for path in ("/", "/login", "/models/example", "/static/ask.js", "/static/gone.css"):
                headers = (await client.get(path)).headers
                assert headers["content-security-policy"] == POLICY
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["x-frame-options"] == "DENY"
            assert "no-store" in (await client.get("/")).headers["cache-control"]
            style = await client.get("/static/style.css")
            assert style.headers["content-type"].startswith("text/css")
            assert "immutable" in style.headers["cache-control"]
            assert (await client.get("/static/..%2fpage.py")).status_code == 404

    asyncio.run(visit())


def test_a_model_with_a_hostile_name_is_text(service):
    async def visit():
        async with service.signed_in() as client:
            page = (await client.get("/")).text
            assert "&lt;script&gt;" in page
            assert "<script" not in page

    asyncio.run(visit())


def test_the_page_of_a_model_its_reports_and_those_that_are_not_there(service):
    settings = service.platform.settings
    record = promotable(service.platform, b"one", mlflow_run_id="a" * 32)
    ask(service.platform, record)

    async def visit():
        async with service.signed_in() as client:
            page = await client.get("/models/example")
            assert page.status_code == 200
            assert "<strong>Version 1</strong>" in page.text
            assert 'data-field="strong" data-kind="category"' in page.text
            for path in ("/models/example/report", "/models/example/monitoring", "/models/other"):
                gone = await client.get(path)
                assert gone.status_code == 404
                assert "Remedy: " in gone.text
            stored = settings.mlflow_artifacts / "1" / ("a" * 32) / "artifacts" / "report.html"
            watched = settings.reports / "example" / "2026-05-02T0000" / "monitoring.html"
            older = settings.reports / "example" / "2026-05-01T0000" / "monitoring.html"
            for path, text in ((stored, "evaluated"), (watched, "newest"), (older, "older")):
                path.parent.mkdir(parents=True)
                path.write_text(text)
            report = await client.get("/models/example/report")
            assert report.text == "evaluated"
            assert "script-src" not in report.headers["content-security-policy"]
            assert "default-src 'none'" in report.headers["content-security-policy"]
            assert (await client.get("/models/example/monitoring")).text == "newest"
            named = "/models/example/monitoring/2026-05-01T0000"
            assert (await client.get(named)).text == "older"
            for window in ("2026-05-03T0000", "*", "2026-05-0?T0000"):
                gone = await client.get(f"/models/example/monitoring/{quote(window)}")
                assert gone.status_code == 404
            assert (await client.get("/models/..%2f..%2fexample/monitoring")).status_code == 404
        async with service.client() as client:
            for path in ("/models/example", "/models/example/report", "/models/x/monitoring"):
                assert (await client.get(path)).status_code == 303

    asyncio.run(visit())


def test_the_page_of_a_model_tells_how_a_version_in_shadow_differs(service, database_url):
    ask(service.platform, promotable(service.platform, b"one"))
    now = datetime.now(UTC)
    served = [answer(now, f"user {number}") for number in range(20)]
    plant(database_url, [*served, *(shadow(row, prediction="b") for row in served[:15])])

    async def visit():
        async with service.signed_in() as client:
            page = (await client.get("/models/example")).text
            assert "<h2>Version 2 in shadow</h2>" in page
            assert "<dd>15<small>of 15 users</small></dd>" in page
            assert "<dd>0.0 %<small>[0.0 %, " in page

    asyncio.run(visit())


def test_a_body_that_is_no_login_is_not_read_whole(service):
    async def visit():
        async with service.client() as client:
            response = await client.post("/login", content=b"key=" + b"a" * 10_000, headers=OWN)
            assert response.status_code == 413

    asyncio.run(visit())


def test_while_the_ledger_is_away_a_page_says_so(service, database_url):
    async def visit():
        async with service.signed_in() as client:
            state = service.worker.state
            gone = state.database.rpartition("/")[0] + "/gone"
            object.__setattr__(state, "database", gone)
            page = await client.get("/")
            assert page.status_code == 503
            assert "The page cannot be made now" in page.text
            object.__setattr__(state, "database", database_url.replace("+psycopg2", ""))
            assert (await client.get("/")).status_code == 200

    asyncio.run(visit())


def test_many_who_ask_at_once_wait_for_one_page():
    made = []

    def make():
        made.append(threading.current_thread() is threading.main_thread())
        return f"page {len(made)}"

    async def visit():
        kept = KeptPages()
        pages = await asyncio.gather(*(kept.get("/", make) for _ in range(20)))
        assert set(pages) == {"page 1"}
        assert await kept.get("/", make) == "page 1"
        assert await kept.get("/models/x", make) == "page 2"

    asyncio.run(visit())
    assert made == [False, False]


def test_a_page_that_failed_is_tried_again():
    attempts = []

    def make():
        attempts.append(1)
        if len(attempts) == 1:
            raise ServiceError("away", remedy="wait")
        return "page"

    async def visit():
        kept = KeptPages()
        with pytest.raises(ServiceError):
            await kept.get("/", make)
        assert await kept.get("/", make) == "page"

    asyncio.run(visit())


def test_a_worker_makes_pages_without_pandas_or_matplotlib():
    """The imports of a worker that has made its pages, in a process of its own."""
    code = (
        "import sys, ml_platform.api.worker, ml_platform.api.routes, ml_platform.adapters.ledger.postgres; "
        "print([m for m in ('pandas', 'matplotlib', 'mlflow', 'dagster', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
