"""Every gate of every model is seen stopping its fault, and nothing else does."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from ml_platform.cli import gates as command
from ml_platform.defs import build
from ml_platform.errors import IntegrityError
from ml_platform.gates.faults import catalogue
from ml_platform.gates.faults.fixture import decided, stopped_by
from ml_platform.gates.faults.task_fixtures import bench_of
from ml_platform.gates.outcome import Verdict
from ml_platform.gates.policy import gate_names
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.gates import Bound, GatePolicy, QualityGate
from ml_platform.spec.model import ModelSpec

NEW = QualityGate("beauty", "beauty", Bound.LIMIT, 0.5, "nobody has seen it fail")


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.name)
def test_a_good_bench_passes_every_gate(spec) -> None:
    decision = decided(bench_of(spec))
    assert stopped_by(decision) == ()
    assert decision.verdict is Verdict.PROMOTE
    assert tuple(gate.name for gate in decision.gates) == gate_names(spec.policy)


def _to_prove() -> list[tuple[ModelSpec, str]]:
    """Every gate once a task and fault: models of one task have the same benches."""
    seen, found = set(), []
    for spec in MODELS:
        for gate, fault in catalogue.faults_of(spec.policy).items():
            key = (type(spec.task), gate, fault)
            if key not in seen:
                seen.add(key)
                found.append((spec, gate))
    return found


@pytest.mark.parametrize(
    ("spec", "gate"), _to_prove(), ids=lambda value: getattr(value, "name", value)
)
def test_a_saboteur_is_stopped_by_its_gate_and_by_no_other(spec: ModelSpec, gate: str) -> None:
    assert stopped_by(catalogue.send(spec, gate)) == (gate,)


def test_a_gate_without_a_saboteur_does_not_load(monkeypatch) -> None:
    spec = MODELS[0]
    policy = replace(spec.policy, quality=(*spec.policy.quality, NEW))
    monkeypatch.setattr(build, "MODELS", (replace(spec, policy=policy),))
    with pytest.raises(IntegrityError, match=r"Gate beauty \(limit beauty\) has no fault"):
        build.build_definitions()


def test_a_saboteur_that_does_nothing_is_noticed(monkeypatch) -> None:
    spec = MODELS[1]
    small = replace(spec, policy=replace(spec.policy, quality=spec.policy.quality[:1]))
    monkeypatch.setattr(command, "spec_named", lambda name: small)
    monkeypatch.setitem(catalogue.FAULTS, (Bound.LIMIT, "r2"), "challenged_as_good")
    result = CliRunner().invoke(command.gates, ["suggestion_scorer", "--prove", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [line["gate"] for line in told["gates"] if not line["holds"]] == ["r2"]


def test_the_command_lists_limits_without_a_home() -> None:
    shown = CliRunner().invoke(command.gates, ["anomaly_detector"])
    assert shown.exit_code == 0
    assert "false_alarm_rate at_most 0.015" in shown.stdout
    assert "fault: many_alarms" in shown.stdout


def test_a_policy_without_quality_gates_has_the_others() -> None:
    assert set(catalogue.faults_of(GatePolicy(quality=()))) == set(catalogue.INTEGRITY)
