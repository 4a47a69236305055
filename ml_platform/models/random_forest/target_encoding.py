"""What a word says about each class: naive evidence, counted by blocks of time so that it can be cross-fitted.

The weight of word w for class c is ``log((n_wc + a s_c) / (n_w + a) / s_c)``: the logarithm of how much more
frequent the class is among rows with the word than overall, shrunk towards nothing (0) as if ``a`` rows of
average classes had been seen too. A row's evidence for a class is the sum over its words, divided by the
square root of their number (words of one row repeat each other; a plain sum is overconfident).

Source: naive Bayes with an m-estimate, Cestnik (1990), "Estimating probabilities: a crucial task in machine
learning"; cross-fitting, Micci-Barreca (2001) and Chernozhukov et al. (2018).
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

SHRINKAGE = 20.0


@dataclass(frozen=True)
class EvidenceCounts:
    """Weighted counts of the training rows by block of time."""

    words: np.ndarray
    """Shape (blocks, words, classes)."""
    classes: np.ndarray
    """Shape (blocks, classes)."""

    def weights(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (words, classes), float32, from all blocks but those of ``without``; 0 says nothing."""
        kept = [b for b in range(len(self.words)) if b not in without]
        counts = self.words[kept].sum(axis=0)
        totals = self.classes[kept].sum(axis=0)
        shares = (totals + 1.0) / (totals.sum() + len(totals))
        seen = counts.sum(axis=1, keepdims=True)
        shrunk = (counts + SHRINKAGE * shares) / (seen + SHRINKAGE)
        found: np.ndarray = np.log(shrunk / shares).astype(np.float32)
        return found


def count_evidence(
    matrix: "sparse.csr_matrix",
    labels: np.ndarray,
    weights: np.ndarray,
    blocks: np.ndarray,
    classes: int,
) -> EvidenceCounts:
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
    return EvidenceCounts(words, totals)


class Weighing(Protocol):
    """What weights of words come from: counts, or rows to learn from."""

    def weights(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (words, classes), float32, from all blocks but those of ``without``."""
        ...


def evidence(matrix: "sparse.csr_matrix", weights: np.ndarray) -> np.ndarray:
    """Shape (rows, classes): the weights of a row's words, summed, over the root of their number."""
    length = np.asarray(matrix.sum(axis=1))
    found: np.ndarray = (matrix @ weights) / np.sqrt(np.maximum(length, 1.0))
    return found


def cross_fitted(
    matrix: "sparse.csr_matrix", weighing: Weighing, blocks: np.ndarray, without: Set[int]
) -> np.ndarray:
    """`evidence` of the training rows, each by weights without its own block and those of ``without``."""
    parts = []
    for block in range(int(blocks.max()) + 1):
        rows = np.flatnonzero(blocks == block)
        parts.append((rows, evidence(matrix[rows], weighing.weights(without | {block}))))
    found = np.zeros((matrix.shape[0], parts[0][1].shape[1]))
    for rows, part in parts:
        found[rows] = part
    return found
