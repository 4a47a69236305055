"""Non-negative matrix factorisation of users and items, and its served side as declared arrays.

The adoption matrix is written as memberships times components by Kullback-Leibler divergence (Lee and Seung
2001), which is a mixture of tastes, each a distribution over items. A user is folded in with the components
fixed: `FOLD_IN` multiplicative steps from equal memberships, which is what scikit-learn's ``transform`` does.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array, Flags, row_products
from ml_platform.models.recommenders.artifact_kinds import MATRIX_FACTORISATION
from ml_platform.models.recommenders.item_scorer import ItemScorer
from ml_platform.models.recommenders.new_items import filled
from ml_platform.models.recommenders.top_items import NOT_OFFERED
from ml_platform.models.recommenders.user_vectors import UserVectors

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

FOLD_IN = 20
"""Multiplicative steps; more change the lists of one row in a hundred."""
FIT_STEPS = 200
_TINY = float(np.finfo(np.float32).eps)


class FactorsScorer(ItemScorer):
    """Scores items by vectors of users and components of items, which are its array, shape (tastes, items)."""

    kind = MATRIX_FACTORISATION
    file = "factors.npy"

    def scores(self, vectors: Array, used: Flags) -> Array:
        """(rows, items) the expected share of each item in the runs to come; `NOT_OFFERED` where it is used."""
        memberships = _folded_in(vectors, self.array, self._onto, FOLD_IN)
        return shares(row_products(memberships, self.array), used)

    @cached_property
    def _onto(self) -> Array:
        return onto_tastes(self.array)


@dataclass(frozen=True)
class NmfEstimator:
    """The fitted scikit-learn model, whose ``transform`` folds in; the parity gate holds the artifact to it."""

    vectors: UserVectors
    nmf: Any

    @property
    def classes(self) -> tuple[str, ...]:
        """The items."""
        return self.vectors.items

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """The same scores as those of `FactorsScorer`, by scikit-learn's own ``transform``."""
        vectors, used = self.vectors.of(rows)
        return shares(self.nmf.transform(vectors) @ self.nmf.components_, used)


def fold_in(vectors: Array, components: Array, steps: int = FOLD_IN) -> Array:
    """(rows, tastes) memberships of users with these ``vectors`` (rows, items), components fixed.

    Source: Lee and Seung (2001), the update of W under the divergence.
    """
    return _folded_in(vectors, components, onto_tastes(components), steps)


def onto_tastes(components: Array) -> Array:
    """(items, tastes): the share that each item has of each taste."""
    totals = np.maximum(components.sum(axis=1), _TINY)
    onto: Array = np.ascontiguousarray(components.T) / totals
    return onto


def _folded_in(vectors: Array, components: Array, onto: Array, steps: int) -> Array:
    if len(vectors) == 1:  # the same products of a vector and a matrix, without a call for each
        return _one_folded_in(vectors[0], components, onto, steps)[None, :]
    memberships = np.full((len(vectors), len(components)), 1.0)
    for _ in range(steps):
        expected = np.maximum(row_products(memberships, components), _TINY)
        memberships *= row_products(vectors / expected, onto)
    return memberships


def _one_folded_in(vector: Array, components: Array, onto: Array, steps: int) -> Array:
    memberships = np.full(len(components), 1.0)
    for _ in range(steps):
        expected = np.maximum(memberships.dot(components), _TINY)
        memberships *= np.divide(vector, expected, expected).dot(onto)
    return memberships


def shares(expected: Array, used: Flags) -> Array:
    """Rows that sum to 1, but for `NOT_OFFERED` where the item is ``used`` by the user already."""
    total = np.maximum(expected.sum(axis=1, keepdims=True), _TINY)
    return np.where(used, NOT_OFFERED, expected / total)


def fit_components(
    matrix: "sparse.csr_matrix", items: tuple[str, ...], tastes: int, seed: int
) -> Any:
    """scikit-learn's NMF of ``matrix`` (users, items), set to fold in users.

    The components of an item that nobody has are those of items with similar names.
    """
    from sklearn.decomposition import NMF

    some_use = matrix[np.flatnonzero(np.asarray(matrix.sum(axis=1)).ravel() > 0)]
    nmf = NMF(
        n_components=min(tastes, *some_use.shape),
        init="nndsvda",
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=FIT_STEPS,
        tol=0.0,
        random_state=seed,
    )
    nmf.fit(some_use)
    has_users = np.asarray(matrix.sum(axis=0)).ravel() > 0
    nmf.components_ = filled(nmf.components_, items, has_users)
    return nmf.set_params(max_iter=FOLD_IN)
