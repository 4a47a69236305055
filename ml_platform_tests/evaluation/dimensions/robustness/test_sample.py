"""A sample of clusters: one commit of a thousand files does not make it blind to all the others."""

import pytest

from ml_platform.evaluation.dimensions.robustness.sample import sampled
from ml_platform_tests.evaluation.dimensions.robustness.toys import (
    Sturdy,
    examined,
    training_set,
)


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
