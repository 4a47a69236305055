"""EASE: a linear model from items to items in closed form, served as one declared array.

Source: Steck (2019), "Embarrassingly shallow autoencoders for sparse data", equation 8: with P the inverse of
the Gram matrix plus the penalty, the weight of item i on item j is -P[i, j] / P[j, j], and 0 of i on itself.
"""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Flags, row_products
from ml_platform.models.recommenders.artifact_kinds import EASE
from ml_platform.models.recommenders.item_scorer import ItemScorer
from ml_platform.models.recommenders.new_items import filled
from ml_platform.models.recommenders.top_items import NOT_OFFERED

if TYPE_CHECKING:
    from scipy import sparse


class ItemWeightsScorer(ItemScorer):
    """Scores items by vectors of users and weights of items on items: its array, (items, items), the diagonal 0."""

    kind = EASE
    file = "item_weights.npy"

    def scores(self, vectors: Array, used: Flags) -> Array:
        """(rows, items) in (0, 1), the higher, the more recommended; `NOT_OFFERED` where it is used."""
        likely = 1.0 / (1.0 + np.exp(-np.clip(row_products(vectors, self.array), -30.0, 30.0)))
        return np.where(used, NOT_OFFERED, likely)


def fit_weights(matrix: "sparse.csr_matrix", items: tuple[str, ...], penalty: float) -> Array:
    """Weights (items, items) of EASE on ``matrix`` (users, items).

    ``penalty`` is in units of the mean of the Gram matrix's diagonal, so that it means the same whatever the
    number of users.
    """
    gram = np.asarray((matrix.T @ matrix).todense(), dtype=np.float64)
    scale = max(float(np.trace(gram)) / len(items), 1e-12)
    inverse = np.linalg.inv(gram + penalty * scale * np.eye(len(items)))
    weights = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    has_users = np.asarray(matrix.sum(axis=0)).ravel() > 0
    return filled(weights, items, has_users)
