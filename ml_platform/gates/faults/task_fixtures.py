"""A bench for every task: its world, and scorers that are known to be good, middling and best."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.evaluation.evaluate import Compared
from ml_platform.gates.faults.fixture import Bench
from ml_platform.gates.faults.fixture_rows import (
    DAY,
    HINT,
    TRUTH,
    Size,
    frame,
    training_set_of,
    users_of,
)
from ml_platform.gates.faults.fixture_scorers import Level, LevelReader, Question, Reader
from ml_platform.spec.model import ModelSpec, Scorer
from ml_platform.spec.task import (
    NO,
    SOON,
    YES,
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
)

if TYPE_CHECKING:
    from ml_platform.spec.training_set import TrainingSet

STEPS = ("build", "docs", "feature", "fix")
STEP_PRIORS = (0.04, 0.2, 0.3, 0.46)
SHARES_SPREAD, OUTCOMES_SPREAD = 1.5, 1.8
"""Standard deviation of log odds among users: of shares, and of single answers."""
ITEMS = tuple(f"workflow-{number:02d}" for number in range(12))


USUAL = Size()
MANY = 3_200
"""Clusters where what is compared between groups is rare."""
_ALIKE, _ALL_ALIKE = ("a", "b", "c"), tuple("abcdefg")
"""Copies of evidence in a world in which all tells as much: of each question, of the only one that counts."""


@dataclass(frozen=True)
class World:
    """What a fault may change of a world."""

    size: Size = USUAL
    gain: float = 1.0
    """How telling the evidence is, relative to a world in which every gate passes."""
    rate: float = 0.05
    """ProportionRegression of anomalies, and of steps with a need."""
    threshold: float = 0.5
    within: float = 1.0
    """How much the candidate times of one launch differ, relative to a world in which every gate passes."""
    alike: bool = False
    """All evidence tells as much, so that which of it counts is a matter of chance."""
    even: float = 1.0
    """How much log odds differ among users, relative to a world in which every gate passes."""
    binary: bool = False
    """Shares are single yes-or-no answers."""
    seed: int = 0


def bench_of(spec: ModelSpec, world: World | None = None) -> Bench:
    """A bench of the model's task and policy, in which every gate passes unless ``world`` prevents it."""
    world = world or World()
    if world.size == USUAL and isinstance(spec.task, SequencePrediction | Detection):
        world = replace(world, size=replace(USUAL, clusters=MANY))
    match spec.task:
        case Classification():
            return _classes(spec, world)
        case SequencePrediction():
            return _sequence(spec, world)
        case Detection():
            return _detection(spec, world)
        case ProportionRegression():
            return _share(spec, world)
        case OffPolicyChoice():
            return _replay(spec, world)
        case Ranking():
            return _ranking(spec, world)


def _steps(world: World) -> Question:
    priors = (0.25,) * len(STEPS) if world.alike else STEP_PRIORS
    return Question("e", priors, _gains(world, 2.6, 1.8))


def _needs(head: str, world: World, gain: float) -> Question:
    gains = _gains(world, gain, 0.7 * gain, _ALL_ALIKE)
    return Question(head, (1 - world.rate, world.rate), gains)


def _gains(
    world: World, first: float, second: float, alike: tuple[str, ...] = _ALIKE
) -> dict[str, float]:
    """Of each copy of the evidence: together as telling as two are."""
    if not world.alike:
        return {"a": first * world.gain, "b": second * world.gain}
    each = float(np.hypot(first, second)) / np.sqrt(len(alike))
    return dict.fromkeys(alike, each * world.gain)


def _noises(world: World, first: float, second: float) -> dict[str, float]:
    """The same of evidence about a level."""
    if not world.alike:
        return {"a": first / world.gain, "b": second / world.gain}
    each = float(np.sqrt(len(_ALIKE) / (first**-2 + second**-2)))
    return dict.fromkeys(_ALIKE, each / world.gain)


def _features(world: World, *asked: Question | Level) -> tuple[str, ...]:
    """Evidence, the clock and the hint; in a world in which all is alike only the evidence."""
    evidence = tuple(name for each in asked for name in each.features)
    return evidence if world.alike else (*evidence, DAY, HINT)


def _generator(world: World, part: int) -> np.random.Generator:
    return np.random.default_rng([world.seed, part])


def _classes(spec: ModelSpec, world: World) -> Bench:
    question, parts = _steps(world), []
    for part in (0, 1):
        generator = _generator(world, part)
        truth = generator.choice(len(STEPS), world.size.total, p=question.priors)
        columns = {spec.label: np.array(STEPS)[truth], TRUTH: truth.astype(np.float64)}
        parts.append(frame(world.size, part, columns | question.draw(truth, generator)))
    rows = training_set_of(spec, STEPS, _features(world, question), parts)
    return _bench(spec, world, rows, Reader(STEPS, (question,)))


def _sequence(spec: ModelSpec, world: World) -> Bench:
    world = replace(world, rate=0.2)
    steps, soon, parts = _steps(replace(world, alike=False)), _needs("n", world, 2.9), []
    assert isinstance(spec.task, SequencePrediction)
    for part in (0, 1):
        generator = _generator(world, part)
        truth = generator.choice(len(STEPS), world.size.total, p=steps.priors)
        need = (generator.random(world.size.total) < world.rate).astype(np.int64)
        columns = {
            spec.label: np.array(STEPS)[truth],
            spec.task.soon: np.array((NO, YES))[need],
            TRUTH: truth.astype(np.float64),
        }
        seen = steps.draw(truth, generator) | soon.draw(need, generator)
        parts.append(frame(world.size, part, columns | seen))
    classes = (*STEPS, SOON)
    rows = training_set_of(spec, classes, _features(world, soon, steps), parts)
    return _bench(spec, world, rows, Reader(classes, (steps, soon), single=(False, True)))


