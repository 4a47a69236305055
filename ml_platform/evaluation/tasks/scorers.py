"""Scoring of test rows, in chunks, with the columns in the order of the training set's classes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.errors import IntegrityError
from ml_platform.evaluation.metrics.classification_statistics import ClassPredictions
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""The number of rows that are scored at once: 11 classes and 40 features take 8 MB."""


@dataclass(frozen=True)
class ConstantScorer:
    """A scorer that returns the same numbers for every row, such as the class shares of the training rows."""

    classes: tuple[str, ...]
    shares: tuple[float, ...]

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Return ``shares`` for each of ``rows``, shape (rows, classes)."""
        return np.tile(np.array(self.shares), (len(rows), 1))


def dummy_scorer(labels: "pd.Series[str]", classes: tuple[str, ...]) -> ConstantScorer:
    """Return the dummy scorer: for every row, the share of each class among the training ``labels``."""
    return ConstantScorer(classes, class_shares(labels, classes))


def class_shares(labels: "pd.Series[str]", classes: tuple[str, ...]) -> tuple[float, ...]:
    """Return the share of each of ``classes`` among ``labels``, in the order of ``classes``."""
    counts = np.bincount(class_codes(labels, classes), minlength=len(classes))
    return tuple(float(share) for share in counts / counts.sum())


def class_codes(labels: "pd.Series[str]", classes: tuple[str, ...]) -> Codes:
    """Return the position of each label in ``classes``, shape (rows,).

    Raises:
        IntegrityError: a label that is not among the classes of the training set.
    """
    import pandas as pd

    codes: Codes = pd.Index(classes).get_indexer(pd.Index(labels)).astype(np.int64)
    if (codes < 0).any():
        unknown = labels.to_numpy()[int(np.argmax(codes < 0))]
        raise IntegrityError(
            f"Label {unknown!r} is none of the {len(classes)} classes {', '.join(classes)}.",
            remedy="build the training set again from the events",
        )
    return codes


def score(
    name: str,
    scorer: Scorer,
    rows: "pd.DataFrame",
    classes: tuple[str, ...],
    *,
    bounded: bool = True,
) -> Array:
    """Return the scorer's numbers (rows, classes), in the order of ``classes``; 0 for a class it lacks.

    With ``bounded`` every number must lie in [0, 1]; otherwise it must only be finite.

    Raises:
        IntegrityError: a class the training set does not know, a wrong shape, a value outside
            [0, 1] (up to 1e-6) where it is bounded, or one that is not a number.
    """
    unknown = set(scorer.classes) - set(classes)
    if unknown:
        raise IntegrityError(
            f"Scorer {name} predicts {sorted(unknown)}, which are no classes of the training set.",
            remedy="fit it again on this training set",
        )
    columns = [classes.index(predicted) for predicted in scorer.classes]
    probabilities = np.zeros((len(rows), len(classes)))
    for start in range(0, len(rows), CHUNK):
        chunk = rows.iloc[start : start + CHUNK]
        values = np.asarray(scorer.predict_proba(chunk), dtype=np.float64)
        if values.shape != (len(chunk), len(columns)):
            raise IntegrityError(
                f"Scorer {name} returned shape {values.shape}, not {(len(chunk), len(columns))}.",
                remedy="return one row of probabilities for each row, one column for each class",
            )
        probabilities[start : start + len(chunk), columns] = values
    if not bounded:
        return _finite(name, probabilities)
    outside = ~((probabilities >= -1e-6) & (probabilities <= 1 + 1e-6))
    if outside.any():
        raise IntegrityError(
            f"Scorer {name} returned {probabilities[outside][0]}, which is no probability in [0, 1].",
            remedy="fit it again; nothing was evaluated",
        )
    return np.clip(probabilities, 0.0, 1.0)


def _finite(name: str, scores: Array) -> Array:
    if not np.isfinite(scores).all():
        raise IntegrityError(
            f"Scorer {name} returned {scores[~np.isfinite(scores)][0]}, which is no finite number.",
            remedy="fit it again; nothing was evaluated",
        )
    return scores


def by_change_set(rows: ClassPredictions, change_sets: Codes) -> ClassPredictions:
    """Aggregate the predictions of ``rows`` to one for each change set: the mean of its rows' probabilities.

    Its truth is the most frequent label of its rows (of equals, the first class), its cluster that of its
    first row. ``change_sets`` (rows,) are codes from 0 without gaps.
    """
    count = int(change_sets.max()) + 1
    classes = rows.classes
    sizes = np.bincount(change_sets, minlength=count)
    flat = change_sets[:, None] * classes + np.arange(classes)
    sums = np.bincount(flat.ravel(), rows.probabilities.ravel(), minlength=count * classes)
    votes = np.bincount(change_sets * classes + rows.truth, minlength=count * classes)
    votes = votes.reshape(count, classes)
    _, first = np.unique(change_sets, return_index=True)
    return ClassPredictions(
        truth=votes.argmax(axis=1).astype(np.int64),
        probabilities=sums.reshape(count, classes) / sizes[:, None],
        clusters=rows.clusters[first],
        bare=rows.bare,
        label_shares=votes / sizes[:, None],
    )
