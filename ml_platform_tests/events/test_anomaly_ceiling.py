"""Known anomalies: what is anomalous about each kind, nothing else moves, and the Bayes rule by enumeration."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.anomalies import Kind
from ml_platform.events.simulator.anomaly_ceiling import (
    LEAST_EVENTS,
    AnomalyCeiling,
    anomaly_ceiling,
    length_probabilities,
    session_log_likelihood,
)
from ml_platform.events.simulator.change_sets import (
    ChangeSets,
    log_gap_density,
    select,
    session_starts,
)
from ml_platform.events.simulator.parameters import DEFAULT
from ml_platform.events.simulator.sessions import DAY, HOUR, MINUTE
from ml_platform.events.simulator.simulate import Block, Simulation, blocks, tables
from ml_platform.events.simulator.truth import FIRST, SimulationTruth, build_truth

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIMULATION = Simulation(as_of=AS_OF, days=60, users=100, seed=4)
MANY = replace(DEFAULT, known_anomalies=replace(DEFAULT.known_anomalies, share=0.2))


@pytest.fixture(scope="module")
def case() -> tuple[SimulationTruth, Block]:
    (block,) = blocks(replace(SIMULATION, parameters=MANY))
    return build_truth(MANY), block


@pytest.fixture(scope="module")
def ceiling_and_truth(case: tuple[SimulationTruth, Block]) -> tuple[AnomalyCeiling, np.ndarray]:
    truth, block = case
    ceiling = anomaly_ceiling(truth, block.users, block.change_sets, block.known, block.anomalous)
    starts = np.flatnonzero(session_starts(ceiling.change_sets))
    return ceiling, ceiling.change_sets.category[starts] < 0


def of_kind(block: Block, kind: Kind) -> ChangeSets:
    anomalous = block.anomalous
    return select(anomalous.change_sets, anomalous.kind[anomalous.change_sets.session] == kind)


def test_each_kind_is_strange_in_its_way(case: tuple[SimulationTruth, Block]) -> None:
    truth, block = case
    settings = truth.parameters.known_anomalies
    random, burst = of_kind(block, Kind.RANDOM_ACTIONS), of_kind(block, Kind.BURST)
    sweep, night = of_kind(block, Kind.SWEEP), of_kind(block, Kind.NIGHT)
    shares = np.bincount(random.tool, minlength=len(words.TOOLS)) / len(random)
    assert shares == pytest.approx(1 / len(words.TOOLS), abs=0.03)
    gaps = np.diff(burst.time)[~session_starts(burst)[1:]] / 1e6
    assert np.median(gaps) == pytest.approx(settings.burst_median_seconds, rel=0.15)
    lengths = np.diff(np.append(np.flatnonzero(session_starts(sweep)), len(sweep)))
    assert set(lengths[:-1].tolist()) <= set(range(30, 61))
    offsets = np.array([minutes for _, minutes in truth.parameters.population.region_offsets])
    local = night.time + offsets[block.users.region[night.user]] * MINUTE
    assert (local[session_starts(night)] % DAY < settings.night_hours * HOUR).all()
    done = np.isin([words.OPERATIONS[each] for each in night.operation], settings.night_operations)
    assert done.mean() > settings.night_share


def test_they_keep_a_pause_to_all_other_sessions(case: tuple[SimulationTruth, Block]) -> None:
    _, block = case
    anomalous = block.anomalous.change_sets
    user = np.concatenate([block.change_sets.user, anomalous.user])
    time = np.concatenate([block.change_sets.time, anomalous.time])
    session = np.concatenate([block.change_sets.session, anomalous.session + 10**9])
    order = np.lexsort((time, user))
    other = (np.diff(session[order]) != 0) & (np.diff(user[order]) == 0)
    assert np.diff(time[order])[other].min() >= 30 * MINUTE
    assert (anomalous.category == -1).all()


def test_about_as_many_as_asked_for_and_everything_else_is_the_same() -> None:
    def simulate(share: float) -> dict[str, pa.Table]:
        known = replace(DEFAULT.known_anomalies, share=share)
        parts: dict[str, list[pa.Table]] = {}
        wanted = replace(SIMULATION, users=40, parameters=replace(DEFAULT, known_anomalies=known))
        for name, rows in tables(wanted):
            parts.setdefault(name, []).append(rows)
        return {name: pa.concat_tables(rows) for name, rows in parts.items()}

    some, none = simulate(0.05), simulate(0.0)
    assert len(none["known_anomalies"]) == 0
    for name in ("users", "workflow_executions", "suggestions"):
        assert some[name].equals(none[name])
    reported = set(some["known_anomalies"]["session_id"].to_pylist())
    frame = some["events"].to_pandas()
    anomalous = frame[frame.workflow_category.isna()]
    assert reported <= set(anomalous.session_id)
    assert len(reported) / frame.session_id.nunique() == pytest.approx(0.05, abs=0.015)
    assert frame[frame.workflow_category.notna()].event_id.tolist() == (
        none["events"]["event_id"].to_pylist()
    )


def test_reports_come_within_a_day_of_the_end(case: tuple[SimulationTruth, Block]) -> None:
    _, block = case
    delay = block.anomalous.report_delay
    assert (delay >= 0).all()
    assert (delay < DAY).all()


def enumerated(truth: SimulationTruth, change_sets: ChangeSets, persona: np.ndarray) -> float:
    """Likelihood of a normal session's tools, operations, files and gaps: the sum over all paths."""
    total = 0.0
    _, personas, categories = truth.shape
    seconds = np.diff(change_sets.time, prepend=change_sets.time[0] - 1_000_000) / 1e6
    gaps = np.exp(log_gap_density(truth, seconds)) / truth.parameters.activity.gap_sigma
    before = np.append(FIRST, change_sets.operation[:-1])
    for k in range(personas):
        for path in product(range(categories), repeat=len(change_sets)):
            weight = float(persona[k] * truth.start[change_sets.slot[0], k, path[0]])
            for n, c in enumerate(path):
                if n:
                    weight *= truth.moves[change_sets.slot[n], k, path[n - 1], c] * gaps[n, c]
                weight *= truth.tools[k, c, change_sets.tool[n]]
                weight *= truth.operations[
                    c, change_sets.tool[n], before[n], change_sets.operation[n]
                ]
                if change_sets.file[n] >= 0:
                    weight *= truth.files[c, change_sets.project[n], change_sets.file[n]]
            total += weight
    return total


