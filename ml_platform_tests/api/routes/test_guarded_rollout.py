"""Where the routes name a rollout they say what its guard saw last, and what must come before the next step."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ml_platform.application.guard_rollout import Seen, rollout_under_guard
from ml_platform.application.last_look import keep_look
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.registry.rollout.decide import GuardDecision, Reading, Step
from ml_platform.registry.rollout.policy import Guardrail, Newer
from ml_platform_tests.api.routes.small_service import RULES, SmallHome, SmallService, Story
from ml_platform_tests.application.homes import ask, promotable
from ml_platform_tests.application.test_roll_back import UsersAlone

Run = Callable[[Story], None]


def test_a_rollout_says_what_its_guard_saw_and_what_must_come_before_the_next_step(
    small: SmallHome, run: Run
) -> None:
    now = datetime.now(UTC)
    small.platform.lake = UsersAlone(100)
    set_rollout_policy(small.platform, "ramp", needs_approval=False, newer=Newer.WAITS)
    ask(small.platform, promotable(small.platform, RULES.replace(b"0.75", b"0.70")))
    rollout = rollout_under_guard(small.platform, "example")
    assert rollout is not None
    seen = Seen(412, (Reading(Guardrail.ERRORS, math.log(50.0)),))
    decision = GuardDecision(Step.PAUSE, "a guardrail sees nothing", (Guardrail.METRIC,))
    keep_look(small.platform, rollout, seen, decision, now)

    async def story(service: SmallService) -> None:
        key = small.person("ann")
        models = (await service.get("/api/ml/models", key)).json()["models"]
        guard = models[0]["model"]["guard"]
        assert (guard["version"], guard["step"], guard["share"]) == (2, 0, 0.0)
        assert (guard["seen"]["answers"], guard["seen"]["least_answers"]) == (412, 400)
        assert (guard["decision"], guard["why"]) == ("pause", "a guardrail sees nothing: metric")
        errors, latency, *_ = guard["guardrails"]
        assert errors["evidence"] == pytest.approx(50)
        assert (errors["state"], latency["state"]) == ("suspected", "blind")
        assert latency["evidence"] is None
        shown = (await service.get("/api/ml/models/example", key)).json()
        assert shown["summary"]["guard"]["guardrails"] == guard["guardrails"]
        assert models[1]["model"]["guard"] is None, "nothing is rolled out"

    run(story)
