"""Non-negative matrix factorisation of users and items, and its served side as declared arrays.

The adoption matrix is written as memberships times components by Kullback-Leibler divergence (Lee and Seung
2001), which is a mixture of tastes, each a distribution over items. A user is folded in with the components
fixed: `FOLD_IN` multiplicative steps from equal memberships, which is what scikit-learn's ``transform`` does.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array
from ml_platform.models.recommenders.artifact_kinds import MATRIX_FACTORISATION
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

FACTORS_FILE = "factors.npy"
FOLD_IN = 20
"""Multiplicative steps; more change the lists of one row in a hundred."""
FIT_STEPS = 200
_TINY = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class FactorsScorer:
    """Scores items by vectors of users and components of items."""

    vectors: UserVectors
    components: Array
    """(tastes, items)."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The items."""
        return self.vectors.items

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """(rows, items) the expected share of each item in the runs to come; `NOT_OFFERED` where it is used.

        Raises:
            IntegrityError: a feature of the manifest is not among the columns of ``rows``.
        """

        def expected(vectors: Array, has: NDArray[np.bool_]) -> Array:
            return shares(fold_in(vectors, self.components) @ self.components, has)

        return self.vectors.score(rows, expected)

    def with_new(self, items: tuple[str, ...]) -> "FactorsScorer":
        """The same for ``items`` that came after the fit as well: their columns are those of similar names."""
        components = joined(self.components, self.vectors.items, items)
        return FactorsScorer(self.vectors.with_new(items), components)

    def to_artifact(self) -> Artifact:
        """The scorer as declared arrays."""
        return self.vectors.artifact(MATRIX_FACTORISATION.name, FACTORS_FILE, self.components)

    @classmethod
    def of(cls, artifact: Artifact) -> "FactorsScorer":
        """The scorer of the files of ``artifact``."""
        vectors = UserVectors.from_files(artifact.classes, artifact.files)
        return cls(vectors, array_of(artifact.files[FACTORS_FILE]))


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
        """As `FactorsScorer.predict_proba`."""
        vectors, has = self.vectors.of(rows)
        return shares(self.nmf.transform(vectors) @ self.nmf.components_, has)


def fold_in(vectors: Array, components: Array, steps: int = FOLD_IN) -> Array:
    """(rows, tastes) memberships of users with these ``vectors`` (rows, items), components fixed.

    Source: Lee and Seung (2001), the update of W under the divergence.
    """
    totals = np.maximum(components.sum(axis=1), _TINY)
    onto = np.ascontiguousarray(components.T) / totals
    memberships = np.full((len(vectors), len(components)), 1.0)
    for _ in range(steps):
        expected = np.maximum(memberships @ components, _TINY)
        memberships *= (vectors / expected) @ onto
    return memberships


def shares(expected: Array, has: NDArray[np.bool_]) -> Array:
    """Rows that sum to 1, then `NOT_OFFERED` where the user has the item."""
    total = np.maximum(expected.sum(axis=1, keepdims=True), _TINY)
    return np.where(has, NOT_OFFERED, expected / total)


def fit_components(
    matrix: "sparse.csr_matrix", items: tuple[str, ...], tastes: int, seed: int
) -> Any:
    """scikit-learn's NMF of ``matrix`` (users, items), set to fold in users.

    The components of an item that nobody has are those of items with similar names.
    """
    from sklearn.decomposition import NMF

    used = matrix[np.flatnonzero(np.asarray(matrix.sum(axis=1)).ravel() > 0)]
    nmf = NMF(
        n_components=min(tastes, *used.shape),
        init="nndsvda",
        solver="mu",
        beta_loss="kullback-leibler",
        max_iter=FIT_STEPS,
        tol=0.0,
        random_state=seed,
    )
    nmf.fit(used)
    seen = np.asarray(matrix.sum(axis=0)).ravel() > 0
    nmf.components_ = filled(nmf.components_, items, seen)
    return nmf.set_params(max_iter=FOLD_IN)
