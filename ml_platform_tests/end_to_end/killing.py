"""A run that is killed with SIGKILL at a moment of its progress, and started again."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_platform_tests.end_to_end.command import begun, lines_until, nothing_left, told
from ml_platform_tests.end_to_end.fault_checker import faults_of


@dataclass(frozen=True)
class Killed:
    """What was found after a kill and a second run; equal for equal simulations, wherever it was killed."""

    events: str
    training_set: str
    artifact: str
    in_production: int | None
    versions: int
    faults: tuple[str, ...]
    """What the checker of faults says (`fault_checker`)."""


@dataclass(frozen=True)
class Moment:
    """So many seconds after a step has started; after the command was, where no step is named."""

    step: str
    seconds: float


def killed(home: Path, simulation: tuple[str, ...], moment: Moment) -> bool:
    """Start a run and kill it at a moment; whether it was still running."""
    with begun(home, "run", *simulation) as running:
        if moment.step:
            lines_until(running.error_lines(), moment.step)
        time.sleep(moment.seconds)
        return running.kill()


def kill_and_run_again(
    home: Path, simulation: tuple[str, ...], moment: Moment
) -> tuple[bool, Killed]:
    """Kill the run at a moment (whether it was still running), run again, look at everything."""
    return killed(home, simulation, moment), outcome(home, simulation)


def outcome(home: Path, simulation: tuple[str, ...], *, fresh: bool = False) -> Killed:
    """A run to its end, and what it left."""
    printed = told(home, "run", *simulation, fresh=fresh)
    (name,) = printed["models"]
    model: dict[str, Any] = printed["models"][name]
    status = told(home, "status")["models"][name]
    nothing_left(home)
    return Killed(
        events=printed["fingerprints"]["events"],
        training_set=model["fingerprints"]["training_set"],
        artifact=model["fingerprints"]["artifact"],
        in_production=model["in_production"],
        versions=len(status["versions"]),
        faults=tuple(faults_of(home)),
    )
