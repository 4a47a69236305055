"""Whether a changed limit breaks a fixture: one limit moved at a time, and its gate proved again.

    python -m benchmarks.moved_limits [MODEL ...] [--gate NAME ...]

Each limit is moved by a fifth of its distance to the value that the good fixture has, once towards that value
and once away from it; all other limits stay. A limit at which the good fixture itself stands is not
moved. The exit code is 1 if a proof does not hold. Without a model, the first model of
every task is proved.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace

from ml_platform.adapters.plugins import spec_named
from ml_platform.application.prove import Proof, proving
from ml_platform.models.catalogue import MODELS
from ml_platform.spec.gates import QualityGate
from ml_platform.spec.model import ModelSpec

SHARE = 0.2
"""How far a limit is moved, as a share of its distance to the value of the good fixture."""
LEAST = {"quality.weakest": 1.0, "explanations.stability": 0.05}
"""The least limit of each metric that a candidate can miss: the lowest score, about the agreement of chance."""


def moved_limits(
    spec: ModelSpec, gates: tuple[str, ...] = ()
) -> Iterator[tuple[QualityGate, Proof]]:
    """Every moved gate (all gates if none is named) with the proof of it under its moved limit."""
    with proving(spec) as prover:
        good = {result.name: result.value for result in prover.good().gates}
    for gate in spec.policy.quality:
        value = good[gate.name]
        if value is None or value == gate.limit or (gates and gate.name not in gates):
            continue
        for share in (SHARE, -SHARE):
            limit = gate.limit + share * (value - gate.limit)
            moved = replace(gate, limit=max(limit, LEAST.get(gate.metric, limit)))
            if moved == gate:
                continue
            quality = tuple(moved if each is gate else each for each in spec.policy.quality)
            policy = replace(spec.policy, quality=quality)
            with proving(replace(spec, policy=policy)) as prover:
                yield moved, prover.prove(gate.name)


def main() -> int:
    """Prove and show each moved limit."""
    first_of_task: dict[str, str] = {}
    for spec in MODELS:
        first_of_task.setdefault(spec.task.name, spec.name)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="*", default=list(first_of_task.values()))
    parser.add_argument("--gate", action="append", default=[])
    arguments = parser.parse_args()
    failures = 0
    for name in arguments.models:
        spec = spec_named(name)
        limits = {gate.name: gate.limit for gate in spec.policy.quality}
        for gate, proof in moved_limits(spec, tuple(arguments.gate)):
            failures += not proof.holds
            result = proof.result
            print(
                f"{'holds' if proof.holds else 'FAILS'} {name} {gate.name} {limits[gate.name]:g} -> "
                f"{gate.limit:.4g}: {proof.fault.name} at {proof.strength:.3f} is stopped by "
                f"{', '.join(proof.stopped_by) or 'nothing'}; {result.explanation}",
                flush=True,
            )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
