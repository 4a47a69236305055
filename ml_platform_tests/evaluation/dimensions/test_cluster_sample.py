"""Samples in clusters: enough of both, and none has more than a tenth of the rows."""

import numpy as np
import pandas as pd
import pytest

from ml_platform.evaluation.dimensions.cluster_sample import cluster_sample, within_share
from ml_platform.evaluation.dimensions.explanations.local import BACKGROUND, background_rows
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import make_training_set


def with_a_sweeping_commit(rows: pd.DataFrame, files: int) -> pd.DataFrame:
    """The same rows, the first ``files`` of which are one commit."""
    sweeping = rows.copy()
    for column in ("cluster_id", "change_set_id"):
        sweeping.loc[sweeping.index[:files], column] = "sweeping"
    return sweeping


@pytest.fixture(scope="module")
def plain() -> TrainingSet:
    return make_training_set(change_sets=800)


def test_a_cluster_within_its_share_is_whole() -> None:
    clusters = np.array([0, 0, 1, 1, 1, 2])
    assert within_share(clusters, np.arange(6), 3, seed=0).all()


def test_of_a_large_cluster_whole_change_sets_are_drawn() -> None:
    """Cluster 0 has four change sets of three rows: two of them fit into seven rows."""
    clusters = np.array([0] * 12 + [1] * 5)
    change_sets = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8])
    kept = within_share(clusters, change_sets, 7, seed=0)
    assert kept[12:].all()
    assert sorted(np.bincount(change_sets[:12], kept[:12])) == [0, 0, 3, 3]
    assert (kept == within_share(clusters, change_sets, 7, seed=0)).all(), "by its seed"


def test_of_a_change_set_larger_than_its_share_some_rows_are_drawn() -> None:
    kept = within_share(np.zeros(1_060, dtype=np.int64), np.zeros(1_060, dtype=np.int64), 100, 0)
    assert kept.sum() == 100


@pytest.mark.parametrize("seed", range(20))
def test_whichever_cluster_is_drawn_first_none_has_more_than_a_tenth(
    plain: TrainingSet, seed: int
) -> None:
    """A commit of most of the files used to be the whole sample when it was drawn first."""
    test = with_a_sweeping_commit(plain.test, len(plain.test) // 2)
    world = TrainingSet(plain.record, plain.train, test)
    places = cluster_sample(world, seed=seed, rows=100, clusters=20, most=300)
    sampled = test.iloc[places]
    assert (sampled["cluster_id"] == "sweeping").sum() <= 10
    assert sampled["cluster_id"].nunique() >= 20
    assert 100 <= len(sampled) <= 300


def test_the_rows_that_stand_for_an_unknown_value_are_not_those_of_one_commit(
    plain: TrainingSet,
) -> None:
    train = with_a_sweeping_commit(plain.train, 9 * len(plain.train) // 10)
    background = background_rows(train, seed=3)
    assert len(background) == BACKGROUND
    assert background["cluster_id"].value_counts().max() <= BACKGROUND // 10
    assert background.index.is_monotonic_increasing
    assert background_rows(train, seed=3).equals(background)
    alone = train[train["cluster_id"] == "sweeping"]
    assert len(background_rows(alone, seed=3)) == BACKGROUND // 10
