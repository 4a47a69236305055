"""A sample of clusters: one commit of a thousand files does not make it blind to all the others."""

import numpy as np
import pytest

from ml_platform.evaluation.dimensions.robustness.sample import sampled, within_share
from ml_platform_tests.evaluation.dimensions.robustness.toys import (
    Sturdy,
    examined,
    training_set,
)


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


@pytest.mark.parametrize("rows", [500, 5_000])
def test_a_commit_of_a_thousand_files_has_a_tenth_of_the_sample(rows: int) -> None:
    """Whether the sample is a part of the test rows or all of them."""
    world = training_set(2_000)
    test = world.test.copy()
    for column in ("cluster_id", "change_set_id"):
        test.loc[test.index[:1_060], column] = "sweeping"
    subject = examined(Sturdy(), type(world)(world.record, world.train, test))
    sample = sampled(subject, rows)
    large = int((sample.rows["cluster_id"] == "sweeping").sum())
    assert large <= 0.1 * min(rows, len(test))
    assert sample.rows["cluster_id"].nunique() > 100
    assert len(sample.clusters) == len(sample.predictions.values) == len(sample.rows)
