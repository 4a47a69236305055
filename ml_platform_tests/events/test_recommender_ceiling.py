"""Who joins and leaves, and the offers of the Bayes rule of the recommender."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ml_platform.events.simulator import vocabulary as words
from ml_platform.events.simulator.category_filter import Posterior
from ml_platform.events.simulator.change_sets import select
from ml_platform.events.simulator.parameters import DEFAULT, Parameters
from ml_platform.events.simulator.recommender_ceiling import (
    DRAWS,
    SEEN_DAYS,
    Offers,
    recommender_ceiling,
)
from ml_platform.events.simulator.sessions import DAY
from ml_platform.events.simulator.simulate import Block, Simulation, blocks, tables
from ml_platform.events.simulator.truth import build_truth, softmax
from ml_platform.events.simulator.turnover import is_active
from ml_platform.events.simulator.workflows import affinities, build_catalogue

AS_OF = datetime(2026, 3, 4, 12, tzinfo=UTC)


def simulation(parameters: Parameters = DEFAULT, users: int = 60, days: int = 60) -> Simulation:
    return Simulation(as_of=AS_OF, days=days, users=users, seed=4, parameters=parameters)


def ceiling_offers(simulation: Simulation, block: Block) -> Offers:
    truth = build_truth(simulation.parameters)
    parts = (block.users, block.change_sets, block.known, block.executions)
    return recommender_ceiling(truth, build_catalogue(truth), *parts, simulation.span)


@pytest.fixture(scope="module")
def block() -> Block:
    (only,) = blocks(simulation())
    return only


@pytest.fixture(scope="module")
def offers(block: Block) -> Offers:
    return ceiling_offers(simulation(), block)


class TestTurnover:
    def test_nobody_does_anything_before_they_join_or_after_they_left(self, block: Block) -> None:
        users, runs, change_sets = block.users, block.executions, block.change_sets
        assert is_active(users, runs.user, runs.start).all()
        assert (change_sets.time >= users.begins[change_sets.user]).all()
        # A session that began in time is held to its end.
        assert (change_sets.time - DAY < users.ends[change_sets.user]).all()

    def test_as_many_join_as_leave_and_all_in_the_second_half(self) -> None:
        (many,) = blocks(simulation(users=400, days=20))
        since, until = simulation(days=20).span
        joins, leaves = many.users.begins > 0, many.users.ends < np.iinfo(np.int64).max
        assert not (joins & leaves).any()
        assert 28 < joins.sum() < 36
        moments = many.users.begins[joins]
        assert ((moments >= (since + until) // 2) & (moments < until)).all()
        assert sorted(moments) == sorted(many.users.ends[leaves])
        personas = many.users.persona
        assert sorted(personas[joins]) == sorted(personas[leaves])

    def test_they_move_no_event_of_the_others(self, block: Block) -> None:
        still = replace(DEFAULT, population=replace(DEFAULT.population, turnover=0.0))
        (other,) = blocks(simulation(still))
        stays = (block.users.begins == 0) & (block.users.ends == other.users.ends)
        assert 0.6 < stays.mean() < 1
        ours, theirs = stays[block.change_sets.user], stays[other.change_sets.user]
        assert np.array_equal(block.change_sets.time[ours], other.change_sets.time[theirs])
        assert np.array_equal(block.change_sets.category[ours], other.change_sets.category[theirs])


class TestCatalogue:
    def test_ten_workflows_a_category(self) -> None:
        catalogue = build_catalogue(build_truth(DEFAULT))
        assert np.bincount(catalogue.category).tolist() == [10] * len(words.CATEGORIES)

    def test_users_go_on_to_begin_workflows(self, block: Block) -> None:
        """In the last fortnight of sixty days users begin three workflows of eighty, about."""
        runs = block.executions
        first = np.full((60, 80), np.iinfo(np.int64).max)
        np.minimum.at(first, (runs.user, runs.workflow), runs.start)
        begun = (first >= simulation().span[1] - 14 * DAY) & (first < np.iinfo(np.int64).max)
        assert begun.sum(axis=1).mean() > 2.5


class TestOffers:
    def test_mondays_before_which_the_user_was_seen(self, block: Block, offers: Offers) -> None:
        """Recounted, user by user, from all events and runs."""
        since, until = simulation().span
        expected = set()
        monday = (since - 4 * DAY) // (7 * DAY) * 7 * DAY + 4 * DAY
        while monday < until:
            for user in range(60):
                times = np.concatenate(
                    [
                        block.change_sets.time[block.change_sets.user == user],
                        block.executions.start[block.executions.user == user],
                    ]
                )
                inside = (times < monday) & (times >= monday - SEEN_DAYS * DAY)
                if monday > since and inside.any():
                    expected.add((user, monday))
            monday += 7 * DAY
        assert set(zip(offers.user.tolist(), offers.time.tolist(), strict=True)) == expected

    def test_nothing_that_has_run_is_offered(self, block: Block, offers: Offers) -> None:
        runs = block.executions
        for row in range(0, len(offers), 7):
            mine = (runs.user == offers.user[row]) & (runs.start < offers.time[row])
            assert not set(runs.workflow[mine]) & set(offers.workflows[row].tolist())

    def test_nothing_that_comes_later_counts(self, block: Block, offers: Offers) -> None:
        """Without the last twenty days, the offers before them are the same."""
        cut = int(np.sort(np.unique(offers.time))[-3])
        change_sets = block.change_sets.time < cut
        runs = block.executions.start < cut
        earlier = replace(
            block,
            change_sets=select(block.change_sets, change_sets),
            known=Posterior(
                **{name: part[change_sets] for name, part in vars(block.known).items()}
            ),
            executions=replace(
                block.executions,
                **{name: value[runs] for name, value in vars(block.executions).items()},
            ),
        )
        simulated = simulation()
        less = ceiling_offers(simulated, earlier)
        ours, theirs = offers.time <= cut, less.time <= cut
        same = (offers.workflows[ours][:, 0] == less.workflows[theirs][:, 0]).mean()
        # What the block's own averages (mix of categories, pace) change: near ties.
        assert same > 0.95

    def test_no_knowledge_beats_it_but_that_of_the_true_tastes(
        self, block: Block, offers: Offers
    ) -> None:
        """Precision of the five over what is begun: popular < offered < by true liking, all averaged."""
        truth = build_truth(DEFAULT)
        runs = block.executions
        first = np.full((60, 80), np.iinfo(np.int64).max)
        np.minimum.at(first, (runs.user, runs.workflow), runs.start)
        start = first[offers.user]
        begun = (start >= offers.time[:, None]) & (start < offers.time[:, None] + 14 * DAY)
        used = start < offers.time[:, None]

        def precision(scores: np.ndarray) -> float:
            top = np.argsort(np.where(used, np.inf, -scores), axis=1, kind="stable")[:, :5]
            return float(np.take_along_axis(begun, top, axis=1).mean())

        liking = softmax(affinities(truth, build_catalogue(truth), block.users))
        popular = np.tile(begun.sum(axis=0).astype(float), (len(begun), 1))
        ours = float(np.take_along_axis(begun, offers.workflows, axis=1).mean())
        assert precision(popular) + 0.05 < ours < precision(liking[offers.user]) + 0.03

    def test_probabilities(self, offers: Offers) -> None:
        assert ((offers.probability >= 0) & (offers.probability <= 1)).all()
        assert DRAWS % len(words.PERSONAS) == 0


def test_the_table_has_a_list_for_every_snapshot(offers: Offers) -> None:
    rows = [
        row
        for name, table in tables(simulation())
        if name == "ceilings"
        for row in table.to_pylist()
        if row["target"] == "next_used"
    ]
    assert len(rows) == len(offers)
    assert len({row["row_id"] for row in rows}) == len(rows)
    row = rows[0]
    user, day = row["row_id"].split("@")
    assert user.startswith("s4-u")
    assert row["occurred_at"] == datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert row["occurred_at"].weekday() == 0
    assert row["occurred_at"] - timedelta(days=60) < AS_OF
    assert len(row["prediction"].split("|")) == 5


def test_who_has_run_everything_is_offered_nothing() -> None:
    """Four workflows and sixty days: after two weeks most have run them all."""
    few = replace(DEFAULT, executions=replace(DEFAULT.executions, workflows=4))
    rows = [
        row
        for name, table in tables(simulation(few, users=10))
        if name == "ceilings"
        for row in table.to_pylist()
        if row["target"] == "next_used"
    ]
    offered = [len(row["prediction"].split("|")) if row["prediction"] else 0 for row in rows]
    assert offered.count(0) > len(rows) / 2
    assert max(offered) <= 4
