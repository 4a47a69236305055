"""Suggestions and workflow runs of one person: what is accepted and what succeeds depends on states nobody logs."""

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.second_world.parameters import Parameters
from benchmarks.second_world.people import Company, Floats, Person, lomax, softmax

_MIDNIGHT, _RUN, _SHOW = range(3)


@dataclass(frozen=True)
class Run:
    """A run of a workflow; ``chances`` holds the true probability of success at each candidate hour."""

    person: int
    workflow: int
    time: float
    finished: float
    status: str
    trigger: str
    chance: float
    propensity: float | None = None
    candidates: tuple[int, ...] = ()
    chances: tuple[float, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """A workflow that was suggested; ``chance`` is the true probability that it is accepted."""

    person: int
    workflow: int
    time: float
    answered: float
    outcome: str
    arm: str
    probability: float
    """Of this workflow under the policy that suggested it."""
    chance: float


@dataclass
class Fading:
    """Shot noise: each shock adds one, and the sum halves in every half-life."""

    half_life: float
    level: float = 0.0
    time: float = 0.0

    def at(self, time: float) -> float:
        """The level at a time that is not before the last shock."""
        return float(self.level * 0.5 ** (max(0.0, time - self.time) / self.half_life))

    def shock(self, time: float) -> None:
        """Add one at ``time``."""
        self.level, self.time = self.at(time) + 1.0, max(time, self.time)


@dataclass
class Days:
    """The runs and suggestions of one person, handled in order of time."""

    person: Person
    company: Company
    parameters: Parameters
    rng: np.random.Generator
    runs: list[Run] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._debt = Fading(self.parameters.debt_half_life)
        self._fatigue = Fading(self.parameters.fatigue_half_life)
        self._queue: list[tuple[float, int, int, tuple[Any, ...]]] = []
        self._pushed = 0

    def live(self, ends: list[tuple[float, int]], moments: list[tuple[float, int]]) -> None:
        """Draw everything.

        Args:
            ends: times at which a script was finished, with its goal.
            moments: times at which something may be suggested, with the goal of the moment.
        """
        for time, goal in ends:
            if self.rng.random() < self.parameters.launches_at_end:
                workflow = self._of_goal(goal, time)
                trigger = "manual" if self.rng.random() < 0.6 else "event"
                delay = float(lomax(self.rng, 1.5, 0.004))
                self._push(time + delay, _RUN, (workflow, trigger))
        for time, goal in moments:
            self._push(time, _SHOW, (goal,))
        low, high = self.parameters.subscriptions
        for _ in range(int(self.rng.integers(low, high + 1))):
            self._push(self._renewal(), _MIDNIGHT, (self._liked(0.0),))
        while self._queue:
            time, _, kind, payload = heapq.heappop(self._queue)
            (self._schedule, self._run, self._show)[kind](time, *payload)

    def _push(self, time: float, kind: int, payload: tuple[Any, ...]) -> None:
        if time < self.parameters.days:
            self._pushed += 1
            heapq.heappush(self._queue, (time, self._pushed, kind, payload))

    def _renewal(self) -> float:
        return 0.35 + float(
            lomax(self.rng, self.parameters.renewal_shape, self.parameters.renewal_days)
        )

    def _tastes(self, time: float) -> Floats:
        point = min(int(time / self.parameters.grid_days), self.parameters.grid - 1)
        tastes: Floats = self.company.workflow_factors @ self.person.factors[point]
        return tastes / float(np.sqrt(self.parameters.factors))

    def _liked(self, time: float) -> int:
        likes = softmax(2.0 * self._tastes(time))
        return int(self.rng.choice(len(likes), p=likes))

    def _of_goal(self, goal: int, time: float) -> int:
        of_goal = np.flatnonzero(self.company.workflow_goal == goal)
        likes = softmax(2.0 * self._tastes(time)[of_goal])
        return int(self.rng.choice(of_goal, p=likes))

    def _chance(self, workflow: int, time: float, debt: float) -> float:
        """The probability of success at ``time``: hour, a wave that is no hour, outages and debt."""
        p, company = self.parameters, self.company
        hour = time * 24 + self.person.offset / 60
        best = company.workflow_hour[workflow] + p.phase_hours_per_day * time
        goal = int(company.workflow_goal[workflow])
        spans = company.outages[goal]
        out = bool(((spans[:, 0] <= time) & (time < spans[:, 1])).any())
        logit = company.workflow_base[workflow]
        logit += company.workflow_swing[workflow] * np.cos(2 * np.pi * (hour - best) / 24)
        logit += 0.6 * np.cos(2 * np.pi * (time * 24 / p.wave_hours + company.goal_phase[goal]))
        logit -= 2.2 * out + 0.5 * min(debt, 3.0)
        return float(1 / (1 + np.exp(-logit)))

    def _schedule(self, time: float, workflow: int) -> None:
        """Choose an hour of the next local day among logged candidates, and renew the subscription."""
        rng, shift = self.rng, self.person.offset / 1440
        midnight = np.floor(time + shift) + 1 - shift
        day = 0.4 + np.exp(1.2 * np.cos(2 * np.pi * (np.arange(24) - 13) / 24))
        count = int(rng.integers(4, 8))
        hours = np.sort(rng.choice(24, count, replace=False, p=day / day.sum()))
        away = np.abs((hours - self.person.favourite_hour + 12) % 24 - 12)
        near = np.exp(-(away**2) / 50) + 1e-9
        propensities = 0.8 * near / near.sum() + 0.2 / count
        chosen = int(rng.choice(count, p=propensities / propensities.sum()))
        starts = midnight + (hours + rng.random()) / 24
        chances = [self._chance(workflow, at, self._debt.at(at)) for at in starts.tolist()]
        if starts[chosen] < self.parameters.days:
            self._finish(
                workflow, float(starts[chosen]), "schedule", chances[chosen],
                propensity=float(propensities[chosen]),
                candidates=tuple(hours.tolist()), chances=tuple(chances),
            )  # fmt: skip
        if rng.random() < self.parameters.resubscribes:
            workflow = self._liked(time)
        self._push(time + self._renewal(), _MIDNIGHT, (workflow,))

    def _run(self, time: float, workflow: int, trigger: str) -> None:
        self._finish(workflow, time, trigger, self._chance(workflow, time, self._debt.at(time)))

    def _finish(
        self, workflow: int, time: float, trigger: str, chance: float, **logged: Any
    ) -> None:
        rng = self.rng
        minutes = float(rng.lognormal(0.9, 1.0))
        finished = time + minutes / 1440
        good = rng.random() < chance
        status = "success" if good else ("cancelled" if rng.random() < 0.1 else "failure")
        if not good:
            self._debt.shock(finished)
        self.runs.append(
            Run(self.person.number, workflow, time, finished, status, trigger, chance, **logged)
        )

    def _show(self, time: float, goal: int) -> None:
        rng, company, tastes = self.rng, self.company, self._tastes(time)
        explores = rng.random() < self.parameters.explores
        policy = softmax(
            (0.3 if explores else 1.6) * (tastes + 0.8 * (company.workflow_goal == goal))
        )
        workflow = int(rng.choice(len(policy), p=policy))
        match = float(company.workflow_goal[workflow] == goal)
        logit = -1.1 + 1.7 * tastes[workflow] + 1.2 * match - 0.5 * min(self._fatigue.at(time), 4.0)
        logit += 0.9 * np.sin(
            2 * np.pi * (time / self.parameters.seasons[0][0] + self.person.phase)
        )
        chance = float(1 / (1 + np.exp(-logit)))
        answered = time + float(lomax(rng, 1.3, 0.003))
        outcome = "dismissed" if rng.random() < 0.55 else "ignored"
        self._fatigue.shock(time)
        if rng.random() < chance:
            outcome = "accepted"
            if rng.random() < 0.8:
                self._push(answered + float(lomax(rng, 1.8, 0.002)), _RUN, (workflow, "manual"))
        self.suggestions.append(
            Suggestion(
                self.person.number,
                workflow,
                time,
                answered,
                outcome,
                "explore" if explores else "exploit",
                float(policy[workflow]),
                chance,
            )
        )
