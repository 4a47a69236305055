"""`ml-platform gates`: what a model must show, and the proof that each gate stops what it should."""

import json
from dataclasses import replace
from typing import Any

import click

from ml_platform.adapters.plugins import spec_named
from ml_platform.application.home_policy import preset_or_file
from ml_platform.cli.options import json_option
from ml_platform.gates.faults.catalogue import faults_of
from ml_platform.gates.policy import gate_kinds, policy_version
from ml_platform.gates.presets import MISSION
from ml_platform.spec.model import ModelSpec


@click.command()
@click.argument("model")
@click.option("--prove", is_flag=True, help="Inject the fault of each gate, and see what it stops.")
@click.option(
    "--policy",
    metavar="PRESET|FILE",
    default=MISSION,
    help="The policy whose gates are shown and proved (default: mission).",
)
@json_option
def gates(model: str, prove: bool, policy: str, as_json: bool) -> None:
    """Every gate of MODEL with its limit and the fault that it must stop; needs no home.

    With --prove a small candidate that passes every gate gets one fault after the other. Each must be stopped by
    its own gate and by no other, by a value beyond the limit; else the exit code is 1.
    """
    spec = spec_named(model)
    spec = replace(spec, policy=preset_or_file(policy).policy_of(spec))
    lines = _described(spec)
    good = ""
    if prove:
        good = _prove(spec, lines)
    if as_json:
        version = policy_version(spec.policy)
        click.echo(json.dumps({"model": model, "policy": version, "gates": lines}))
    else:
        _show(model, lines, prove)
    if good:
        click.echo(f"The candidate without a fault is stopped by {good}.", err=True)
    if good or any(line.get("holds") is False for line in lines):
        raise SystemExit(1)


def _described(spec: ModelSpec) -> list[dict[str, Any]]:
    """A line for each gate: its kind, its limit, its fault."""
    quality = {gate.name: gate for gate in spec.policy.quality}
    kinds = gate_kinds(spec.policy)
    lines = []
    for name, fault in faults_of(spec.policy).items():
        line: dict[str, Any] = {
            "gate": name,
            "kind": kinds[name].value,
            "fault": fault.name,
            "does": fault.does,
        }
        if gate := quality.get(name):
            line |= {"metric": gate.metric, "bound": gate.bound.value, "limit": gate.limit}
            line |= {"why": gate.why, "decides": gate.decides}
        lines.append(line)
    return lines


def _prove(spec: ModelSpec, lines: list[dict[str, Any]]) -> str:
    """Add to each line what its fault showed; the gates that stop even the candidate without a fault."""
    from ml_platform.application.prove import proving, stopped_by

    with proving(spec) as prover:
        good = stopped_by(prover.good())
        for line in lines:
            click.echo(f"  {line['gate']}: {line['does']}", err=True)
            proof = prover.prove(line["gate"])
            line |= {
                "stopped_by": proof.stopped_by,
                "outcome": proof.result.outcome.value,
                "verdict": proof.decision.verdict.value.upper(),
                "explanation": proof.result.explanation,
                "holds": proof.holds,
            }
    return ", ".join(good)


def _show(model: str, lines: list[dict[str, Any]], proved: bool) -> None:
    click.echo(f"{model}: {len(lines)} gates")
    for line in lines:
        asks = f"{line['metric']} {line['bound']} {line['limit']:g}" if "metric" in line else ""
        asks += "" if line.get("decides", True) else " (reported only)"
        click.echo(f"  {line['gate']:24} {asks:44} fault: {line['does']}")
        if not proved:
            continue
        by = ", ".join(line["stopped_by"]) or "nothing"
        verb = "stopped" if line.get("decides", True) else "noticed"
        mark = "as it should be" if line["holds"] else "NOT BY ITS GATE ALONE, BEYOND ITS LIMIT"
        click.echo(f"    {line['verdict']}, {verb} by {by}: {mark}")
        click.echo(f"    {line['explanation']}")