def _detection(spec: ModelSpec, world: World) -> Bench:
    question, parts = _needs("d", world, 3.3), []
    for part in (0, 1):
        generator = _generator(world, part)
        truth = (generator.random(world.size.total) < world.rate).astype(np.int64)
        columns = {spec.label: np.array((NO, YES))[truth], TRUTH: truth.astype(np.float64)}
        parts.append(frame(world.size, part, columns | question.draw(truth, generator)))
    rows = training_set_of(spec, (NO, YES), _features(world, question), parts)
    return _bench(spec, world, rows, Reader((NO, YES), (question,), threshold=world.threshold))


def _share(spec: ModelSpec, world: World) -> Bench:
    spread = world.even * (OUTCOMES_SPREAD if world.binary else SHARES_SPREAD)
    level = Level("s", (0.0,), spread, _noises(world, 0.3 * spread, 0.6 * spread))
    assert isinstance(spec.task, ProportionRegression)
    parts = []
    for part in (0, 1):
        generator = _generator(world, part)
        levels = spread * generator.normal(size=(world.size.total, 1))
        share = 1.0 / (1.0 + np.exp(-levels[:, 0]))
        drawn = (generator.random(len(share)) < share).astype(np.float64)
        columns = {
            spec.label: drawn if world.binary else share,
            spec.task.outcome: drawn,
            "occasions": np.full(len(share), 10.0),
            TRUTH: levels[:, 0],
        }
        parts.append(frame(world.size, part, columns | level.draw(levels, generator)))
    classes = (spec.label,)
    rows = training_set_of(spec, classes, _features(world, level), parts)
    return _bench(spec, world, rows, LevelReader(classes, level))


def _replay(spec: ModelSpec, world: World) -> Bench:
    from ml_platform.models.start_times.design import HOUR_COS, HOUR_SIN, UNIT

    assert isinstance(spec.task, OffPolicyChoice)
    size, parts = replace(world.size, clusters=5 * world.size.clusters), []
    spread = float(np.hypot(1.0, 1.6))
    level = Level("q", (0.0,), spread, _noises(world, 0.4, 1.5))
    hours = np.tile(np.arange(size.rows) * (24 // size.rows), size.clusters)
    for part in (0, 1):
        generator = _generator(world, part)
        own = np.repeat(generator.normal(size=size.clusters), size.rows)
        levels = (own + 1.6 * world.within * generator.normal(size=size.total))[:, None]
        chosen = np.zeros(size.total)
        first = np.arange(size.clusters) * size.rows
        chosen[first + generator.integers(size.rows, size=size.clusters)] = 1.0
        good = generator.random(size.total) < 1.0 / (1.0 + np.exp(-levels[:, 0]))
        outcome = np.where(good, YES, NO).astype(object)
        columns = {
            spec.label: [
                word if tried else None for word, tried in zip(outcome, chosen, strict=True)
            ],
            "outcome": outcome,
            spec.task.chosen: chosen,
            spec.task.propensity: 1.0 / size.rows,
            "logged_hour": hours.astype(np.float64),
            "slot": hours.astype(np.float64),
            UNIT: "workflow",
            HOUR_SIN: np.sin(hours * np.pi / 12),
            HOUR_COS: np.cos(hours * np.pi / 12),
            TRUTH: levels[:, 0],
        }
        made = frame(size, part, columns | level.draw(levels, generator))
        parts.append(made.assign(change_set_id=made["cluster_id"], cluster_id=made["user_id"]))
    rows = training_set_of(spec, (NO, YES), _features(world, level), parts)
    return _bench(spec, world, rows, LevelReader((NO, YES), level, answer="yes"))


def _ranking(spec: ModelSpec, world: World) -> Bench:
    import pandas as pd
    import pyarrow as pa

    slope = 0.0 if world.alike else 0.25
    items = ITEMS[:7] if world.alike else ITEMS
    means = tuple(-1.0 - slope * place for place in range(len(items)))
    level = Level("i", means, 1.8, _noises(world, 0.5, 1.2))
    parts = []
    for part in (0, 1):
        generator = _generator(world, part)
        levels = np.array(means) + 1.8 * generator.normal(size=(world.size.total, len(items)))
        wanted = generator.random(levels.shape) < 1.0 / (1.0 + np.exp(-levels))
        lists = [[items[place] for place in np.flatnonzero(row)] for row in wanted]
        columns = {spec.label: pd.Series(lists, dtype=pd.ArrowDtype(pa.list_(pa.string())))} | {
            f"{TRUTH}{place}": wanted[:, place].astype(np.float64) for place in range(len(items))
        }
        parts.append(frame(world.size, part, columns | level.draw(levels, generator)))
    rows = training_set_of(spec, items, _features(world, level), parts)
    return _bench(spec, world, rows, LevelReader(items, level))


def _bench(
    spec: ModelSpec, world: World, rows: "TrainingSet", candidate: Reader | LevelReader
) -> Bench:
    if world.alike:
        candidate = replace(candidate, copies=_ALL_ALIKE)
    rules: Scorer = replace(candidate, copies=("b",))
    if isinstance(spec.task, Ranking):
        rules = replace(candidate, copies=())
    own = replace(spec, features=rows.record.features)
    return Bench(
        spec=own,
        training_set=rows,
        candidate=candidate,
        estimator=candidate,
        baseline=rules,
        champion=Compared(candidate),
        challenged=Compared(replace(candidate, copies=("b",))),
        users=users_of(world.size),
        folds=tuple({spec.task.headline[0]: 0.9 + 0.002 * fold} for fold in range(5)),
    )
