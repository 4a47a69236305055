"""Faults of how good the candidate is: by itself, beside the rules, the champion or the model it challenges.

Each has a strength in [0, 1]: at 0 it does next to nothing. `ml_platform.application.prove` looks for the
strength at which the gate in question is missed for certain.
"""

from dataclasses import replace

from ml_platform.gates.faults.fixture import Fixture
from ml_platform.gates.faults.fixtures.task_fixture import TaskFixture
from ml_platform.gates.faults.spoilt_scorers import Instead, drawn
from ml_platform.spec.gates import Bound, QualityGate


def poor_metric(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """The candidate is poor in the gate's metric."""
    return fixtures.poorer(gate.metric, strength)


def better_comparison(fixtures: TaskFixture, gate: QualityGate, strength: float) -> Fixture:
    """What the gate compares the candidate with is better in the gate's metric.

    Up to a strength of one half it is better in more and more rows; beyond, the candidate also gets poorer, where
    it was too good to be beaten by much.
    """
    share = min(2 * strength, 1.0)
    fixture = fixtures.good if strength <= 0.5 else fixtures.beatable(2 * strength - 1.0)
    better, where = fixtures.better(fixture, gate.metric), drawn(share)
    if gate.bound is Bound.BASELINE:
        return replace(fixture, baseline=Instead(fixture.baseline, better, where))
    if gate.bound is Bound.CHAMPION:
        return replace(fixture, champion=Instead(fixture.champion, better, where))
    return replace(fixture, challenged=Instead(fixture.challenged, better, where))
