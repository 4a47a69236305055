"""What the guard of a rollout sees in the log of answers; sums of what is over are remembered between two looks.

Nothing that is remembered is needed: whoever looks for the first time sees the same. A look reads the answers of
the last minutes; those before are read anew from time to time, since answers that lay in a spool come late.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_platform.adapters.serving.rollout_traffic import Window
from ml_platform.assignment.split import Split, grown_to
from ml_platform.evaluation.tasks.adapter import TaskAdapter
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.registry.rollout.last_look import Observed
from ml_platform.registry.rollout.policy import Guardrail
from ml_platform.registry.rollout.progress import Rollout
from ml_platform.serving.rollout_evidence import (
    Comparison,
    Entries,
    UsersBefore,
    comparison,
    is_blind,
    observed_rates,
    rate_evidence,
)
from ml_platform.serving.rollout_quality import Losses, losses, mean_evidence, observed_mean
from ml_platform.serving.router import rollout_salt
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.adapters.serving.rollout_traffic import RolloutTraffic

HISTORY = timedelta(days=14)
"""How far back the answers reach by which it is known what to expect of each user."""
ANEW_EVERY = timedelta(minutes=10)
"""How often everything is read anew, and outcomes are looked for."""
_OVER_AFTER = timedelta(minutes=5)
RATES = (Guardrail.ERRORS, Guardrail.LATENCY)
MEANS = (Guardrail.METRIC, Guardrail.CALIBRATION)


@dataclass(frozen=True)
class _Settled:
    """What a part is compared by: settled by what was answered before it began."""

    users: UsersBefore
    compared: Comparison
    split: Split | None
    losses: dict[Guardrail, Losses]


@dataclass
class RolloutPart:
    """One part of a rollout, in shadow or in arms, and what is remembered of it."""

    spec: ModelSpec
    rollout: Rollout
    shadow: bool
    _settled: _Settled | None = None
    _entries: Entries | None = None
    _read_at: datetime | None = None
    _means: dict[Guardrail, float] = field(default_factory=dict)
    _observed_means: dict[Guardrail, Observed] = field(default_factory=dict)

    def evidence(
        self, traffic: "RolloutTraffic", rollout: Rollout, now: datetime
    ) -> dict[Guardrail, float]:
        """Logarithms of the evidence of each guardrail, those that are blind left out; 0 before the part begins.

        Raises:
            ServiceError: the log cannot be read.
        """
        self.rollout = rollout
        window = self._window(now)
        if window is None:
            return dict.fromkeys((*RATES, *MEANS), 0.0)
        if self._settled is None:
            self._settled = self._settle(traffic, window.starts[0])
        settled = self._settled
        anew = self._read_at is None or now - self._read_at >= ANEW_EVERY
        is_over = window.until < now - _OVER_AFTER
        if anew or not is_over:
            self._entries = self._read(traffic, settled, window, None if anew else self._entries)
        if anew:
            self._means = self._matured(traffic, settled, window, now)
            self._read_at = now
        assert self._entries is not None
        minutes = settled.compared.minutes
        sums = self._entries.consecutive(window.starts, window.until, minutes)
        rules = [rule for rule in rollout.policy.guardrails if rule.guardrail in RATES]
        if not self.shadow and is_blind(sums, minutes):
            return dict(self._means)
        rates = {rule.guardrail: rate_evidence(rule, settled.compared, sums) for rule in rules}
        return rates | self._means

    def answers_in_step(self) -> int:
        """Answers of the version in the present step, if that is one of this part."""
        step = len(self.rollout.steps_since) - 1
        if self._entries is None or self.shadow != (step == 0):
            return 0
        return self._entries.answers_in(0 if self.shadow else step - 1)

    def observed(self) -> dict[Guardrail, Observed]:
        """The figures of both arms of this part by guardrail, as far as both have any."""
        rates = observed_rates(self._entries) if self._entries is not None else {}
        return rates | self._observed_means

    def _window(self, now: datetime) -> Window | None:
        """The answers of the part so far; ``None`` before it begins."""
        first, *later = self.rollout.steps_since
        starts = (first,) if self.shadow else tuple(later)
        until = later[0] if self.shadow and later else now
        if not starts or until <= starts[0]:
            return None
        return Window(
            self.rollout.model, str(self.rollout.version), starts, until, shadow=self.shadow
        )

    def _settle(self, traffic: "RolloutTraffic", start: datetime) -> _Settled:
        rollout, split = self.rollout, None
        if not self.shadow:
            salt = rollout_salt(rollout.model, str(rollout.version))
            split = grown_to(salt, rollout.steps[1].share, rollout.policy.left_behind)
        users = traffic.users_before(rollout.model, start - HISTORY, start)
        matured = traffic.matured_before(rollout.model, start - HISTORY, start)
        return _Settled(users, comparison(users, split), split, self._losses(matured))

    def _read(
        self,
        traffic: "RolloutTraffic",
        settled: _Settled,
        window: Window,
        known: Entries | None,
    ) -> Entries:
        """The sums of the part; of what is over those that are ``known``."""
        length = timedelta(minutes=settled.compared.minutes)
        over = window.until - _OVER_AFTER - length
        step = sum(start <= over for start in window.starts) - 1
        if known is None or step < 0:
            return traffic.stretches(window, settled.users, settled.compared, window.starts[0])
        place = (over - window.starts[step]) // length
        since = window.starts[step] + place * length
        newer = traffic.stretches(window, settled.users, settled.compared, since)
        return known.updated(newer, step, place)

    def _matured(
        self, traffic: "RolloutTraffic", settled: _Settled, window: Window, now: datetime
    ) -> dict[Guardrail, float]:
        seen = self._losses(traffic.matured(window, settled.users, settled.compared, now))
        means = {each: observed_mean(each, values) for each, values in seen.items()}
        self._observed_means = {each: mean for each, mean in means.items() if mean is not None}
        return {
            rule.guardrail: mean_evidence(
                rule, settled.losses[rule.guardrail], seen[rule.guardrail], settled.split
            )
            if rule.guardrail in seen
            else 0.0
            for rule in self.rollout.policy.guardrails
            if rule.guardrail in MEANS
        }

    def _losses(self, matured: Any) -> dict[Guardrail, Losses]:
        adapter: TaskAdapter[Any] = adapter_of(self.spec.task)
        metric = self.spec.monitored_metric
        found = {each: losses(each, adapter, metric, matured) for each in MEANS}
        return {each: values for each, values in found.items() if values is not None}
