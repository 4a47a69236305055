"""EASE: a linear model from items to items in closed form, served as one declared array.

Source: Steck (2019), "Embarrassingly shallow autoencoders for sparse data", equation 8: with P the inverse of
the Gram matrix plus the penalty, the weight of item i on item j is -P[i, j] / P[j, j], and 0 of i on itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array
from ml_platform.models.recommenders.artifact_kinds import EASE
from ml_platform.models.recommenders.new_items import filled, joined
from ml_platform.models.recommenders.top_items import NOT_OFFERED
from ml_platform.models.recommenders.user_vectors import (
    UserVectors,
    array_of,
)
from ml_platform.spec.artifact import Artifact

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

WEIGHTS_FILE = "item_weights.npy"


@dataclass(frozen=True)
class ItemWeightsScorer:
    """Scores items by vectors of users and weights of items on items."""

    vectors: UserVectors
    weights: Array
    """(items, items), the diagonal 0."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The items."""
        return self.vectors.items

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """(rows, items) in (0, 1), the higher, the more recommended; `NOT_OFFERED` where it is used.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """

        def likely(vectors: Array, has: NDArray[np.bool_]) -> Array:
            scores = 1.0 / (1.0 + np.exp(-np.clip(vectors @ self.weights, -30.0, 30.0)))
            return np.where(has, NOT_OFFERED, scores)

        return self.vectors.score(rows, likely)

    def with_new(self, items: tuple[str, ...]) -> "ItemWeightsScorer":
        """The same for ``items`` that came after the fit as well: their weights are those of similar names."""
        wide = joined(self.weights, self.vectors.items, items)
        weights = np.vstack([wide, np.zeros((len(items), wide.shape[1]))])
        return ItemWeightsScorer(self.vectors.with_new(items), weights)

    def to_artifact(self) -> Artifact:
        """The scorer as declared arrays."""
        return self.vectors.artifact(EASE.name, WEIGHTS_FILE, self.weights)

    @classmethod
    def of(cls, artifact: Artifact) -> "ItemWeightsScorer":
        """The scorer of the files of ``artifact``."""
        vectors = UserVectors.from_files(artifact.classes, artifact.files)
        return cls(vectors, array_of(artifact.files[WEIGHTS_FILE]))


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
    seen = np.asarray(matrix.sum(axis=0)).ravel() > 0
    return filled(weights, items, seen)
