import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from ml_platform.models.target_encoding import (
    count_targets,
    cross_fitted,
    target_encode,
    target_encode_row,
)
from ml_platform.models.tokens import token_column, token_matrix, word_row


def counts(blocks: list[int]):
    """Word 0 in rows 0-2 (class 0, 0, 1), word 1 in rows 2-3 (class 1, 1)."""
    matrix = sparse.csr_matrix(np.array([[1, 0], [1, 0], [1, 1], [0, 1]], float))
    labels = np.array([0, 0, 1, 1])
    return matrix, count_targets(matrix, labels, np.ones(4), np.array(blocks), 2)


def test_weights_by_hand():
    _, target_counts = counts([0, 0, 0, 0])
    # shares 1/2 (two rows each, smoothed (2+1)/(4+2)); 20 rows of average classes are added:
    # word 0: (2 + 10) / (3 + 20) / (1/2) = 24/23, (1 + 10) / 23 / (1/2) = 22/23
    assert target_counts.weights()[0] == pytest.approx(np.log([24 / 23, 22 / 23]), abs=1e-7)
    # word 1: (0 + 10) / 22 / (1/2) = 20/22, (2 + 10) / 22 / (1/2) = 24/22
    assert target_counts.weights()[1] == pytest.approx(np.log([20 / 22, 24 / 22]), abs=1e-7)


def test_target_encoding_is_the_sum_over_the_root_of_the_number_of_words():
    matrix = sparse.csr_matrix(np.array([[1, 1], [0, 0]], float))
    weights = np.array([[1.0, -1.0], [2.0, 0.0]])
    assert target_encode(matrix, weights) == pytest.approx(
        np.array([[3 / np.sqrt(2), -1 / np.sqrt(2)], [0.0, 0.0]])
    )


def test_a_block_that_is_left_out_leaves_no_trace():
    _, whole = counts([0, 0, 1, 1])
    # only block 0: word 0 twice with class 0, word 1 never; shares (2+1)/(2+2), 1/4
    left = whole.weights({1})
    assert left[0] == pytest.approx(np.log([(2 + 15) / 22 / 0.75, 5 / 22 / 0.25]), abs=1e-6)
    assert left[1] == pytest.approx([0.0, 0.0], abs=1e-7)


def test_changing_the_labels_of_a_block_does_not_change_the_encoding_of_its_own_rows():
    random = np.random.default_rng(1)
    matrix = sparse.csr_matrix((random.random((200, 12)) < 0.3).astype(float))
    labels, blocks = random.integers(0, 3, 200), np.arange(200) // 50
    flipped = np.where(blocks == 2, (labels + 1) % 3, labels)
    counted = [count_targets(matrix, y, np.ones(200), blocks, 3) for y in (labels, flipped)]
    encodings = [cross_fitted(matrix, counts, blocks, frozenset()) for counts in counted]
    assert np.array_equal(encodings[0][blocks == 2], encodings[1][blocks == 2])
    assert not np.array_equal(encodings[0][blocks == 1], encodings[1][blocks == 1])


WORDS = tuple(f"w{place:02d}" for place in range(40))


@settings(max_examples=60, deadline=None)
@given(
    lists=st.lists(st.lists(st.sampled_from((*WORDS, "unseen")), max_size=40), max_size=6),
    decay=st.sampled_from([1.0, 0.9, 0.61]),
    classes=st.sampled_from([1, 3, 8]),
)
def test_one_row_is_encoded_to_the_bit_as_in_its_batch(lists, decay, classes):
    weights = np.random.default_rng(classes).normal(size=(40, classes)).astype(np.float32)
    index = {word: place for place, word in enumerate(WORDS)}
    tokens = token_column(pd.Series([*lists, ["w00"]], dtype=object), lists=True)
    batch = target_encode(token_matrix(tokens, WORDS, index, decay), weights)
    for words, encoded in zip(lists, batch[:-1], strict=True):
        row = target_encode_row(*word_row(words, index, decay), weights)
        assert row.tobytes() == encoded.tobytes()
