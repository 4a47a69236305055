"""The simulation, block of users by block of users, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml_platform.events.simulator.adoption import HISTORY_DAYS, Shown, draw_suggestions
from ml_platform.events.simulator.adoption_bayes import expected_share
from ml_platform.events.simulator.anomalies import STREAM, Anomalous, draw_anomalous
from ml_platform.events.simulator.anomaly_ceiling import suspicions
from ml_platform.events.simulator.bayes import Posterior, posterior, select, session_starts
from ml_platform.events.simulator.change_sets import ChangeSets, draw_change_sets
from ml_platform.events.simulator.launch_ceilings import candidate_success
from ml_platform.events.simulator.parameters import DEFAULT, QUIET, Parameters, Plants
from ml_platform.events.simulator.plants import disturb
from ml_platform.events.simulator.population import Users, draw_users
from ml_platform.events.simulator.recommender_ceiling import Offers, recommender_ceiling
from ml_platform.events.simulator.rituals import STREAM as RITUAL_STREAM
from ml_platform.events.simulator.rituals import Launches, draw_launches
from ml_platform.events.simulator.sessions import DAY, MINUTE, Sessions, held, plan_sessions
from ml_platform.events.simulator.step_ceilings import NextStep, next_steps, soon_chances
from ml_platform.events.simulator.tables import Writer
from ml_platform.events.simulator.turnover import come_and_go, there
from ml_platform.events.simulator.workflows import Executions, build_catalogue, draw_executions
from ml_platform.events.simulator.world import Floats, Ints, World, build_world

BLOCK_USER_DAYS = 30_000
"""User-days of a block, at most: some 400,000 events and 300 MB of arrays."""

_SUGGESTIONS = 0x50661
"""The random stream of suggestions: their draws move nobody else's."""

R = TypeVar("R", Executions, Shown)


@dataclass(frozen=True)
class Simulation:
    """What to simulate; equal values give equal tables, in any process."""

    as_of: datetime
    days: int = 90
    users: int | None = None
    seed: int = 0
    parameters: Parameters = DEFAULT
    plants: Plants = QUIET

    @property
    def name(self) -> str:
        """Kind, size and seed: what the source is called in every row."""
        users = self.users or self.parameters.population.users
        return f"simulate:{self.parameters.name},days={self.days},users={users},seed={self.seed}"

    @property
    def span(self) -> tuple[int, int]:
        """First microsecond and the one after the last."""
        until = round(self.as_of.timestamp() * 1e6)
        return until - round(timedelta(days=self.days) / timedelta(microseconds=1)), until


@dataclass(frozen=True)
class Block:
    """Everything about some of the users, the hidden truth included."""

    users: Users
    sessions: Sessions
    change_sets: ChangeSets
    launches: Launches
    known: Posterior
    executions: Executions
    launch_success: Floats
    """(executions, candidate_hours) what the Bayes rule gives each candidate hour; NaN without candidates."""
    shown: Shown
    anomalous: Anomalous
    rng: np.random.Generator
    """Goes on where the draws ended; used for receipt times."""


