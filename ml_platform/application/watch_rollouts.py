"""The watch over the rollouts of a home: what users get is looked at again and again, and the guard decides."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ml_platform.adapters.serving.asked_marks import ASKED, ended_while_asking, forget_ended
from ml_platform.application.connections import Connections
from ml_platform.application.guard_rollout import Seen, guard_seen, rollout_under_guard
from ml_platform.application.last_look import keep_look
from ml_platform.application.rollout_seen import RolloutPart
from ml_platform.errors import ConflictError, PlatformError, ServiceError
from ml_platform.registry.rollout.decide import GuardDecision, Step
from ml_platform.registry.rollout.progress import Rollout
from ml_platform.serving.rollout_evidence import readings
from ml_platform.spec.model import ModelSpec

_LOG = logging.getLogger(__name__)


class RolloutWatch:
    """Looks at every rollout of a home; two that watch at once, or one that dies, do no harm.

    Who is slower finds that the rollout has moved on, and changes nothing; and a share that nobody renews lapses.
    """

    def __init__(self, platform: Connections, specs: Iterable[ModelSpec]) -> None:
        self._platform = platform
        self._specs = tuple(specs)
        self._parts: dict[tuple[str, datetime], tuple[RolloutPart, ...]] = {}
        self._said: dict[str, str] = {}
        self._on: set[str] = set()

    def look(self, now: datetime) -> dict[str, GuardDecision]:
        """Look once at the rollout of each model, and do what the guard decides; its decisions by model.

        What is decided is logged once, unless it is to wait.

        Args:
            now: The clock on the wall.

        Raises:
            ServiceError: the database does not answer; shares lapse unless somebody else renews them.
        """
        decisions = {}
        marks = self._platform.settings.serving / ASKED
        deaths = ended_while_asking(marks)
        self._on = set[str]()
        for spec in self._specs:
            try:
                decision = self._look(spec, now, deaths)
            except ConflictError:
                continue
            except ServiceError:
                self._parts.clear()
                raise
            except PlatformError as error:
                self._say(spec.name, f"its rollout cannot be guarded: {error}")
                continue
            if decision is not None:
                decisions[spec.name] = decision
                self._say(spec.name, "" if decision.step is Step.WAIT else _words(decision))
        forget_ended(marks, but=frozenset(self._on))
        return decisions

    def _look(self, spec: ModelSpec, now: datetime, deaths: Counter[str]) -> GuardDecision | None:
        rollout = rollout_under_guard(self._platform, spec.name)
        if rollout is None:
            self._forget(spec.name)
            return None
        sha256 = rollout.artifact_sha256
        self._on.add(sha256)
        seen = replace(self._seen(spec, rollout, now), deaths=deaths[sha256])
        decision = guard_seen(self._platform, rollout, seen, now)
        keep_look(self._platform, rollout, seen, decision, now)
        return decision

    def _seen(self, spec: ModelSpec, rollout: Rollout, now: datetime) -> Seen:
        key = (spec.name, rollout.steps_since[0])
        if key not in self._parts:
            self._forget(spec.name)
            self._parts[key] = tuple(
                RolloutPart(spec, rollout, shadow=shadow) for shadow in (True, False)
            )
        parts = self._parts[key]
        traffic = self._platform.rollout_traffic
        evidence = [part.evidence(traffic, rollout, now) for part in parts]
        answers = sum(part.answers_in_step() for part in parts)
        now_part = parts[0] if rollout.life.step == 0 else parts[1]
        found = readings(rollout.policy, evidence)
        return Seen(answers, found, observed=now_part.observed())

    def _forget(self, model: str) -> None:
        self._parts = {key: each for key, each in self._parts.items() if key[0] != model}

    def _say(self, model: str, words: str) -> None:
        if words and self._said.get(model) != words:
            _LOG.warning("%s: %s", model, words)
        self._said[model] = words


def watch_rollouts(
    platform: Connections, specs: Iterable[ModelSpec], now: datetime
) -> dict[str, GuardDecision]:
    """Look once at the rollouts of a home, see `RolloutWatch.look`."""
    return RolloutWatch(platform, specs).look(now)


def _words(decision: GuardDecision) -> str:
    return f"{decision.step} ({decision.text})"