def test_the_likelihood_is_the_sum_over_all_paths(case: tuple[SimulationTruth, Block]) -> None:
    truth, block = case
    starts = np.flatnonzero(session_starts(block.change_sets))
    lengths = np.diff(np.append(starts, len(block.change_sets)))
    for place in np.flatnonzero(lengths == 3)[:3]:
        change_sets = select(block.change_sets, np.arange(starts[place], starts[place] + 3))
        whole = np.array([0]), np.array([3])
        ceiling = session_log_likelihood(truth, change_sets, *whole, truth.personas[None, :], None)
        assert np.exp(ceiling[0]) == pytest.approx(
            enumerated(truth, change_sets, truth.personas), rel=1e-9
        )


def test_probabilities_are_true(ceiling_and_truth: tuple[AnomalyCeiling, np.ndarray]) -> None:
    """In bands of probability, within four standard errors; and in all."""
    ceiling, anomalous = ceiling_and_truth
    chance = ceiling.probability
    assert chance.sum() == pytest.approx(anomalous.sum(), abs=4 * np.sqrt(anomalous.sum()))
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.01)):
        band = (chance >= low) & (chance < high)
        error = np.sqrt((chance[band] * (1 - chance[band])).sum()) + 1.0
        assert abs(anomalous[band].sum() - chance[band].sum()) < 4 * error


def test_alarms_are_the_most_probable_sessions(
    ceiling_and_truth: tuple[AnomalyCeiling, np.ndarray],
) -> None:
    ceiling, anomalous = ceiling_and_truth
    assert ceiling.probability[ceiling.alarm].min() >= ceiling.probability[~ceiling.alarm].max()
    assert anomalous[ceiling.alarm].mean() > 0.9
    starts = np.flatnonzero(session_starts(ceiling.change_sets))
    assert np.diff(np.append(starts, len(ceiling.change_sets))).min() >= LEAST_EVENTS


def test_lengths_are_those_that_are_drawn(case: tuple[SimulationTruth, Block]) -> None:
    truth, block = case
    chances = length_probabilities(truth)
    assert chances.sum() == pytest.approx(1)
    starts = np.flatnonzero(session_starts(block.change_sets))
    lengths = np.diff(np.append(starts, len(block.change_sets)))
    assert lengths.mean() == pytest.approx((chances * np.arange(len(chances))).sum(), rel=0.03)
