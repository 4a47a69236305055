"""Target encoding: what a word says about each class, counted by blocks of time so that it can be cross-fitted.

The weight of word w for class c is ``log((n_wc + a s_c) / (n_w + a) / s_c)``: the logarithm of how much more
frequent the class is among rows with the word than overall, shrunk towards nothing (0) as if ``a`` rows of
average classes had been seen too. A row is encoded, class by class, by the sum over its words, divided by the
square root of their number (words of one row repeat each other; a plain sum is overconfident).

Source: naive Bayes with an m-estimate, Cestnik (1990), "Estimating probabilities: a crucial task in machine
learning"; cross-fitting, Micci-Barreca (2001) and Chernozhukov et al. (2018).
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

SHRINKAGE = 20.0
"""Rows of average classes that are added to those of each word: a in the formula."""


@dataclass(frozen=True)
class TargetCounts:
    """Weighted counts of the training rows by block of time."""

    words: np.ndarray
    """Shape (blocks, words, classes)."""
    classes: np.ndarray
    """Shape (blocks, classes)."""

    def weights(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (words, classes), float32, from all blocks but those of ``without``; 0: the word tells nothing."""
        kept = [b for b in range(len(self.words)) if b not in without]
        counts = self.words[kept].sum(axis=0)
        totals = self.classes[kept].sum(axis=0)
        shares = (totals + 1.0) / (totals.sum() + len(totals))
        seen = counts.sum(axis=1, keepdims=True)
        shrunk = (counts + SHRINKAGE * shares) / (seen + SHRINKAGE)
        weights: np.ndarray = np.log(shrunk / shares).astype(np.float32)
        return weights


def count_targets(
    matrix: "sparse.csr_matrix",
    labels: np.ndarray,
    weights: np.ndarray,
    blocks: np.ndarray,
    classes: int,
) -> TargetCounts:
    """Counts of words by class and block.

    Args:
        matrix: shape (rows, words).
        labels: class of each row, integers in [0, classes).
        weights: how much each row counts.
        blocks: block of each row, integers from 0.
        classes: number of classes.
    """
    from scipy import sparse

    truth = sparse.csr_matrix(
        (weights, (np.arange(len(labels)), labels)), shape=(len(labels), classes)
    )
    count = int(blocks.max()) + 1
    words = np.zeros((count, matrix.shape[1], classes))
    totals = np.zeros((count, classes))
    for block in range(count):
        rows = np.flatnonzero(blocks == block)
        words[block] = (matrix[rows].T @ truth[rows]).toarray()
        totals[block] = np.asarray(truth[rows].sum(axis=0)).ravel()
    return TargetCounts(words, totals)


class WordWeights(Protocol):
    """Where the weights of words come from: counts (`TargetCounts`), or rows to learn from."""

    def weights(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (words, classes), float32, from all blocks but those of ``without``."""
        ...


def target_encode(matrix: "sparse.csr_matrix", weights: np.ndarray) -> np.ndarray:
    """The weights of a row's words, summed, over the root of their number; shape (rows, classes).

    Args:
        matrix: how much each word counts in each row, shape (rows, words).
        weights: shape (words, classes).
    """
    length = np.asarray(matrix.sum(axis=1))
    encoded: np.ndarray = (matrix @ weights) / np.sqrt(np.maximum(length, 1.0))
    return encoded


def target_encode_row(
    columns: Sequence[int], counts: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """`target_encode` of one row, shape (classes,), to the bit.

    Args:
        columns: the words of the row, ascending.
        counts: how much each of them counts, shape (columns,).
        weights: shape (words, classes).
    """
    if not len(columns):
        return np.zeros(weights.shape[1])
    # The sparse product adds from the first word to the last, the sum of the counts pairs them up.
    summed = np.add.accumulate(counts[:, None] * weights[columns], axis=0)[-1]
    length = np.add.reduceat(counts, [0])
    encoded: np.ndarray = summed / np.sqrt(np.maximum(length, 1.0))
    return encoded


def cross_fitted(
    matrix: "sparse.csr_matrix", word_weights: WordWeights, blocks: np.ndarray, without: Set[int]
) -> np.ndarray:
    """`target_encode` of the training rows, each by weights without its own block and those of ``without``."""
    parts = []
    for block in range(int(blocks.max()) + 1):
        rows = np.flatnonzero(blocks == block)
        weights = word_weights.weights(without | {block})
        parts.append((rows, target_encode(matrix[rows], weights)))
    encoded = np.zeros((matrix.shape[0], parts[0][1].shape[1]))
    for rows, part in parts:
        encoded[rows] = part
    return encoded
