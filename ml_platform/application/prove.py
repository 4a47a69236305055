"""The proof that gates work: a fault is injected into a good fixture, and its gate alone must stop the candidate.

Every fault that can be done more or less is done as little as its gate's limit allows, so that a changed limit
changes the fault, and no other gate is missed on the way.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ml_platform.application.evaluate_fixture import FixtureEvaluation
from ml_platform.gates.faults.catalogue import Fault, faults_of
from ml_platform.gates.outcome import Decision, GateResult
from ml_platform.spec.gates import Bound, QualityGate
from ml_platform.spec.model import ModelSpec

if TYPE_CHECKING:
    from ml_platform.gates.faults.fixture import Fixture
    from ml_platform.gates.faults.fixtures.task_fixture import TaskFixture

TRIALS = 6
"""Strengths that are tried after full strength; by then they differ by a hundredth."""


@dataclass(frozen=True)
class Proof:
    """The decision of the gates on a fixture with a fault."""

    gate: str
    fault: Fault
    strength: float
    """The strength of the fault in [0, 1]; 1 where a fault is either injected or not."""
    decision: Decision

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """The gates that do not let the candidate pass, in their order."""
        return stopped_by(self.decision)

    @property
    def result(self) -> GateResult:
        """The result of the gate that the fault is meant for."""
        return _result_of(self.decision, self.gate)

    @property
    def holds(self) -> bool:
        """Whether this gate alone stops the candidate, with the outcome it should have, beyond its limit."""
        return (
            self.stopped_by == (self.gate,)
            and self.result.outcome is self.fault.outcome
            and value_beyond_limit(self.result)
        )


def stopped_by(decision: Decision) -> tuple[str, ...]:
    """The names of the gates that do not let the candidate pass, in their order, also of those that only report."""
    return tuple(gate.name for gate in decision.gates if gate.outcome.stops)


def value_beyond_limit(result: GateResult) -> bool:
    """Whether the value of a quality gate lies on the wrong side of its limit, not only an end of its interval.

    A gate without a bound (a hash, a count of clusters) is beyond its limit when it does not pass.
    """
    if result.bound is None:
        return result.outcome.stops
    if result.value is None or result.limit is None:
        return False
    if result.bound is Bound.AT_MOST:
        return result.value > result.limit
    return result.value <= result.limit


def beyond_limit(result: GateResult) -> bool:
    """Whether the whole interval of a quality gate lies on the wrong side of its limit."""
    if result.low is None or result.high is None or result.limit is None:
        return False
    if result.bound is Bound.AT_MOST:
        return result.low > result.limit
    return result.high <= result.limit


@contextmanager
def proving(spec: ModelSpec) -> Iterator["GateProver"]:
    """A prover of the gates of ``spec``, with a folder of its own that is removed at the end; it needs no home.

    Linear algebra runs in one thread: on matrices as small as these, more threads only wait for each other.

    Raises:
        IntegrityError: the task of the model has no fixture, or a gate of its policy no fault.
    """
    from threadpoolctl import threadpool_limits

    from ml_platform.gates.faults.fixtures.registry import fixture_of

    fixtures, faults = fixture_of(spec), faults_of(spec.policy)
    with (
        tempfile.TemporaryDirectory(prefix="ml-platform-gates-") as folder,
        threadpool_limits(limits=1),
    ):
        yield GateProver(spec, fixtures, faults, FixtureEvaluation(Path(folder)))


@dataclass(frozen=True)
class GateProver:
    """Proves one gate after the other."""

    spec: ModelSpec
    fixtures: "TaskFixture"
    faults: dict[str, Fault]
    evaluation: FixtureEvaluation

    def good(self) -> Decision:
        """The decision on the fixture without a fault: every gate must pass."""
        return self.evaluation.decide(self.fixtures.good)

    def prove(self, gate: str) -> Proof:
        """Inject the fault of ``gate`` and decide."""
        fault = self.faults[gate]
        inject = getattr(import_module(f"ml_platform.gates.faults.{fault.module}"), fault.name)
        quality_gates = {quality.name: quality for quality in self.spec.policy.quality}
        quality = quality_gates.get(gate)
        if quality is None:
            return Proof(gate, fault, 1.0, self.evaluation.decide(inject(self.fixtures)))
        if not fault.has_strength:
            fixture = inject(self.fixtures, quality, 1.0)
            return Proof(gate, fault, 1.0, self.evaluation.decide(fixture))
        strength, fixture = self._weakest(quality, inject)
        return Proof(gate, fault, strength, self.evaluation.decide(fixture))

    def _weakest(
        self, gate: QualityGate, inject: "Callable[[TaskFixture, QualityGate, float], Fixture]"
    ) -> "tuple[float, Fixture]":
        """The smallest strength, about, at which the gate fails for certain, and its fixture.

        Between a strength that is too weak and one that is strong enough the metric is taken to be linear; the
        search ends where the interval ends close behind the limit.
        """
        weak, weak_result = 0.0, self.evaluation.gate_alone(self.fixtures.good, gate)
        strong, fixture = 1.0, inject(self.fixtures, gate, 1.0)
        strong_result = self.evaluation.gate_alone(fixture, gate)
        for _ in range(TRIALS):
            if not beyond_limit(strong_result) or _is_close(strong_result):
                break
            strength = _between(weak, weak_result, strong, strong_result)
            if (
                weak > 0.0
            ):  # The last aim was too low: the metric bends, so go half the way at least.
                strength = max(strength, (weak + strong) / 2)
            tried = inject(self.fixtures, gate, strength)
            result = self.evaluation.gate_alone(tried, gate)
            if beyond_limit(result):
                strong, strong_result, fixture = strength, result, tried
            else:
                weak, weak_result = strength, result
        return strong, fixture


def _is_close(result: GateResult) -> bool:
    """Whether the value is less than two half intervals beyond the limit."""
    assert result.value is not None
    assert result.limit is not None
    return abs(result.value - result.limit) < 2 * _half_width(result)


def _half_width(result: GateResult) -> float:
    """The half of the interval that reaches from the value towards the limit."""
    assert result.value is not None
    near = result.low if result.bound is Bound.AT_MOST else result.high
    assert near is not None
    return abs(near - result.value)


def _between(weak: float, below: GateResult, strong: float, above: GateResult) -> float:
    """The strength at which the value should be one and a half half intervals beyond the limit."""
    middle = (weak + strong) / 2
    if below.value is None or above.value is None or above.limit is None:
        return middle
    way = above.value - below.value
    if not way:
        return middle
    half_width = max(_half_width(below), _half_width(above))
    margin = 1.5 * half_width * (1 if way > 0 else -1)
    share = (above.limit + margin - below.value) / way
    return weak + (strong - weak) * min(max(share, 0.1), 0.9)


def _result_of(decision: Decision, gate: str) -> GateResult:
    return next(result for result in decision.gates if result.name == gate)
