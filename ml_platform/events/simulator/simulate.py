"""The simulation, block of users by block of users, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml_platform.events.simulator.adoption import HISTORY_DAYS, Shown, draw_suggestions
from ml_platform.events.simulator.adoption_ceiling import expected_share
from ml_platform.events.simulator.anomalies import STREAM, Anomalous, draw_anomalous
from ml_platform.events.simulator.anomaly_ceiling import anomaly_ceiling
from ml_platform.events.simulator.category_filter import Posterior, posterior
from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    draw_change_sets,
    select,
    session_starts,
)
from ml_platform.events.simulator.parameters import (
    DEFAULT,
    NOTHING_PLANTED,
    Parameters,
    PlantedEffects,
)
from ml_platform.events.simulator.planted_effects import plant
from ml_platform.events.simulator.population import Users, draw_users
from ml_platform.events.simulator.recommender_ceiling import Offers, recommender_ceiling
from ml_platform.events.simulator.routines import STREAM as ROUTINE_STREAM
from ml_platform.events.simulator.routines import WorkflowStarts, draw_workflow_starts
from ml_platform.events.simulator.sequence_ceilings import next_steps, soon_chances
from ml_platform.events.simulator.sessions import DAY, MINUTE, Sessions, held, plan_sessions
from ml_platform.events.simulator.start_time_ceiling import candidate_success
from ml_platform.events.simulator.tables import Writer
from ml_platform.events.simulator.truth import Floats, Ints, SimulationTruth, build_truth
from ml_platform.events.simulator.turnover import draw_turnover, is_active
from ml_platform.events.simulator.workflows import Executions, build_catalogue, draw_executions

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
    planted: PlantedEffects = NOTHING_PLANTED

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
    workflow_starts: WorkflowStarts
    known: Posterior
    executions: Executions
    start_success: Floats
    """(executions, candidate_hours) probability of success by the Bayes rule; NaN without candidates."""
    shown: Shown
    anomalous: Anomalous
    rng: np.random.Generator
    """The generator in the state after all draws; receipt times come from it."""


def blocks(simulation: Simulation) -> Iterator[Block]:
    """The simulation, some users at a time; a block depends on the seed and its number alone."""
    truth = build_truth(simulation.parameters)
    count = simulation.users or simulation.parameters.population.users
    size = max(1, BLOCK_USER_DAYS // (simulation.days + HISTORY_DAYS))
    for number, first in enumerate(range(0, count, size)):
        rng = np.random.default_rng([simulation.seed, number])
        yield _block(simulation, truth, np.arange(first, min(first + size, count)), rng)


def tables(simulation: Simulation) -> Iterator[tuple[str, pa.Table]]:
    """Pairs of a table's name and rows of it, block by block."""
    truth = build_truth(simulation.parameters)
    catalogue = build_catalogue(truth)
    since, until = simulation.span
    tag = "s" if simulation.parameters.name == DEFAULT.name else simulation.parameters.name
    for block in blocks(simulation):
        writer = Writer(
            truth,
            block.users,
            source=simulation.name,
            prefix=f"{tag}{simulation.seed}",
            as_of=until,
        )
        events = writer.events(block.change_sets, block.rng)
        yield "users", writer.users(since)
        yield "events", events
        yield "ceilings", writer.category_ceiling(block.known, events)
        sequence = truth, block.change_sets, block.known, block.workflow_starts
        yield from _sequence_ceilings(writer, events, *sequence)
        yield (
            "ceilings",
            writer.next_used_ceiling(_offers(truth, block, simulation.span), catalogue),
        )
        yield "ceilings", writer.success_ceiling(block.executions, block.start_success)
        yield "workflow_executions", writer.executions(block.executions, catalogue, block.rng)
        shown = writer.suggestions(block.shown, catalogue, block.rng)
        yield "suggestions", shown
        adopted = expected_share(block.shown, truth.parameters.suggestions)
        yield "ceilings", writer.adopted_share_ceiling(adopted, shown)
        yield from _known_anomalies(truth, writer, block)


