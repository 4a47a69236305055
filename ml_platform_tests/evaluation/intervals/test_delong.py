"""The variance of ROC AUC in closed form: the published formula, the bootstrap, coverage."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml_platform.evaluation.intervals.bootstrap import replicate
from ml_platform.evaluation.intervals.delong import area_interval, area_variance
from ml_platform.evaluation.metrics.binary import BinaryRows, binary_statistics
from ml_platform.evaluation.metrics.ranking_curves import rank_class


def drawn(generator: np.random.Generator, clusters: int, size: int) -> tuple[np.ndarray, ...]:
    """Truth, two scorers and clusters; the effect of a cluster is in the truth and in the scores."""
    codes = np.repeat(np.arange(clusters), size)
    shared = generator.normal(0, 1, clusters)[codes] * (size > 1)
    logits = shared + generator.normal(0, 1, len(codes))
    positive = generator.random(len(codes)) < 1 / (1 + np.exp(1 - logits))
    noise = generator.normal(0, 1, (2, len(codes)))
    return positive, logits + noise[0] + positive, logits + 2 * noise[1], codes


def published(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Structural components V10 and V01, pair by pair: DeLong et al. (1988), equations 4 and 5."""
    x, y = scores[positive][:, None], scores[~positive][None, :]
    wins = (x > y) + 0.5 * (x == y)
    return wins.mean(axis=1), wins.mean(axis=0)


def test_by_hand() -> None:
    """Positives 3 and 1, negatives 2 and 0: placements 1, .5 and .5, 1; S10 = S01 = .125, over two each."""
    positive = np.array([True, False, True, False])
    scores = np.array([3.0, 2.0, 1.0, 0.0])
    ranking = rank_class(positive, scores)
    assert ranking is not None
    centred = ranking.placements - ranking.roc_auc
    assert area_variance(centred, positive, np.arange(4), 4) == pytest.approx(0.125)


def test_independent_rows_give_delongs_variance_and_that_of_a_difference() -> None:
    positive, one, other, codes = drawn(np.random.default_rng(1), 400, 1)
    one = np.round(one, 1)
    centred, parts = [], []
    for scores in (one, other):
        ranking = rank_class(positive, scores)
        assert ranking is not None
        assert ranking.roc_auc == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
        centred.append(ranking.placements - ranking.roc_auc)
        parts.append(published(positive, scores))
    first = sum(np.var(part, ddof=1) / len(part) for part in parts[0])
    assert area_variance(centred[0], positive, codes, 400) == pytest.approx(first, rel=1e-12)
    paired = sum(np.var(a - b, ddof=1) / len(a) for a, b in zip(*parts, strict=True))
    difference = centred[0] - centred[1]
    assert area_variance(difference, positive, codes, 400) == pytest.approx(paired, rel=1e-12)


@pytest.mark.parametrize("size", [1, 5])
def test_the_bootstrap_of_placements_has_the_same_spread(size: int) -> None:
    positive, scores, _, codes = drawn(np.random.default_rng(2), 600, size)
    ranking = rank_class(positive, scores)
    assert ranking is not None
    error = np.sqrt(area_variance(ranking.placements - ranking.roc_auc, positive, codes, 600))
    rows = BinaryRows(positive, scores > 1, scores, codes, probabilities=False)
    replicates = replicate(binary_statistics(rows, 600), seed=3, resamples=2_000)["roc_auc"]
    assert np.std(replicates.resampled) == pytest.approx(error, rel=0.05)


@pytest.mark.parametrize(("clusters", "size"), [(150, 1), (60, 5)])
def test_intervals_cover(clusters: int, size: int) -> None:
    generator = np.random.default_rng(4)
    positive, scores, _, _ = drawn(generator, 400_000 // size, size)
    exact = roc_auc_score(positive, scores)
    held = []
    for _ in range(400):
        positive, scores, _, codes = drawn(generator, clusters, size)
        ranking = rank_class(positive, scores)
        assert ranking is not None
        estimate = area_interval(ranking, positive, codes, clusters)
        held.append(estimate.low <= exact <= estimate.high)
    assert 0.925 <= np.mean(held) <= 0.98


def test_a_perfect_ranking_is_not_told_as_certain() -> None:
    positive = np.arange(40) >= 20
    ranking = rank_class(positive, np.arange(40.0))
    assert ranking is not None
    estimate = area_interval(ranking, positive, np.arange(40), 40)
    assert estimate.value == estimate.high == 1.0
    assert estimate.low == pytest.approx(0.025 ** (1 / 20))
