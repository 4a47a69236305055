"""The choice among settings by held-out rows: worked answers, and DeLong's variance as a reference."""

import numpy as np
import pytest

from ml_platform.evaluation.intervals.delong import area_variance
from ml_platform.models.one_standard_error import (
    ClusteredEstimate,
    blockwise_roc_auc,
    simplest_of_the_best,
)


def of_means(*choices: list[float]) -> list[ClusteredEstimate]:
    return [ClusteredEstimate.of_means(np.array(means)) for means in choices]


class TestTheRule:
    """Of choices that do about equally well the simplest is taken, and a better one is not missed."""

    def test_of_equals_the_first(self) -> None:
        gains = [0.1, 0.5, 0.3, 0.9]
        assert simplest_of_the_best(of_means(gains, gains, gains)) == 0

    def test_a_gain_of_every_cluster_counts_however_small(self) -> None:
        gains = [0.1, 0.5, 0.3, 0.9]
        assert simplest_of_the_best(of_means(gains, [gain + 0.01 for gain in gains])) == 1

    def test_a_gain_within_one_standard_error_does_not(self) -> None:
        best = [0.4, -0.2, 0.2, -0.2]  # mean .05, standard error .15
        assert simplest_of_the_best(of_means([0.0] * 4, best)) == 0

    def test_a_gain_just_above_one_standard_error_does(self) -> None:
        spread = [0.4, -0.2, 0.2, -0.2]  # its standard error is .15
        below, above = ([each + extra for each in spread] for extra in (0.09, 0.11))  # .14, .16
        assert simplest_of_the_best(of_means([0.0] * 4, below)) == 0
        assert simplest_of_the_best(of_means([0.0] * 4, above)) == 1

    def test_one_cluster_decides_by_the_value(self) -> None:
        assert simplest_of_the_best(of_means([0.2], [0.3])) == 1


class TestRocAuc:
    """The area within blocks of time, and what each cluster adds to it."""

    def test_worked_by_hand(self) -> None:
        # Positives .9 and .4 against negatives .5, .3, .1: above 3 of 3 and 2 of 3, so 5/6 of the pairs.
        scores = np.array([0.9, 0.4, 0.5, 0.3, 0.1])
        positive = np.array([True, True, False, False, False])
        auc = blockwise_roc_auc(scores, positive, np.zeros(5, int), np.arange(5))
        assert auc.value == pytest.approx(5 / 6)
        # Positives: (1 - 5/6)/2, (2/3 - 5/6)/2; negatives: positives above them (1/2, 1, 1), less 5/6, over 3.
        expected = [1 / 12, -1 / 12, -1 / 9, 1 / 18, 1 / 18]
        np.testing.assert_allclose(auc.influence, expected)

    def test_ties_count_half(self) -> None:
        auc = blockwise_roc_auc(
            np.array([0.5, 0.5]), np.array([True, False]), np.zeros(2, int), np.arange(2)
        )
        assert auc.value == 0.5

    def test_rows_of_different_blocks_are_not_compared(self) -> None:
        # In each block the positive is above the negative; across blocks one is not.
        scores = np.array([0.2, 0.1, 0.9, 0.8])
        positive = np.array([True, False, True, False])
        auc = blockwise_roc_auc(scores, positive, np.array([0, 0, 1, 1]), np.arange(4))
        assert auc.value == 1.0

    def test_a_block_counts_by_its_positives_and_one_without_them_not_at_all(self) -> None:
        scores = np.array([0.2, 0.1, 0.1, 0.2, 0.1, 0.3, 0.7])
        positive = np.array([True, False, True, True, True, False, False])
        blocks = np.array([0, 0, 1, 1, 1, 1, 2])  # 1 of 1 pairs, 0 of 3 pairs, no pair
        auc = blockwise_roc_auc(scores, positive, blocks, np.arange(7))
        assert auc.value == pytest.approx(1 / 4)
        assert auc.influence[6] == 0.0

    def test_rows_of_a_cluster_add_up(self) -> None:
        scores = np.array([0.9, 0.4, 0.5, 0.3, 0.1])
        positive = np.array([True, True, False, False, False])
        auc = blockwise_roc_auc(scores, positive, np.zeros(5, int), np.array([0, 1, 0, 1, 1]))
        np.testing.assert_allclose(auc.influence, [1 / 12 - 1 / 9, -1 / 12 + 1 / 9])

    @pytest.mark.parametrize("clusters", [400, 40])
    def test_the_spread_of_the_influence_is_the_error_of_obuchowski(self, clusters: int) -> None:
        draw = np.random.default_rng(0)
        positive = draw.random(400) < 0.3
        cluster = np.arange(400) % clusters
        scores = draw.normal(size=400) + positive + draw.normal(size=clusters)[cluster]
        auc = blockwise_roc_auc(scores, positive, np.zeros(400, int), cluster)
        above = (scores[:, None] > scores[None, :]).astype(float)
        placements = np.where(
            positive, above[:, ~positive].mean(axis=1), above[positive].mean(axis=0)
        )
        variance = area_variance(placements - auc.value, positive, cluster, clusters)
        spread = (auc.influence**2).sum() * clusters / (clusters - 1)
        assert spread == pytest.approx(variance, rel=0.02)