def blocks(simulation: Simulation) -> Iterator[Block]:
    """The simulation, some users at a time; a block depends on the seed and its number alone."""
    world = build_world(simulation.parameters)
    count = simulation.users or simulation.parameters.population.users
    size = max(1, BLOCK_USER_DAYS // (simulation.days + HISTORY_DAYS))
    for number, first in enumerate(range(0, count, size)):
        rng = np.random.default_rng([simulation.seed, number])
        yield _block(simulation, world, np.arange(first, min(first + size, count)), rng)


def tables(simulation: Simulation) -> Iterator[tuple[str, pa.Table]]:
    """Pairs of a table's name and rows of it, block by block."""
    world = build_world(simulation.parameters)
    catalogue = build_catalogue(world)
    since, until = simulation.span
    tag = "s" if simulation.parameters.name == DEFAULT.name else simulation.parameters.name
    for block in blocks(simulation):
        writer = Writer(
            world,
            block.users,
            source=simulation.name,
            prefix=f"{tag}{simulation.seed}",
            as_of=until,
        )
        events = writer.events(block.change_sets, block.rng)
        yield "users", writer.users(since)
        yield "events", events
        yield "ceilings", writer.ceilings(block.change_sets, block.known, events)
        ceilings = _step_ceilings(world, block.change_sets, block.known, block.launches)
        yield "ceilings", writer.step_ceilings(*ceilings, events)
        yield "ceilings", writer.offers(_offers(world, block, simulation.span), catalogue)
        yield "ceilings", writer.launch_ceilings(block.executions, block.launch_success)
        yield "workflow_executions", writer.executions(block.executions, catalogue, block.rng)
        shown = writer.suggestions(block.shown, catalogue, block.rng)
        yield "suggestions", shown
        adopted = expected_share(block.shown, world.parameters.suggestions)
        yield "ceilings", writer.suggestion_ceilings(adopted, shown)
        yield from _known_anomalies(world, writer, block)


def _known_anomalies(world: World, writer: Writer, block: Block) -> Iterator[tuple[str, pa.Table]]:
    """Events of anomalous sessions, what people report of them, and the detector's ceiling."""
    strange = block.anomalous
    judged = suspicions(world, block.users, block.change_sets, block.known, strange)
    events = writer.events(strange.change_sets, block.rng)
    yield "events", events
    known = posterior(world, strange.change_sets)
    steps = _step_ceilings(
        world, strange.change_sets, known, Launches.none(len(strange.change_sets))
    )
    yield "ceilings", writer.step_ceilings(*steps, events)
    yield "known_anomalies", writer.known_anomalies(strange)
    yield "ceilings", writer.suspicions(judged)


def _step_ceilings(
    world: World, change_sets: ChangeSets, known: Posterior, launches: Launches
) -> tuple[NextStep, Floats]:
    return next_steps(world, change_sets, known), soon_chances(world, change_sets, launches)


def _block(simulation: Simulation, world: World, numbers: Ints, rng: np.random.Generator) -> Block:
    """One block, with a hidden time before the start so that histories have no beginning in it."""
    since, until = simulation.span
    plants = simulation.plants
    before = since - HISTORY_DAYS * DAY
    users = draw_users(world, numbers, rng)
    users = come_and_go(world, users, simulation.span, (simulation.seed, int(numbers[0])))
    planned = plan_sessions(world, users, before, until, rng, plants.anomalies)
    drawn = draw_change_sets(world, users, planned, rng, plants)
    keep = _held_change_sets(world, planned, drawn)
    keep &= there(users, drawn.user, planned.start[drawn.session])
    change_sets = disturb(world, select(drawn, keep & (drawn.time < until)), planned, plants, rng)
    catalogue = build_catalogue(world)
    stream = np.random.default_rng([simulation.seed, int(numbers[0]), RITUAL_STREAM])
    launches = draw_launches(world, change_sets, stream)
    executions = draw_executions(
        world, catalogue, users, change_sets, launches.starts, (before, since, until), rng
    )
    launch_success = candidate_success(world, catalogue, users, change_sets, executions)
    own = np.random.default_rng([simulation.seed, int(numbers[0]), _SUGGESTIONS])
    shown = draw_suggestions(world, catalogue, users, change_sets, executions, plants, since, own)
    strange = np.random.default_rng([simulation.seed, int(numbers[0]), STREAM])
    anomalous = draw_anomalous(world, users, change_sets, (since, until), strange)
    # Sessions that began before the start are left out whole, so no session lacks its first event.
    kept = planned.start[change_sets.session] >= since
    change_sets = select(change_sets, kept)
    seen = (executions.start >= since) & (executions.start < until)
    return Block(
        users=users,
        sessions=planned,
        change_sets=change_sets,
        launches=launches.where(kept),
        known=posterior(world, change_sets),
        executions=_rows(executions, seen),
        launch_success=launch_success[seen],
        shown=_rows(shown, (shown.time >= since) & (shown.time < until)),
        anomalous=anomalous,
        rng=rng,
    )


def _offers(world: World, block: Block, span: tuple[int, int]) -> Offers:
    of = (block.users, block.change_sets, block.known, block.executions)
    return recommender_ceiling(world, build_catalogue(world), *of, span)


def _held_change_sets(world: World, planned: Sessions, drawn: ChangeSets) -> NDArray[np.bool_]:
    """Which events belong to sessions that take place."""
    starts = np.flatnonzero(session_starts(drawn))
    ends = drawn.time[np.append(starts[1:], len(drawn)) - 1] if len(drawn) else drawn.time
    pause = round(world.parameters.activity.pause_minutes * MINUTE)
    keep: NDArray[np.bool_] = held(planned, ends, pause)[drawn.session]
    return keep


def _rows(rows: R, keep: NDArray[np.bool_]) -> R:
    return replace(rows, **{each.name: getattr(rows, each.name)[keep] for each in fields(rows)})
