"""What a version in shadow costs those who ask: latencies with and without one, in turns.

    python -m benchmarks.shadow_cost --home HOME [--model pattern_classifier] [--rate 1000]
        [--seconds 8] [--turns 3]

The version of HOME that answers for the model is put into a home of its own, where `ml-platform serve` answers by
it. It is sent ``--rate`` requests a second in an open loop, then as many while a second version, the same model,
is asked in shadow for each of them, then without it again. Compared are the medians over the turns.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.http_load import OpenLoop, Requests, Result, run_load
from benchmarks.serving import Version, version_of
from ml_platform.adapters.artifact_files import import_kind, read_artifact
from ml_platform.adapters.services import services
from ml_platform.adapters.serving.state_file import read_state
from ml_platform.application.change_version import asked
from ml_platform.application.connections import Connections
from ml_platform.application.roll_back import roll_back
from ml_platform.application.rollout_policy import set_rollout_policy
from ml_platform.registry.rollout.policy import Newer, RampStep
from ml_platform.settings import Settings
from ml_platform.spec.artifact import Artifact
from ml_platform_tests.application.homes import registered
from ml_platform_tests.end_to_end.running_service import (
    MODEL,
    RunningService,
    running_service,
)

STAYS = (RampStep(0.0, 1_000_000_000, 0.0), RampStep(1.0, 1, 0.0))
"""A ramp that does not leave its shadow."""
MOST_ROWS = 20_000


def asked_version(home: Path, model: str) -> tuple[Version, Artifact]:
    """What answers for a model of a home, and rows for it."""
    settings = Settings(home, None, None, None)
    with services(settings, tracking=False):
        platform = Connections(settings)
        version = version_of(platform, model, MOST_ROWS)
        sha256 = platform.ledger.version(model, int(version.name)).artifact_sha256
    artifact = read_artifact(version.folder, sha256)
    import_kind(artifact.kind)
    return version, artifact


def variant(artifact: Artifact, number: int) -> Artifact:
    """The same model as another artifact: lines are empty at the end of a JSON file of it."""
    name = min(name for name in artifact.files if name.endswith(".json"))
    return replace(artifact, files={**artifact.files, name: artifact.files[name] + b"\n" * number})


def begin_shadow(service: RunningService, artifact: Artifact) -> None:
    """Let a version be asked in shadow."""
    set_rollout_policy(
        service.platform, "ramp", needs_approval=False, newer=Newer.WAITS, steps=STAYS
    )
    service.promote(registered(service.platform, artifact, model=MODEL))
    until = time.monotonic() + 60
    while not is_on(service):
        assert time.monotonic() < until, "the service does not follow the rollout"
        time.sleep(0.1)


def is_on(service: RunningService) -> bool:
    """Whether the service knows of a rollout."""
    state = read_state(service.settings.serving)
    return state is not None and state.table.models[MODEL].rollout is not None


def in_shadow(service: RunningService) -> dict[str, float]:
    """How many answers were sent to the shadow, and how many dropped."""
    headers = {"Authorization": f"Bearer {service.key}"}
    text = httpx.get(f"{service.address}/metrics", headers=headers, timeout=30).text
    lines = [line for line in text.splitlines() if "shadow" in line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def measured(
    service: RunningService, artifact: Artifact, requests: Requests, options: argparse.Namespace
) -> tuple[list[Result], list[Result]]:
    """The turns without a shadow, and those with one."""
    loop = OpenLoop(options.rate, seconds=options.seconds, warm_up=3)
    alone: list[Result] = []
    shadowed: list[Result] = []
    for turn in range(options.turns):
        alone.append(run_load(requests, loop))
        begin_shadow(service, variant(artifact, turn + 1))
        shadowed.append(run_load(replace(requests, first=alone[-1].next_body), loop))
        roll_back(service.platform, MODEL, asked(service.platform, "benchmark", "the next turn"))
        requests = replace(requests, first=shadowed[-1].next_body)
    return alone, shadowed


def line(name: str, turns: Sequence[Result]) -> str:
    """The medians over turns."""
    p50, p99 = (statistics.median(getattr(turn, key) for turn in turns) for key in ("p50", "p99"))
    each = ", ".join(f"{turn.p99:.1f}" for turn in turns)
    return f"{name:<12}p50 {p50:.2f} ms, p99 {p99:.2f} ms (p99 by turn: {each})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--model", default="pattern_classifier")
    parser.add_argument("--rate", type=float, default=1_000.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    version, artifact = asked_version(options.home.resolve(), options.model)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder), "--workers", "1", "--guard-every", "0.5") as service,
    ):
        service.promote(registered(service.platform, artifact, model=MODEL))
        bodies = [
            json.dumps({"model": MODEL, "features": features, "user_id": user})
            for features, user in zip(version.rows.features, version.rows.users, strict=True)
        ]
        headers = {
            "Authorization": f"Bearer {service.key}",
            "Content-Type": "application/json",
        }
        requests = Requests(f"{service.address}/api/ml/predict", bodies, headers)
        alone, shadowed = measured(service, artifact, requests, options)
        counts = in_shadow(service)
    print(f"{options.model}, {options.rate:g} requests a second, one worker")
    print(line("alone", alone))
    print(line("with shadow", shadowed))
    print(", ".join(f"{name} {count:g}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
