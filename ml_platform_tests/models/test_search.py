"""Spaces refuse what cannot be searched; the blocks of a search never see what judges its winner."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from ml_platform.errors import InsufficientData, UsageError
from ml_platform.models.catalogue import MODELS
from ml_platform.models.time_series_split import microseconds
from ml_platform.models.tuning_split import LEAST_ROWS, tuning_blocks
from ml_platform.spec.model import ModelSpec
from ml_platform.spec.search_space import Choice, Float, Int, defaults_in
from ml_platform_tests.models.tuning_toys import toy_rows

DAY = timedelta(days=1) // timedelta(microseconds=1)


@pytest.mark.parametrize("spec", MODELS, ids=[spec.name for spec in MODELS])
def test_every_model_has_a_space_around_its_defaults(spec: ModelSpec) -> None:
    found = defaults_in(spec.search, spec.defaults)
    assert found == {dimension.name: spec.defaults[dimension.name] for dimension in spec.search}
    assert len(found) == len(spec.search)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ((), "has no search space"),
        ((Float("depth", 0, 1),), "moves depth, which the model does not have"),
        ((Float("rate", 0.2, 1),), "rate = 0.1 lies outside"),
        ((Int("rate", 0, 1),), "rate = 0.1 lies outside"),
        ((Choice("kind", ("a", "b")),), "kind = c lies outside"),
    ],
)
def test_a_space_that_does_not_fit_its_model_is_refused(space: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        defaults_in(space, {"rate": 0.1, "kind": "c"})


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"x in \[2, 1\] is no range"):
        Int("x", 2, 1)
    with pytest.raises(UsageError, match=r"\[0, 1\] on a logarithm is no range"):
        Float("x", 0, 1, log=True)
    with pytest.raises(UsageError, match="x has 1 value"):
        Choice("x", ("a", "a"))


def test_what_holds() -> None:
    assert Int("x", 1, 3).holds(3)
    assert not Int("x", 1, 3).holds(4)
    assert not Int("x", 0, 3).holds(True)
    assert Float("x", 0, 1).holds(1)
    assert not Float("x", 0, 1).holds("1")


@pytest.mark.parametrize("days", [1, 4])
def test_blocks_are_judged_by_what_ended_a_gap_before_them(days: int) -> None:
    rows = toy_rows()
    times, change_sets = microseconds(rows), rows["change_set_id"].to_numpy()
    blocks = tuning_blocks(rows, timedelta(days=days))
    everything = (*blocks.search, blocks.holdout)
    assert [fold.number for fold in everything] == [0, 1, 2, 3]
    for fold in everything:
        assert len(fold.fit) >= LEAST_ROWS
        assert not set(change_sets[fold.fit]) & set(change_sets[fold.held_out])
        # Blocks of the search: the gap, or a tenth of their 27 days.
        least = days * DAY if fold is blocks.holdout else min(days, 2.5) * DAY
        assert times[fold.held_out].min() - times[fold.fit].max() >= least
    for early, late in pairwise(everything):
        assert times[early.held_out].max() < times[late.held_out].min()


def test_nothing_of_the_search_reaches_into_the_holdout_or_its_labels() -> None:
    rows = toy_rows()
    times = microseconds(rows)
    blocks = tuning_blocks(rows, timedelta(days=3))
    searched = np.concatenate([places for f in blocks.search for places in (f.fit, f.held_out)])
    assert times[searched].max() <= times[blocks.holdout.held_out].min() - 3 * DAY
    share = len(blocks.holdout.held_out) / len(rows)
    assert share == pytest.approx(0.25, abs=0.01)


def test_a_gap_longer_than_the_history_is_cut_to_a_third_of_it() -> None:
    blocks = tuning_blocks(toy_rows(), timedelta(days=400))
    rows = toy_rows()
    times = microseconds(rows)
    apart = (times[blocks.holdout.held_out].min() - times[blocks.holdout.fit].max()) / DAY
    assert 13 < apart < 14


def test_a_short_history_says_so() -> None:
    with pytest.raises(InsufficientData, match=r"40 rows over .* 50 rows 1 day, 0:00:00 before"):
        tuning_blocks(toy_rows(change_sets=20), timedelta(days=1))


def test_change_sets_stay_whole_where_blocks_meet() -> None:
    rows = toy_rows()
    spread = rows.assign(occurred_at=rows.occurred_at + (rows.index % 2) * timedelta(days=2))
    spread = spread.sort_values("occurred_at", ignore_index=True)
    blocks = tuning_blocks(spread, timedelta(days=1))
    change_sets = spread["change_set_id"].to_numpy()
    for fold in (*blocks.search, blocks.holdout):
        sizes = spread.groupby("change_set_id").size()
        for places in (fold.fit, fold.held_out):
            found = spread.iloc[places].groupby("change_set_id").size()
            assert (found == sizes[found.index]).all()
        assert not set(change_sets[fold.fit]) & set(change_sets[fold.held_out])


def test_another_default_in_the_catalogue_is_seen() -> None:
    spec = replace(MODELS[0], defaults={**MODELS[0].defaults, "drawn_share": 2.0})
    with pytest.raises(UsageError, match=r"drawn_share = 2.0 lies outside"):
        defaults_in(spec.search, spec.defaults)
