"""The rule baseline of a recommender: what others have begun lately, without what the user has already."""

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.encoding import require_features
from ml_platform.models.recommenders.artifact_kinds import POPULARITY
from ml_platform.models.recommenders.new_items import filled
from ml_platform.models.recommenders.top_items import NOT_OFFERED, listed, listed_row
from ml_platform.models.recommenders.user_vectors import USED
from ml_platform.models.tokens import words_of
from ml_platform.spec.artifact import Artifact
from ml_platform.spec.model import PlainRow
from ml_platform.spec.training_set import TIME

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.training_set import TrainingSet

POPULARITY_FILE = "popularity.json"
RECENT = timedelta(days=28)
"""The newest days of the training part, in which an adoption counts as recent."""
PRIOR_ADOPTIONS = 10.0
"""Adoptions by the shares of the whole training part that are added: a quiet month says little."""


@dataclass(frozen=True)
class PopularityScorer:
    """Scores an item by its popularity, the same for every user, but for the items that the user has already."""

    classes: tuple[str, ...]
    shares: tuple[float, ...]
    """The share of each item among the recent adoptions, smoothed; the shares sum to 1."""

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shares, shape (rows, items); `NOT_OFFERED` where the user has the item.

        Raises:
            IntegrityError: the column of used items is not among those of ``rows``.
        """
        require_features(rows, {USED: "tokens"})
        scores = np.tile(np.array(self.shares), (len(rows), 1))
        of_row, item, _ = listed(rows[USED], self.classes)
        inside = item >= 0
        scores[of_row[inside], item[inside]] = NOT_OFFERED
        return scores

    def score_row(self, row: PlainRow) -> np.ndarray:
        """Shares of one row of plain values, shape (items,); `NOT_OFFERED` where the user has the item."""
        scores = np.array(self.shares)
        scores[listed_row(words_of(row[USED]), self._index)] = NOT_OFFERED
        return scores

    @cached_property
    def _index(self) -> dict[str, int]:
        return {item: i for i, item in enumerate(self.classes)}

    @classmethod
    def of(cls, artifact: Artifact) -> "PopularityScorer":
        """The scorer of the files of ``artifact``."""
        content = json.loads(artifact.files[POPULARITY_FILE])
        return cls(artifact.classes, tuple(content["shares"]))


def fit_popularity(training_set: "TrainingSet") -> Artifact:
    """Adoptions of the newest `RECENT` of the training part, and `PRIOR_ADOPTIONS` by those of the whole.

    An item that nobody began is as popular as items with similar names.
    """
    record, rows = training_set.record, training_set.train
    newest = rows[rows[TIME] >= rows[TIME].max() - RECENT]
    recent = _counts(newest, record.label, record.classes)
    ever = _counts(rows, record.label, record.classes)
    overall = (ever + 1.0) / (ever + 1.0).sum()
    weights = recent + PRIOR_ADOPTIONS * overall
    smoothed = filled(weights[None, :], record.classes, ever > 0)[0]
    shares = [round(float(share), 9) for share in smoothed / smoothed.sum()]
    text = json.dumps({"shares": shares}, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Artifact(
        kind=POPULARITY.name,
        classes=record.classes,
        features=MappingProxyType({USED: "tokens"}),
        files=MappingProxyType({POPULARITY_FILE: text.encode()}),
    )


def _counts(rows: "pd.DataFrame", label: str, items: tuple[str, ...]) -> np.ndarray:
    _, item, _ = listed(rows[label], items)
    return np.bincount(item[item >= 0], minlength=len(items)).astype(np.float64)
