"""Defects put in on purpose, so that tests know what monitoring and detectors must find."""

from dataclasses import replace

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.acts import Acts
from ml_platform.events.simulator.parameters import CategoryMove, Column, Outage, Plants
from ml_platform.events.simulator.sessions import Sessions
from ml_platform.events.simulator.world import Ints, World


def disturb(
    world: World, acts: Acts, sessions: Sessions, plants: Plants, rng: np.random.Generator
) -> Acts:
    """The events after anomalies, moves of mass and outages, in this order; quiet: the same events."""
    if plants.anomalies is not None:
        strange = sessions.anomalous[acts.session]
        count = len(acts)
        acts = replace(
            acts,
            tool=np.where(strange, rng.integers(len(words.TOOLS), size=count), acts.tool),
            operation=np.where(
                strange, rng.integers(len(words.OPERATIONS), size=count), acts.operation
            ),
        )
    for move in plants.moves:
        acts = _move(world, acts, move, rng)
    for outage in plants.outages:
        acts = _outage(acts, outage, rng)
    return acts


def _move(world: World, acts: Acts, move: CategoryMove, rng: np.random.Generator) -> Acts:
    since = round(move.since.timestamp() * 1e6)
    chosen = (acts.time >= since) & (rng.random(len(acts)) < move.mass)
    quiet = acts.time < since
    match move.column:
        case Column.TOOL:
            level = _level(words.TOOLS, acts.tool[quiet], move.level)
            return replace(acts, tool=np.where(chosen, level, acts.tool))
        case Column.OPERATION:
            level = _level(words.OPERATIONS, acts.operation[quiet], move.level)
            return replace(acts, operation=np.where(chosen, level, acts.operation))
        case Column.EXTENSION:
            named = acts.file >= 0
            before = world.file_extensions[acts.project, acts.file][quiet & named]
            level = _level(words.EXTENSIONS, before, move.level)
            chosen = chosen & named
            files, lengths = _files_with(world, level)
            pick = (rng.random(len(acts)) * lengths[acts.project]).astype(np.int64)
            # A project without such a file keeps its own: there is nothing to move to.
            possible = chosen & (lengths[acts.project] > 0)
            return replace(acts, file=np.where(possible, files[acts.project, pick], acts.file))


def _files_with(world: World, extension: int) -> tuple[Ints, Ints]:
    """(project, n) files that have the extension, in front, and how many they are (project)."""
    matches = world.file_extensions == extension
    return np.argsort(~matches, axis=1, kind="stable"), matches.sum(axis=1)


def _level(names: tuple[str, ...], quiet: Ints, level: str | None) -> int:
    """Index of a level by name; None: the one seen least before the move, of those seen at all."""
    if level is not None:
        return names.index(level)
    counts = np.bincount(quiet, minlength=len(names))
    return int(np.where(counts > 0, counts, np.iinfo(np.int64).max).argmin())


def _outage(acts: Acts, outage: Outage, rng: np.random.Generator) -> Acts:
    since, until = (round(time.timestamp() * 1e6) for time in (outage.since, outage.until))
    lost = (acts.time >= since) & (acts.time < until) & (rng.random(len(acts)) < outage.share)
    return replace(acts, file=np.where(lost, -1, acts.file))
