"""The route to what a version in shadow would have said: of the rollout, else of the last one; 404 without any."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ml_platform_tests.api.routes.small_service import SmallHome, SmallService, Story
from ml_platform_tests.serving.planted_answers import answer, plant, shadow

Run = Callable[[Story], None]
ROUTE = "/api/ml/models/example/shadow"


def test_an_operator_sees_the_differences_of_the_last_version_in_shadow(
    small: SmallHome, run: Run
) -> None:
    now = datetime.now(UTC) - timedelta(minutes=5)
    older = [answer(now - timedelta(days=3), f"user {n}") for n in range(3)]
    served = [answer(now, f"user {n}", confidence=0.5) for n in range(20)]
    plant(small.database, [*older, *(shadow(row, version="7") for row in older), *served])
    plant(
        small.database,
        [
            shadow(row, prediction="b" if n < 5 else "a", confidence=0.75)
            for n, row in enumerate(served[:19])
        ],
    )

    async def story(service: SmallService) -> None:
        key = small.operator()
        found = (await service.get(ROUTE, key)).json()
        assert (found["version"], found["pairs"], found["users"]) == ("2", 19, 19)
        assert found["agreement"]["value"] == 14 / 19
        assert 0.4 < found["agreement"]["low"] < 0.6 < 0.8 < found["agreement"]["high"] < 0.95
        assert found["confusions"] == [{"served": "a", "shadow": "b", "pairs": 5}]
        assert found["confidence"]["mean"] == 0.25
        assert len(found["most_differing"]) == 5
        assert (await service.get(ROUTE, small.person("ann"))).status_code == 403
        assert (await service.get(ROUTE, key, days=0)).status_code == 422

    run(story)


def test_without_an_answer_in_shadow_it_says_how_far_was_looked(small: SmallHome, run: Run) -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    served = answer(at)
    plant(small.database, [served, shadow(served)])

    async def story(service: SmallService) -> None:
        key = small.operator()
        gone = await service.get(ROUTE, key, days=2)
        assert gone.status_code == 404
        assert gone.json()["detail"] == (
            "No version of example has answered in shadow in the last 2 days."
        )
        assert (await service.get(ROUTE, key)).json()["pairs"] == 1
        untrained = await service.get(ROUTE.replace("example", "untrained"), key)
        assert untrained.status_code == 404
        assert (await service.get(ROUTE.replace("example", "nobody"), key)).status_code == 404

    run(story)
