"""The client and the service with a real database: what was asked is seen, and what became of it reported."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from ml_platform.api.app import Service
from ml_platform.client import AsyncClient, ClientError
from ml_platform_tests.api.services import FEATURES, MODEL, served

CLASSIFIER = "pattern_classifier"


def asked(home, what):
    """Run ``what(client)`` with a worker of the home and a client of it."""
    home.models[CLASSIFIER] = replace(home.models[MODEL], name=CLASSIFIER)
    key = home.key("ada")

    async def run():
        async with served(home) as service:
            transport = httpx.ASGITransport(Service(service.worker), raise_app_exceptions=False)
            async with AsyncClient("http://s", key, transport=transport, retries=0) as client:
                return await what(client)

    return asyncio.run(run())


def test_what_was_asked_is_seen_and_what_became_of_it_reported(home):
    async def ask(client):
        answer = await client.predict(CLASSIFIER, FEATURES, row_id="e1")
        applied = await client.give_feedback(answer.prediction_id, "applied")
        again = await client.give_feedback(answer.prediction_id, "applied")
        known = await client.report_outcome(
            answer.prediction_id, "a", known_at=datetime(2026, 5, 1, tzinfo=UTC)
        )
        page = await client.predictions(model=CLASSIFIER)
        return answer, applied, again, known, page

    answer, applied, again, known, page = asked(home, ask)
    assert (applied.model, applied.row_id, applied.recorded) == (CLASSIFIER, "e1", True)
    assert (again.recorded, known.recorded) == (False, True)
    assert [each.prediction_id for each in page.predictions] == [answer.prediction_id]
    assert len(home.rows("*", "feedback")) == 2


def test_events_health_and_what_the_service_refuses(home):
    event = {
        "event_id": "e9",
        "user_id": "ada",
        "occurred_at": "2026-05-01T10:00:00Z",
        "tool": "git",
        "operation": "modify",
    }

    async def ask(client):
        taken = await client.send_events([event, {**event, "event_id": ""}])
        health = await client.health()
        problems = []
        for call in (
            client.run("nothing"),
            client.train("nobody"),
            client.report_outcome("00000000-0000-7000-8000-000000000000", "a"),
        ):
            with pytest.raises(ClientError) as caught:
                await call
            problems.append(caught.value.problem.status)
        return taken, health, problems

    taken, health, problems = asked(home, ask)
    assert (taken.taken, [each.field for each in taken.refused]) == (1, ["event_id"])
    assert health.status in ("ok", "degraded")
    assert problems == [422, 404, 404]
    assert home.rows("row_id", "inbox") == [("e9",)]
