"""Every gate of every model stops the fault that was made for it, and no other gate does."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from click.testing import CliRunner

from ml_platform.adapters.plugins import spec_named
from ml_platform.application.prove import Proof, proving, stopped_by
from ml_platform.cli import gates as command
from ml_platform.errors import IntegrityError
from ml_platform.gates.faults import catalogue, metric_faults
from ml_platform.gates.faults.fixtures.registry import fixture_of
from ml_platform.gates.outcome import Verdict
from ml_platform.gates.policy import gate_names
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.task import Task

pytestmark = pytest.mark.timeout(400)
"""More than others: this file is among those that start first."""
NEW = QualityGate("beauty", "looks.beauty", Bound.LIMIT, 0.5, "nobody has seen it fail")


def _new_by_task() -> list[tuple[ModelSpec, tuple[str, ...]]]:
    """Each model with the gates that no earlier model of its task has: their fixtures are the same."""
    proved: set[tuple[str, QualityGate | str]] = set()
    models = []
    for spec in MODELS:
        quality = {gate.name: gate for gate in spec.policy.quality}
        keys = {name: (spec.task.name, quality.get(name, name)) for name in gate_names(spec.policy)}
        new = tuple(name for name, key in keys.items() if key not in proved)
        proved |= set(keys.values())
        if new:
            models.append((spec, new))
    return models


def _failures(spec: ModelSpec, gates: Iterable[str]) -> list[str]:
    """The good fixture where a gate stops it, and every proof that does not hold, in words."""
    with proving(spec) as prover:
        good = prover.good()
        failures = [f"without a fault: {stopped_by(good)}"] if stopped_by(good) else []
        assert tuple(gate.name for gate in good.gates) == gate_names(spec.policy)
        for gate in gates:
            proof = prover.prove(gate)
            if not proof.holds:
                failures.append(_in_words(proof))
    return failures


def _in_words(proof: Proof) -> str:
    result = proof.result
    return (
        f"{proof.gate}: {proof.fault.name} at {proof.strength:.2f} is stopped by {proof.stopped_by}; "
        f"{result.outcome.value}, {result.explanation}"
    )


@pytest.mark.parametrize(
    ("spec", "gates"), _new_by_task(), ids=lambda value: getattr(value, "name", "")
)
def test_each_fault_is_stopped_by_its_gate_alone(spec: ModelSpec, gates: tuple[str, ...]) -> None:
    assert _failures(spec, gates) == []


@pytest.mark.parametrize(
    ("model", "gate", "limit"),
    [
        ("suggestion_scorer", "r2", 0.654),
        ("suggestion_scorer", "r2", 0.746),
        ("suggestion_scorer", "newest_half", 0.76),
        ("suggestion_scorer", "newest_half", 0.84),
        ("suggestion_scorer", "fairness", 0.119),
        ("pattern_classifier", "accuracy", 0.824),
        ("pattern_classifier", "over_champion", -0.012),
    ],
)
def test_a_moved_limit_moves_the_fault(model: str, gate: str, limit: float) -> None:
    """By a fifth of its distance to the good fixture; `benchmarks.moved_limits` moves all limits."""
    spec = spec_named(model)
    quality = tuple(
        replace(known, limit=limit) if known.name == gate else known
        for known in spec.policy.quality
    )
    assert _failures(replace(spec, policy=replace(spec.policy, quality=quality)), [gate]) == []


def test_a_good_fixture_is_promoted() -> None:
    spec = spec_named("suggestion_scorer")
    with proving(replace(spec, policy=GatePolicy(quality=spec.policy.quality[:1]))) as prover:
        assert prover.good().verdict is Verdict.PROMOTE


def test_a_gate_without_a_fault_does_not_load() -> None:
    spec = MODELS[0]
    policy = replace(spec.policy, quality=(*spec.policy.quality, NEW))
    with pytest.raises(IntegrityError, match=r"Gate beauty \(limit looks.beauty\) has no fault"):
        catalogue.require_faults((replace(spec, policy=policy),))


def test_a_fault_that_does_nothing_is_noticed(monkeypatch) -> None:
    spec = spec_named("suggestion_scorer")
    small = replace(spec, policy=replace(spec.policy, quality=spec.policy.quality[:1]))
    monkeypatch.setattr(command, "spec_named", lambda name: small)
    monkeypatch.setattr(
        metric_faults, "poor_metric", lambda fixtures, gate, strength: fixtures.good
    )
    result = CliRunner().invoke(command.gates, ["suggestion_scorer", "--prove", "--json"])
    assert result.exit_code == 1
    lines = json.loads(result.stdout)["gates"]
    assert [line["gate"] for line in lines if not line["holds"]] == ["r2"]


def test_a_gate_that_lets_its_fault_pass_is_noticed() -> None:
    """An accuracy of more than -1 is no limit: nothing can miss it."""
    spec = spec_named("pattern_classifier")
    toothless = replace(spec.policy.quality[0], limit=-1.0)
    weak = replace(spec, policy=replace(spec.policy, quality=(toothless,)))
    with proving(weak) as prover:
        proof = prover.prove("accuracy")
    assert proof.stopped_by == ()
    assert not proof.holds


def test_the_command_lists_limits_without_a_home() -> None:
    shown = CliRunner().invoke(command.gates, ["anomaly_detector"])
    assert shown.exit_code == 0
    assert "false_alarm_rate at_most 0.015" in shown.stdout
    assert "fault: the candidate is poor in the gate's metric" in shown.stdout


def test_a_policy_without_quality_gates_has_the_others() -> None:
    assert set(catalogue.faults_of(GatePolicy(quality=()))) == set(catalogue.INTEGRITY)


@dataclass(frozen=True, kw_only=True)
class Planted(Task):
    """A task that the faults know nothing of."""

    name: ClassVar[str] = "planted"


def test_a_task_without_a_fixture_says_what_it_lacks() -> None:
    spec = replace(spec_named("pattern_classifier"), task=Planted())
    with pytest.raises(IntegrityError, match="task 'planted' has no fixture") as error:
        fixture_of(spec)
    assert "register_fixture" in error.value.remedy