def _known_anomalies(
    truth: SimulationTruth, writer: Writer, block: Block
) -> Iterator[tuple[str, pa.Table]]:
    """Events of anomalous sessions, what people report of them, and the ceiling of telling them from the others."""
    anomalous = block.anomalous
    sessions_ceiling = anomaly_ceiling(
        truth, block.users, block.change_sets, block.known, anomalous
    )
    events = writer.events(anomalous.change_sets, block.rng)
    yield "events", events
    known = posterior(truth, anomalous.change_sets)
    sequence = truth, anomalous.change_sets, known, WorkflowStarts.none(len(anomalous.change_sets))
    yield from _sequence_ceilings(writer, events, *sequence)
    yield "known_anomalies", writer.known_anomalies(anomalous)
    yield "ceilings", writer.anomalous_ceiling(sessions_ceiling)


def _sequence_ceilings(
    writer: Writer,
    events: pa.Table,
    truth: SimulationTruth,
    change_sets: ChangeSets,
    known: Posterior,
    workflow_starts: WorkflowStarts,
) -> Iterator[tuple[str, pa.Table]]:
    following = next_steps(truth, change_sets, known)
    soon = soon_chances(truth, change_sets, workflow_starts)
    yield "ceilings", writer.next_step_ceiling(following, events)
    yield "ceilings", writer.soon_ceiling(soon, events)


def _block(
    simulation: Simulation, truth: SimulationTruth, numbers: Ints, rng: np.random.Generator
) -> Block:
    """One block, with a hidden time before the start so that histories have no beginning in it."""
    since, until = simulation.span
    planted = simulation.planted
    before = since - HISTORY_DAYS * DAY
    users = draw_users(truth, numbers, rng)
    users = draw_turnover(truth, users, simulation.span, (simulation.seed, int(numbers[0])))
    planned = plan_sessions(truth, users, before, until, rng, planted.anomalies)
    drawn = draw_change_sets(truth, users, planned, rng, planted)
    keep = _held_change_sets(truth, planned, drawn)
    keep &= is_active(users, drawn.user, planned.start[drawn.session])
    change_sets = plant(truth, select(drawn, keep & (drawn.time < until)), planned, planted, rng)
    catalogue = build_catalogue(truth)
    stream = np.random.default_rng([simulation.seed, int(numbers[0]), ROUTINE_STREAM])
    workflow_starts = draw_workflow_starts(truth, change_sets, stream)
    executions = draw_executions(
        truth, catalogue, users, change_sets, workflow_starts.starts, (before, since, until), rng
    )
    start_success = candidate_success(truth, catalogue, users, change_sets, executions)
    suggestion_stream = np.random.default_rng([simulation.seed, int(numbers[0]), _SUGGESTIONS])
    shown = draw_suggestions(
        truth, catalogue, users, change_sets, executions, planted, since, suggestion_stream
    )
    anomaly_stream = np.random.default_rng([simulation.seed, int(numbers[0]), STREAM])
    anomalous = draw_anomalous(truth, users, change_sets, (since, until), anomaly_stream)
    # Sessions that began before the start are left out whole, so no session lacks its first event.
    kept = planned.start[change_sets.session] >= since
    change_sets = select(change_sets, kept)
    seen = (executions.start >= since) & (executions.start < until)
    return Block(
        users=users,
        sessions=planned,
        change_sets=change_sets,
        workflow_starts=workflow_starts.where(kept),
        known=posterior(truth, change_sets),
        executions=_rows(executions, seen),
        start_success=start_success[seen],
        shown=_rows(shown, (shown.time >= since) & (shown.time < until)),
        anomalous=anomalous,
        rng=rng,
    )


def _offers(truth: SimulationTruth, block: Block, span: tuple[int, int]) -> Offers:
    return recommender_ceiling(
        truth,
        build_catalogue(truth),
        block.users,
        block.change_sets,
        block.known,
        block.executions,
        span,
    )


def _held_change_sets(
    truth: SimulationTruth, planned: Sessions, drawn: ChangeSets
) -> NDArray[np.bool_]:
    """Which events belong to sessions that take place."""
    starts = np.flatnonzero(session_starts(drawn))
    ends = drawn.time[np.append(starts[1:], len(drawn)) - 1] if len(drawn) else drawn.time
    pause = round(truth.parameters.activity.pause_minutes * MINUTE)
    keep: NDArray[np.bool_] = held(planned, ends, pause)[drawn.session]
    return keep


def _rows(rows: R, keep: NDArray[np.bool_]) -> R:
    return replace(rows, **{each.name: getattr(rows, each.name)[keep] for each in fields(rows)})
