"""The parts of the generative model, each against an answer worked by hand or by counting."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.change_sets import draw_gaps, log_gap_density, session_starts
from ml_platform.events.simulator.parameters import (
    DEFAULT,
    NOTHING_PLANTED,
    SECOND,
    Anomalies,
    CategoryMove,
    Column,
    NumericShift,
    Outage,
    Parameters,
    PlantedEffects,
    Quantity,
    SuggestionEffect,
)
from ml_platform.events.simulator.sessions import (
    DAY,
    HOUR,
    Sessions,
    held,
    slot_of,
    weekly_rates,
)
from ml_platform.events.simulator.simulate import Block, Simulation, blocks
from ml_platform.events.simulator.truth import FIRST, Sampler, build_truth
from ml_platform.events.simulator.workflows import count_before, hours_since

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = AS_OF - timedelta(days=20)
SINCE_US = round(SINCE.timestamp() * 1e6)


def block(
    planted: PlantedEffects = NOTHING_PLANTED, parameters: Parameters = DEFAULT, days: int = 40
) -> Block:
    simulation = Simulation(
        as_of=AS_OF, days=days, users=80, seed=2, parameters=parameters, planted=planted
    )
    (only,) = blocks(simulation)
    return only


@pytest.fixture(scope="module")
def quiet() -> Block:
    return block()


@pytest.mark.parametrize("parameters", [DEFAULT, SECOND], ids=lambda each: each.name)
def test_every_table_is_a_positive_distribution(parameters: Parameters) -> None:
    truth = build_truth(parameters)
    for table in (
        truth.personas,
        truth.start,
        truth.moves,
        truth.tools,
        truth.operations,
        truth.files,
    ):
        assert (table > 0).all()
        np.testing.assert_allclose(table.sum(axis=-1), 1.0, rtol=1e-12)
    stay = np.diagonal(truth.moves, axis1=-2, axis2=-1)
    np.testing.assert_allclose(1 / (1 - stay), np.broadcast_to(parameters.habits.dwell, stay.shape))


def test_a_sampler_answers_by_the_cumulated_row() -> None:
    sampler = Sampler.of(np.array([[0.5, 0.5], [0.1, 0.9]]))
    rows = np.array([0, 0, 0, 1, 1, 1])
    uniforms = np.array([0.0, 0.49, 0.51, 0.05, 0.11, 1 - 2**-53])
    assert sampler.draw(rows, uniforms).tolist() == [0, 0, 1, 0, 1, 1]


def test_slots_are_quarters_of_working_days_and_weekends() -> None:
    def micro(*parts: int) -> int:
        return round(datetime(*parts, tzinfo=UTC).timestamp() * 1e6)

    # 2026-02-27 is a Friday, the 28th a Saturday.
    times = np.array([micro(2026, 2, 27, 5, 59), micro(2026, 2, 27, 6), micro(2026, 2, 28, 23)])
    names = [words.SLOTS[slot] for slot in slot_of(times)]
    assert names == ["weekday night", "weekday morning", "weekend evening"]


def test_a_session_waits_for_the_one_before_that_is_held() -> None:
    start = np.array([0, 50, 90, 10]) * HOUR
    zeros = np.zeros(4, dtype=np.int64)
    sessions = Sessions(np.array([0, 0, 0, 1]), start, zeros, zeros, zeros, zeros.astype(bool))
    # User 0: [0, 60], then 50 is too early; 90 comes after the first, which ended at 60.
    ends = np.array([60, 95, 99, 12]) * HOUR
    assert held(sessions, ends, HOUR).tolist() == [True, False, True, True]


def test_hours_since_and_counts_look_strictly_before() -> None:
    group = np.array([1, 1, 2, 1])
    start = np.array([2, 5, 5, 4]) * HOUR
    np.testing.assert_array_equal(hours_since(group, start), [np.nan, 1.0, np.nan, 2.0])
    # Group 1 at 5 h, one hour back: [4, 5) holds the one at 4, not the one at 5 itself.
    asked = count_before(group, start, np.array([1, 1, 2, 3]), np.array([5, 6, 9, 5]) * HOUR, HOUR)
    assert asked.tolist() == [1, 1, 0, 0]


def test_gaps_follow_the_truncated_lognormal() -> None:
    truth = build_truth(DEFAULT)
    uniforms = np.random.default_rng(0).random(4_000)
    seconds = draw_gaps(truth, np.full(4_000, 3), uniforms) / 1e6
    low, high = (np.log(limit) for limit in DEFAULT.activity.gap_seconds)
    centre, sigma = np.log(DEFAULT.emission.gap_medians[3]), DEFAULT.activity.gap_sigma
    reference = stats.truncnorm((low - centre) / sigma, (high - centre) / sigma, centre, sigma)
    assert stats.kstest(np.log(seconds), reference.cdf).pvalue > 0.001
    # The filter's density, up to a term that is the same for all categories.
    ours = log_gap_density(truth, seconds[:50])
    theirs = np.stack(
        [
            stats.truncnorm.logpdf(
                np.log(seconds[:50]), (low - m) / sigma, (high - m) / sigma, m, sigma
            )
            for m in np.log(DEFAULT.emission.gap_medians)
        ],
        axis=1,
    )
    np.testing.assert_allclose(ours - ours[:, :1], theirs - theirs[:, :1], atol=1e-9)


def test_events_come_as_often_as_their_tables_say(quiet: Block) -> None:
    truth, change_sets = build_truth(DEFAULT), quiet.change_sets
    persona = quiet.users.persona[change_sets.user]
    first = session_starts(change_sets)
    before = np.where(first, FIRST, np.roll(change_sets.operation, 1))
    for column, table in (
        (change_sets.tool, truth.tools[persona, change_sets.category]),
        (change_sets.operation, truth.operations[change_sets.category, change_sets.tool, before]),
    ):
        seen = np.bincount(column, minlength=table.shape[1])
        expected, variance = table.sum(axis=0), (table * (1 - table)).sum(axis=0)
        assert (np.abs(seen - expected) < 4 * np.sqrt(variance)).all()
    start = truth.start[change_sets.slot[first], persona[first]]
    seen = np.bincount(change_sets.category[first], minlength=8)
    error = np.sqrt((start * (1 - start)).sum(axis=0))
    assert (np.abs(seen - start.sum(axis=0)) < 4 * error).all()


def test_rates_have_a_day_and_a_week() -> None:
    rates = weekly_rates(build_truth(DEFAULT)).reshape(7, 24)
    activity = DEFAULT.activity
    np.testing.assert_allclose(rates[:5].sum(axis=1), activity.sessions_weekday)
    np.testing.assert_allclose(rates[5:].sum(axis=1), activity.sessions_weekend)
    assert rates[0, 10] > 20 * rates[0, 3]


@pytest.mark.parametrize("parameters", [DEFAULT, SECOND], ids=lambda each: each.name)
def test_quiet_means_stationary(parameters: Parameters) -> None:
    """No trend over twelve weeks in anything that monitoring could look at: |t| < 4 for 22 slopes."""
    data = block(parameters=parameters, days=84)
    change_sets, runs, shown = data.change_sets, data.executions, data.shown
    begin = round((AS_OF - timedelta(days=84)).timestamp() * 1e6)

    def weekly(time: np.ndarray, value: np.ndarray) -> np.ndarray:
        week = (time - begin) // (7 * DAY)
        return np.bincount(week, weights=value) / np.bincount(week)

    sessions = np.bincount((change_sets.time[session_starts(change_sets)] - begin) // (7 * DAY))
    series = {"sessions": sessions.astype(float)}
    for number, name in enumerate(words.CATEGORIES):
        series[name] = weekly(change_sets.time, change_sets.category == number)
        series[f"predicted {name}"] = weekly(change_sets.time, data.known.prediction == number)
    series["right"] = weekly(change_sets.time, data.known.prediction == change_sets.category)
    series["duration"] = weekly(change_sets.time, np.log(change_sets.duration_ms))
    series["success"] = weekly(runs.start, runs.status == 0)
    series["accepted"] = weekly(shown.time, shown.outcome == 0)
    series["runs"] = np.bincount((runs.start - begin) // (7 * DAY)).astype(float)
    for name, values in series.items():
        fit = stats.linregress(np.arange(12), values)
        assert abs(fit.slope / fit.stderr) < 4, (name, values)


def test_histories_are_full_on_the_first_day() -> None:
    """Adoption looks back 14 days: without hidden time before the start it would begin too low."""
    simulation = Simulation(as_of=AS_OF, days=56, users=420, seed=2)
    (data,) = blocks(simulation)
    accepted = (data.shown.outcome == 0).astype(float)
    day = (data.shown.time - simulation.span[0]) // DAY
    # A user's offers go together, so the error is that of the users' differences.
    parts = [
        (np.bincount(data.shown.user[rows], minlength=420), rows) for rows in (day < 7, day >= 14)
    ]
    early, late = (
        np.bincount(data.shown.user[rows], accepted[rows], minlength=420) / np.maximum(counts, 1)
        for counts, rows in parts
    )
    change = (early - late)[(parts[0][0] > 0) & (parts[1][0] > 0)]
    assert abs(change.mean()) < 3 * change.std() / np.sqrt(len(change))


def test_a_numeric_shift_moves_the_logarithm_by_its_deviations(quiet: Block) -> None:
    planted = PlantedEffects(shifts=(NumericShift(Quantity.DURATION, 0.5, SINCE),))
    change_sets, same = block(planted).change_sets, quiet.change_sets
    after = change_sets.time >= SINCE_US
    np.testing.assert_array_equal(change_sets.duration_ms[~after], same.duration_ms[~after])
    moved = np.log(change_sets.duration_ms[after]) - np.log(same.duration_ms[after])
    assert np.median(moved) == pytest.approx(0.5 * 0.5, abs=0.01)


def test_a_gap_shift_slows_the_sessions(quiet: Block) -> None:
    def mean_gap(data: Block, late: bool) -> float:
        rows = data.change_sets
        inside = np.flatnonzero(~session_starts(rows))
        chosen = inside[(rows.time[inside] >= SINCE_US) == late]
        return float(np.log((rows.time[chosen] - rows.time[chosen - 1]) / 1e6).mean())

    shifted = block(PlantedEffects(shifts=(NumericShift(Quantity.GAP, 0.5, SINCE),)))
    assert len(shifted.change_sets) > 0.8 * len(quiet.change_sets)
    assert mean_gap(shifted, False) == pytest.approx(mean_gap(quiet, False), abs=0.001)
    assert mean_gap(shifted, True) - mean_gap(quiet, True) == pytest.approx(0.45, abs=0.05)


@pytest.mark.parametrize("column", list(Column))
def test_a_move_of_mass_reaches_the_rarest_level(quiet: Block, column: Column) -> None:
    truth = build_truth(DEFAULT)
    moved = block(PlantedEffects(moves=(CategoryMove(column, 0.15, SINCE),)))

    def levels(data: Block) -> tuple[np.ndarray, np.ndarray]:
        change_sets = data.change_sets
        late = change_sets.time >= SINCE_US
        if column is Column.EXTENSION:
            late, values = (
                late[change_sets.file >= 0],
                truth.file_extensions[change_sets.project, change_sets.file],
            )
            values = values[change_sets.file >= 0]
        else:
            values = change_sets.tool if column is Column.TOOL else change_sets.operation
        return values, late

    before, late = levels(quiet)
    after, _ = levels(moved)
    rarest = int(np.bincount(before[~late]).argmin())
    np.testing.assert_array_equal(before[~late], after[~late])
    share_before, share_after = (before[late] == rarest).mean(), (after[late] == rarest).mean()
    assert share_after - share_before == pytest.approx(0.15 * (1 - share_before), abs=0.02)


def test_an_outage_loses_objects_between_its_ends(quiet: Block) -> None:
    until = SINCE + timedelta(days=3)
    change_sets = block(PlantedEffects(outages=(Outage(SINCE, until),))).change_sets
    during = (change_sets.time >= SINCE_US) & (change_sets.time < round(until.timestamp() * 1e6))
    assert (change_sets.file[during] == -1).all()
    np.testing.assert_array_equal(change_sets.file[~during], quiet.change_sets.file[~during])


def test_anomalous_users_work_at_night_with_anything(quiet: Block) -> None:
    data = block(PlantedEffects(anomalies=Anomalies(0.2, SINCE)))
    anomalous = data.sessions.anomalous[data.change_sets.session]
    assert 0.05 < anomalous.mean() < 0.2
    assert (data.change_sets.time[anomalous] >= SINCE_US - DAY).all()
    assert np.isin(data.change_sets.slot[anomalous], [0, 4]).all()
    right = data.known.prediction == data.change_sets.category
    assert right[anomalous].mean() < right[~anomalous].mean() - 0.2
    assert not quiet.sessions.anomalous.any()


def test_an_effect_raises_the_adoption_of_the_treated() -> None:
    def lift(data: Block) -> float:
        accepted, treated = data.shown.outcome == 0, data.shown.arm == 1
        return float(accepted[treated].mean() - accepted[~treated].mean())

    assert lift(block(PlantedEffects(effect=SuggestionEffect(1.5)))) > 0.15
    assert abs(lift(block())) < 0.06


def test_adoption_and_success_follow_what_they_should(quiet: Block) -> None:
    runs = quiet.executions
    good = runs.status == 0
    assert 0.4 < good.mean() < 0.65
    busy = count_before(quiet.change_sets.user, quiet.change_sets.time, runs.user, runs.start, HOUR)
    assert good[busy <= 1].mean() > good[busy >= 8].mean() + 0.05
    assert 0.3 < (quiet.shown.outcome == 0).mean() < 0.6
    count = DEFAULT.executions.workflows
    known = count_before(
        runs.user * count + runs.workflow,
        runs.start,
        quiet.shown.user * count + quiet.shown.workflow,
        quiet.shown.time,
        14 * DAY,
    )
    accepted = quiet.shown.outcome == 0
    assert accepted[known >= 2].mean() > accepted[known == 0].mean() + 0.15
