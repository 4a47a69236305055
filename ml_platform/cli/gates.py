"""`ml-platform gates`: what a model must show, and, proved on the spot, that each gate stops what it should."""

import json
from typing import Any

import click

from ml_platform.adapters.plugins import spec_named
from ml_platform.cli.options import json_option
from ml_platform.gates.faults.catalogue import faults_of, send
from ml_platform.gates.policy import gate_kinds, policy_version
from ml_platform.spec.model import ModelSpec


@click.command()
@click.argument("model")
@click.option("--prove", is_flag=True, help="Send each gate's fault, and see what it stops.")
@json_option
def gates(model: str, prove: bool, as_json: bool) -> None:
    """Every gate of MODEL with its limit and its fault; needs no home.

    With --prove a small candidate that passes every gate is spoilt in one way after the other: each fault
    must be stopped by its own gate and by no other, else the exit code is 1.
    """
    spec = spec_named(model)
    told = _told(spec)
    if prove:
        for line in told:
            click.echo(f"  sending {line['fault']} against {line['gate']}", err=True)
            line |= _proof(spec, line["gate"])
    if as_json:
        version = policy_version(spec.policy)
        click.echo(json.dumps({"model": model, "policy": version, "gates": told}))
    else:
        _show(model, told, prove)
    if any(line.get("holds") is False for line in told):
        raise SystemExit(1)


def _told(spec: ModelSpec) -> list[dict[str, Any]]:
    quality = {gate.name: gate for gate in spec.policy.quality}
    kinds = gate_kinds(spec.policy)
    lines = []
    for name, fault in faults_of(spec.policy).items():
        line: dict[str, Any] = {"gate": name, "kind": kinds[name].value, "fault": fault}
        if gate := quality.get(name):
            line |= {"metric": gate.metric, "bound": gate.bound.value, "limit": gate.limit}
            line["why"] = gate.why
        lines.append(line)
    return lines


def _proof(spec: ModelSpec, gate: str) -> dict[str, Any]:
    from ml_platform.gates.faults.fixture import stopped_by

    decision = send(spec, gate)
    stopped = stopped_by(decision)
    explanation = next(g.explanation for g in decision.gates if g.name == gate)
    verdict = decision.verdict.value.upper()
    return {
        "stopped_by": stopped,
        "verdict": verdict,
        "explanation": explanation,
        "holds": stopped == (gate,),
    }


def _show(model: str, told: list[dict[str, Any]], proved: bool) -> None:
    click.echo(f"{model}: {len(told)} gates")
    for line in told:
        asks = f"{line['metric']} {line['bound']} {line['limit']:g}" if "metric" in line else ""
        click.echo(f"  {line['gate']:24} {asks:44} fault: {line['fault']}")
        if not proved:
            continue
        by = ", ".join(line["stopped_by"]) or "nothing"
        mark = "as it should be" if line["holds"] else "NOT BY ITS GATE ALONE"
        click.echo(f"    {line['verdict']}, stopped by {by}: {mark}")
        click.echo(f"    {line['explanation']}")
