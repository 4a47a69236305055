"""Target encoding with the weights of all words learned jointly: a multinomial logistic regression with a ridge.

Counted one by one (`ml_platform.models.target_encoding`), the forty words of a commit repeat each other and drown
out the one that matters; learned together they share what they have in common. On validation blocks of
two git histories it is worth about .01 of accuracy and of macro-F1. The optimisation is stopped early.

Source: Ng and Jordan (2001), "On discriminative vs. generative classifiers"; L-BFGS, Liu and Nocedal (1989).
"""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

RIDGE = 3.0
"""Penalty on half the squared weights, beside a loss that is summed over change sets."""
ITERATIONS = 20
MOST_CHANGE_SETS = 20_000
"""Change sets that are learned from, evenly spaced in time: 16 fits take 4 s."""


@dataclass(frozen=True, eq=False)
class LinearTargetEncoding:
    """The rows that weights are learned from, one a change set, and the block of each."""

    matrix: "sparse.csr_matrix"
    labels: np.ndarray
    blocks: np.ndarray
    classes: int

    def weights(self, without: Set[int] = frozenset()) -> np.ndarray:
        """Shape (words, classes), float32, learned without the rows of the blocks in ``without``."""
        left_out = frozenset(without)
        if left_out not in self._learned:
            kept = np.flatnonzero(~np.isin(self.blocks, sorted(left_out)))
            weights = learn(self.matrix[kept], self.labels[kept], self.classes)
            self._learned[left_out] = weights.astype(np.float32)
        return self._learned[left_out]

    @cached_property
    def _learned(self) -> dict[frozenset[int], np.ndarray]:
        return {}


def collect(
    matrix: "sparse.csr_matrix",
    labels: np.ndarray,
    change_sets: np.ndarray,
    blocks: np.ndarray,
    classes: int,
) -> LinearTargetEncoding:
    """The first row of each change set, at most `MOST_CHANGE_SETS`, scaled as `target_encode` scales its sums."""
    from scipy import sparse

    first = np.sort(np.unique(change_sets, return_index=True)[1])
    chosen = first[:: -(-len(first) // MOST_CHANGE_SETS)]
    rows = matrix[chosen]
    length = np.asarray(rows.sum(axis=1)).ravel()
    scaled = (sparse.diags(1.0 / np.sqrt(np.maximum(length, 1.0))) @ rows).tocsr()
    return LinearTargetEncoding(scaled, labels[chosen], blocks[chosen], classes)


def learn(matrix: "sparse.csr_matrix", labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights, shape (words, classes), that raise the likelihood of ``labels`` above that of their shares.

    Always started from 0: a start that has seen other rows would carry their labels over.
    """
    from scipy.optimize import minimize

    rows, words = matrix.shape
    if rows == 0:
        return np.zeros((words, classes))
    truth = np.zeros((rows, classes))
    truth[np.arange(rows), labels] = 1.0
    shares = truth.sum(axis=0) + 1.0
    base = np.log(shares / shares.sum())
    transposed = matrix.T.tocsr()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(words, classes)
        scores = matrix @ weights + base
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        totals = powers.sum(axis=1)
        missed = np.log(totals).sum() - scores[truth > 0].sum()
        gradient = transposed @ (powers / totals[:, None] - truth) + RIDGE * weights
        return float(missed + 0.5 * RIDGE * (weights**2).sum()), gradient.ravel()

    start = np.zeros(words * classes)
    options = {"maxiter": ITERATIONS, "maxcor": 5}
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(optimum.x.reshape(words, classes))
