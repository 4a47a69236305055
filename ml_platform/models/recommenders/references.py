"""A simple method beside the recommenders: item neighbours by the cosine of who uses them, with nothing to tune.

Source: Sarwar et al. (2001), "Item-based collaborative filtering recommendation algorithms", cosine similarity.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.errors import InsufficientData
from ml_platform.models.recommenders.top_items import NOT_OFFERED, listed
from ml_platform.models.recommenders.user_vectors import USED, latest_rows
from ml_platform.spec.training_set import TIME, USER

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet


@dataclass(frozen=True)
class ItemNeighbours:
    """Scores an item by the sum of its similarities to the items that the user has."""

    classes: tuple[str, ...]
    similarity: Array
    """Shape (items, items), 0 on the diagonal."""

    def predict_proba(self, rows: "pd.DataFrame") -> Array:
        """Scores, shape (rows, items); `NOT_OFFERED` where the user has the item."""
        used = _used(rows, self.classes)
        scores: Array = used @ self.similarity
        return np.where(used > 0, NOT_OFFERED, scores)


def fit_item_neighbours(training_set: "TrainingSet") -> ItemNeighbours:
    """Cosine similarities of the items over the newest row of each user of the training part.

    Raises:
        InsufficientData: nobody has used anything.
    """
    from sklearn.metrics.pairwise import cosine_similarity

    items = training_set.record.classes
    used = _used(latest_rows(training_set.train, USER, TIME), items)
    if not used.any():
        raise InsufficientData(
            "Nobody in the training part has used an item.", remedy="ingest a longer history of use"
        )
    similarity = cosine_similarity(used.T)
    np.fill_diagonal(similarity, 0.0)
    return ItemNeighbours(items, similarity)


def _used(rows: "pd.DataFrame", items: tuple[str, ...]) -> Array:
    """Whether each user has each item, shape (rows, items), 0 or 1."""
    of_row, item, _ = listed(rows[USED], items)
    used = np.zeros((len(rows), len(items)))
    known = item >= 0
    used[of_row[known], item[known]] = 1.0
    return used
