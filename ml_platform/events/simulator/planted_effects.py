"""Defects put in on purpose, so that tests know what monitoring must find."""

from dataclasses import replace

import numpy as np

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.change_sets import ChangeSets
from ml_platform.events.simulator.parameters import CategoryMove, Column, Outage, PlantedEffects
from ml_platform.events.simulator.sessions import Sessions
from ml_platform.events.simulator.truth import Ints, SimulationTruth


def plant(
    truth: SimulationTruth,
    change_sets: ChangeSets,
    sessions: Sessions,
    planted: PlantedEffects,
    rng: np.random.Generator,
) -> ChangeSets:
    """The events with planted anomalies, category moves and outages, in this order of drawing."""
    if planted.anomalies is not None:
        anomalous = sessions.anomalous[change_sets.session]
        count = len(change_sets)
        change_sets = replace(
            change_sets,
            tool=np.where(anomalous, rng.integers(len(words.TOOLS), size=count), change_sets.tool),
            operation=np.where(
                anomalous, rng.integers(len(words.OPERATIONS), size=count), change_sets.operation
            ),
        )
    for move in planted.moves:
        change_sets = _move(truth, change_sets, move, rng)
    for outage in planted.outages:
        change_sets = _outage(change_sets, outage, rng)
    return change_sets


def _move(
    truth: SimulationTruth, change_sets: ChangeSets, move: CategoryMove, rng: np.random.Generator
) -> ChangeSets:
    since = round(move.since.timestamp() * 1e6)
    chosen = (change_sets.time >= since) & (rng.random(len(change_sets)) < move.mass)
    quiet = change_sets.time < since
    match move.column:
        case Column.TOOL:
            level = _level(words.TOOLS, change_sets.tool[quiet], move.level)
            return replace(change_sets, tool=np.where(chosen, level, change_sets.tool))
        case Column.OPERATION:
            level = _level(words.OPERATIONS, change_sets.operation[quiet], move.level)
            return replace(change_sets, operation=np.where(chosen, level, change_sets.operation))
        case Column.EXTENSION:
            named = change_sets.file >= 0
            before = truth.file_extensions[change_sets.project, change_sets.file][quiet & named]
            level = _level(words.EXTENSIONS, before, move.level)
            chosen = chosen & named
            files, lengths = _files_with(truth, level)
            pick = (rng.random(len(change_sets)) * lengths[change_sets.project]).astype(np.int64)
            # A project without such a file keeps its own: there is nothing to move to.
            possible = chosen & (lengths[change_sets.project] > 0)
            return replace(
                change_sets,
                file=np.where(possible, files[change_sets.project, pick], change_sets.file),
            )


def _files_with(truth: SimulationTruth, extension: int) -> tuple[Ints, Ints]:
    """The files of each project, those with the extension first, and their number; by project."""
    matches = truth.file_extensions == extension
    return np.argsort(~matches, axis=1, kind="stable"), matches.sum(axis=1)


def _level(names: tuple[str, ...], quiet: Ints, level: str | None) -> int:
    """Index of a level by name; ``None`` takes the rarest level before the move, of those that occur."""
    if level is not None:
        return names.index(level)
    counts = np.bincount(quiet, minlength=len(names))
    return int(np.where(counts > 0, counts, np.iinfo(np.int64).max).argmin())


def _outage(change_sets: ChangeSets, outage: Outage, rng: np.random.Generator) -> ChangeSets:
    since, until = (round(time.timestamp() * 1e6) for time in (outage.since, outage.until))
    lost = (
        (change_sets.time >= since)
        & (change_sets.time < until)
        & (rng.random(len(change_sets)) < outage.share)
    )
    return replace(change_sets, file=np.where(lost, -1, change_sets.file))
