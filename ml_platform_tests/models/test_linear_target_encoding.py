import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from ml_platform.models.linear_target_encoding import MOST_CHANGE_SETS, RIDGE, collect, learn
from ml_platform.models.target_encoding import cross_fitted


def example(rows: int = 600) -> tuple[sparse.csr_matrix, np.ndarray]:
    random = np.random.default_rng(8)
    matrix = (random.random((rows, 10)) < 0.3).astype(float)
    scores = matrix @ random.normal(0, 1.5, (10, 3)) + random.gumbel(size=(rows, 3))
    return sparse.csr_matrix(matrix), scores.argmax(axis=1)


def test_weights_are_those_of_scikit_learn_given_the_time(monkeypatch):
    monkeypatch.setattr("ml_platform.models.linear_target_encoding.ITERATIONS", 500)
    matrix, labels = example(2_000)
    least = np.bincount(labels).min()
    # as many rows of each class: the shares are equal, so that neither side has an intercept
    even = np.concatenate([np.flatnonzero(labels == c)[:least] for c in range(3)])
    weights = learn(matrix[even], labels[even], 3)
    peer = LogisticRegression(C=1 / RIDGE, fit_intercept=False, tol=1e-10, max_iter=1_000)
    peer.fit(matrix[even], labels[even])
    assert weights == pytest.approx(peer.coef_.T, abs=1e-3)


def test_no_rows_say_nothing():
    matrix, labels = example()
    assert not learn(matrix[:0], labels[:0], 3).any()


def test_words_that_always_come_together_share_what_one_would_say():
    labels = np.array([0, 1] * 200)
    one = sparse.csr_matrix((labels == 1).astype(float)[:, None])
    three = sparse.hstack([one, one, one]).tocsr()
    single, joint = learn(one, labels, 2), learn(three, labels, 2)
    assert joint[0] == pytest.approx(joint[1])
    # counted one by one, three copies would say three times as much
    assert joint.sum(axis=0)[1] < 2.0 * single[0, 1]


def test_change_sets_count_once_and_are_bounded():
    matrix, labels = example()
    change_sets = np.arange(600) // 3
    collected = collect(matrix, labels, change_sets, np.zeros(600, np.int64), 3)
    assert len(collected.labels) == 200
    rows = matrix[::3].toarray()
    scaled = rows / np.sqrt(np.maximum(rows.sum(axis=1, keepdims=True), 1.0))
    assert collected.matrix.toarray() == pytest.approx(scaled)
    many = sparse.csr_matrix((3 * MOST_CHANGE_SETS, 2))
    rows = np.arange(3 * MOST_CHANGE_SETS)
    assert len(collect(many, rows % 2, rows, rows * 0, 2).labels) == MOST_CHANGE_SETS


def test_a_block_does_not_see_its_own_labels():
    matrix, labels = example()
    blocks = np.arange(600) // 120
    flipped = np.where(blocks == 4, (labels + 1) % 3, labels)
    first, second = (
        cross_fitted(
            matrix,
            collect(matrix, y, np.arange(600), blocks, 3),
            blocks,
            frozenset({1}),
        )
        for y in (labels, flipped)
    )
    assert np.array_equal(first[blocks == 4], second[blocks == 4])
    assert not np.array_equal(first[blocks == 0], second[blocks == 0])
