"""What somebody who knows the latent states would reach on the test rows, where that can be computed.

Each ceiling is an upper bound in expectation: it is told more than any model can know. Where none can be computed,
`NO_CEILING` says why. The labels are the platform's (docs/simulator.md); the world itself was frozen before
they were looked at.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from benchmarks.second_world.parameters import GOAL_CATEGORIES, TOOLS
from benchmarks.second_world.people import Floats
from benchmarks.second_world.state_filter import CATEGORIES, Filtered, filter_states
from benchmarks.second_world.world import World
from benchmarks.second_world.write import rows_of

NO_CEILING = {
    "soon_f1": "none: it needs the chances of all runs to come",
    "ndcg_at_5": "none: it needs the gain of each list under all runs to come",
}
"""By metric, why no ceiling is computed."""

PAUSE = 30 / 1440
"""A stretch of work is over after a pause of this many days."""
FORTNIGHT, SETTLED, TIMEOUT, OCCASIONS = 14.0, 15.0, 1.0, 8
"""Of the platform's adopted share: its window, when it is known, how late an answer counts, and how many offers."""


@dataclass(frozen=True)
class Ceiling:
    """The bound of one metric, and what is told to who reaches it."""

    value: float
    told: str


class Ceilings:
    """The ceilings on the rows of a world from a day on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._filtered: Filtered | None = None
        self._of: dict[tuple[str, str], Callable[[float], Ceiling]] = {
            ("pattern", "accuracy"): self._category,
            ("sequence", "accuracy"): self._next_step,
            ("suggestion", "r2"): self._adoption,
            ("suggestion", "brier_skill"): self._adoption,  # of a single yes or no they are one
            ("trigger", "relative_success"): self._start_time,
            ("anomaly", "precision"): lambda day: Ceiling(self._reports(day)[0], _TRUTH),
            ("anomaly", "recall"): lambda day: Ceiling(self._reports(day)[1], _TRUTH),
        }

    def of(self, model: str, metric: str, test_from: datetime) -> Ceiling | str:
        """The ceiling of a model's metric on rows from ``test_from`` on, or why there is none."""
        day = (test_from - self._world.parameters.start).total_seconds() / 86_400
        compute = self._of.get((model.split("_")[0], metric))
        return compute(day) if compute else NO_CEILING.get(metric, "not computed")

    @property
    def filtered(self) -> Filtered:
        """The states as the filter sees them, computed once."""
        if self._filtered is None:
            self._filtered = filter_states(self._world)
        return self._filtered

    def _category(self, day: float) -> Ceiling:
        steps = self._world.steps
        truth = np.array([CATEGORIES.index(GOAL_CATEGORIES[goal]) for goal in steps.goal])
        tested = np.array(steps.time) >= day
        value = (self.filtered.category == truth)[tested].mean()
        return Ceiling(float(value), "all tastes and numbers; the states only by what is logged")

    def _next_step(self, day: float) -> Ceiling:
        """A step that is the last of its stretch counts as right: when it ends is told."""
        steps = self._world.steps
        time, person = np.array(steps.time), np.array(steps.person)
        step = np.array(steps.operation) * len(TOOLS) + np.array(steps.tool)
        right = self.filtered.step == step
        goes_on = (np.diff(time) <= PAUSE) & (person[1:] == person[:-1])
        goes_on, next_right = np.append(goes_on, False), np.append(right[1:], False)
        tested = time >= day
        value = np.where(goes_on, next_right, True)[tested].mean()
        untold = (goes_on & next_right)[tested].mean()
        return Ceiling(
            float(value),
            f"the same, and when a session ends ({untold:.3f} where it is never guessed)",
        )

    def _adoption(self, day: float) -> Ceiling:
        """R2 of the expected adoption, given the true chance of each offer, those to come included."""
        offers = defaultdict(list)
        for offer in self._world.suggestions:
            offers[offer.person, offer.workflow].append(offer)
        rows: list[tuple[float, int, float, float, float, float]] = []
        for pair in offers.values():
            for index, offer in enumerate(pair):
                ahead = [o for o in pair[index:] if o.time < offer.time + FORTNIGHT]
                timely = [o.outcome == "accepted" and o.answered <= o.time + TIMEOUT for o in ahead]
                chances = [o.chance * _answered_within(TIMEOUT) for o in ahead]
                own = offer.outcome == "accepted" and offer.answered < offer.time + SETTLED
                rows.append(
                    (offer.time, len(ahead), float(np.mean(timely)), float(np.mean(chances)), own,
                     offer.chance * _answered_within(SETTLED))
                )  # fmt: skip
        table = np.array(rows)
        table = table[table[:, 0] + SETTLED <= self._world.parameters.days]
        shares = bool((table[:, 1] >= OCCASIONS).mean() >= 0.1)
        tested = table[table[:, 0] >= day]
        if shares:
            tested = tested[tested[:, 1] >= OCCASIONS]
        truth, expected = (tested[:, 2], tested[:, 3]) if shares else (tested[:, 4], tested[:, 5])
        value = 1 - ((truth - expected) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
        return Ceiling(float(value), "the true chance of every offer")

    def _start_time(self, day: float) -> Ceiling:
        """The best candidate by the true chances, above the candidate nearest to the usual hour."""
        offset = np.array([person.offset for person in self._world.people]) / 1440
        launches = [run for run in self._world.runs if run.candidates]
        hours: Floats = np.array(
            [int((run.time + offset[run.person]) * 24) % 24 for run in launches], dtype=float
        )
        decided = np.array(
            [np.floor(run.time + offset[run.person]) - offset[run.person] for run in launches]
        )
        usual = int(np.bincount(hours[decided < day].astype(int), minlength=24).argmax())
        tested = [run for run, moment in zip(launches, decided, strict=True) if moment >= day]
        best = np.mean([max(run.chances) for run in tested])
        nearest = [int(np.abs(np.array(run.candidates) - usual).argmin()) for run in tested]
        fixed = np.mean([run.chances[near] for run, near in zip(tested, nearest, strict=True)])
        return Ceiling(float(best / fixed - 1), "the true chance at each candidate hour")

    def _reports(self, day: float) -> tuple[float, float]:
        """Precision and recall, against what was reported, of who knows which sessions are anomalous."""
        reported = {row["sitting"] for row in rows_of(self._world)["reports"]}
        steps, length = self._world.steps, defaultdict[tuple[int, int], int](int)
        for key in zip(steps.person, steps.bout, strict=True):
            length[key] += 1
        true = both = known = 0
        for person, bouts in zip(self._world.people, self._world.bouts, strict=True):
            for index, bout in enumerate(bouts):
                if bout.start < day or length[person.number, index] < 5:
                    continue
                told = f"{person.id}-{index:04d}" in reported
                true, known = true + bool(bout.kind), known + told
                both += bool(bout.kind) and told
        return both / max(true, 1), both / max(known, 1)


_TRUTH = "which sessions are anomalous"


def _answered_within(days: float) -> float:
    """The chance that an answer comes within so many days of the offer; see `runs.Days`."""
    return float(1 - (1 + days / 0.003) ** -1.3)
