"""Routes of operators: one run for each model at a time, whoever asks how often; pages that are away or strange."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ml_platform.adapters.home_files import remember_port
from ml_platform.application.connections import DAGSTER_UI
from ml_platform.application.state_keys import candidate_key
from ml_platform_tests.api.routes.dagster_pages import Pages, dagster_pages
from ml_platform_tests.api.routes.small_service import SmallHome, SmallService, Story

Run = Callable[[Story], None]
TRAIN, ALL, RETRAIN = "/api/ml/models/train", "/api/ml/models/train-all", "/api/ml/retrain"
EVALUATE = "/api/ml/evaluate/example"
MODEL = {"model": "example"}


@pytest.fixture
def pages(small: SmallHome) -> Iterator[Pages]:
    with dagster_pages() as running:
        remember_port(small.platform.settings.home, DAGSTER_UI, running.port)
        small.platform.ledger.set_state(candidate_key("example"), {"sha256": "a"})
        yield running


def tags_of(pages: Pages, run_id: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in pages.runs[run_id]["executionMetadata"]["tags"]}


def test_a_training_is_launched_and_followed(small: SmallHome, run: Run, pages: Pages) -> None:
    async def story(service: SmallService) -> None:
        key = small.operator()
        launched = await service.post(TRAIN, key, MODEL)
        assert launched.status_code == 202, launched.text
        run_id = launched.json()["run_id"]
        assert pages.runs[run_id]["selector"]["jobName"] == "train_example"
        assert tags_of(pages, run_id) == {
            "ml_platform/model": "example",
            "ml_platform/cause": "train",
            "ml_platform/asked_by": "api",
            "ml_platform/user": "operator",
        }
        shown = (await service.get(launched.json()["progress_at"], key)).json()
        assert (shown["status"], shown["steps_done"], shown["steps"]) == ("QUEUED", 1, 3)
        assert shown["started_at"] == "2026-05-01T12:00:00Z"
        assert shown["link"] == f"http://127.0.0.1:{pages.port}/runs/{run_id}"

    run(story)


def test_of_many_requests_at_once_one_run_is_launched_and_the_others_name_it(
    small: SmallHome, run: Run, pages: Pages
) -> None:
    async def story(service: SmallService) -> None:
        key = small.operator()
        sent = [
            service.post(TRAIN, key, MODEL),
            service.post(ALL, key),
            service.post(EVALUATE, key),
        ]
        answers = await asyncio.gather(*sent, *(service.post(TRAIN, key, MODEL) for _ in range(6)))
        launched = [each.json() for each in answers if each.status_code == 202]
        refused = [each.json() for each in answers if each.status_code == 409]
        assert (len(launched), len(refused)) == (1, 8)
        assert {each["run_id"] for each in refused} == {launched[0]["run_id"]}
        assert len(pages.runs) == 1
        pages.runs[launched[0]["run_id"]]["status"] = "SUCCESS"
        assert (await service.post(TRAIN, key, MODEL)).status_code == 202

    run(story)


def test_a_repeated_request_launches_nothing_even_when_its_run_has_ended(
    small: SmallHome, run: Run, pages: Pages
) -> None:
    async def story(service: SmallService) -> None:
        key, other = small.operator(), small.operator()
        first = await service.post(TRAIN, key, MODEL, idempotency_key="monday")
        run_id = first.json()["run_id"]
        pages.runs[run_id]["status"] = "FAILURE"
        again = await service.post(TRAIN, key, MODEL, idempotency_key="monday")
        assert (again.status_code, again.json()["run_id"]) == (409, run_id)
        assert (
            await service.post(TRAIN, other, MODEL, idempotency_key="monday")
        ).status_code == 202

    run(story)


def test_a_retraining_is_kept_in_the_ledger_with_its_reason(
    small: SmallHome, run: Run, pages: Pages
) -> None:
    async def story(service: SmallService) -> None:
        sent = {**MODEL, "reason": "a new team"}
        launched = await service.post(RETRAIN, small.operator(), sent)
        run_id = launched.json()["run_id"]
        assert tags_of(pages, run_id)["ml_platform/cause"] == "a new team"
        (request,) = small.platform.ledger.retraining_requests("example")
        assert (request.cause, request.version) == ("a new team", "1")
        assert request.key == f"example:api:{run_id}"

    run(story)


def test_an_evaluation_fits_nothing_and_needs_a_candidate(
    small: SmallHome, run: Run, pages: Pages
) -> None:
    async def story(service: SmallService) -> None:
        key = small.operator()
        launched = await service.post(EVALUATE, key)
        chosen = pages.runs[launched.json()["run_id"]]["selector"]["assetSelection"]
        steps = ("evaluation_report", "registered_version", "champion")
        assert chosen == [{"path": ["example", step]} for step in steps]
        assert (await service.post("/api/ml/evaluate/untrained", key)).status_code == 404

    run(story)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (TRAIN, {"model": "nope"}, 404),
        (TRAIN, {"model": "x" * 201}, 422),
        (TRAIN, {"model": "example", "more": 1}, 422),
        (TRAIN, {"model": 7}, 422),
        (TRAIN, {"model": "untrained"}, 503),
        (RETRAIN, {"model": "example", "reason": ""}, 422),
        (RETRAIN, {"model": "example", "reason": "a\nb"}, 422),
        (RETRAIN, {"model": "example"}, 422),
    ],
)
def test_what_cannot_be_launched_is_refused(
    small: SmallHome, run: Run, pages: Pages, path: str, body: dict[str, Any], status: int
) -> None:
    async def story(service: SmallService) -> None:
        refused = await service.post(path, small.operator(), body)
        assert refused.status_code == status, refused.text
        assert pages.runs == {}

    run(story)


def test_runs_that_are_none_are_not_found(small: SmallHome, run: Run, pages: Pages) -> None:
    async def story(service: SmallService) -> None:
        key = small.operator()
        unknown = "/api/ml/runs/00000000-0000-4000-8000-000000000000"
        assert (await service.get(unknown, key)).status_code == 404
        assert (await service.get("/api/ml/runs/7", key)).status_code == 422

    run(story)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"data": null, "errors": [{"message": "secret"}]}'),
        (500, b"{}"),
        (302, b"{}"),
        (401, b"{}"),
    ],
)
def test_pages_that_are_not_dagster_s_are_told_in_one_line(
    small: SmallHome, run: Run, pages: Pages, status: int, body: bytes
) -> None:
    pages.status, pages.body = status, body

    async def story(service: SmallService) -> None:
        refused = await service.post(TRAIN, small.operator(), MODEL)
        assert refused.status_code == 503
        assert refused.json()["remedy"] == "`ml-platform up`"
        assert "secret" not in refused.text
        assert len(pages.tokens) == 1, "no redirect is followed"

    run(story)


def test_without_pages_the_remedy_is_to_start_them(small: SmallHome, run: Run) -> None:
    async def story(service: SmallService) -> None:
        for refused in (
            await service.post(TRAIN, small.operator(), MODEL),
            await service.get(
                "/api/ml/runs/00000000-0000-4000-8000-000000000000", small.operator()
            ),
        ):
            assert refused.status_code == 503
            assert refused.json()["remedy"] == "`ml-platform up`"

    run(story)


def test_the_token_of_the_pages_is_sent_and_shown_to_nobody(
    small: SmallHome, run: Run, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_PLATFORM_UI_TOKEN", "of-the-pages")

    async def story(service: SmallService) -> None:
        launched = await service.post(TRAIN, small.operator(), MODEL)
        assert set(pages.tokens) == {"Bearer of-the-pages"}
        assert "of-the-pages" not in launched.text

    run(story)
