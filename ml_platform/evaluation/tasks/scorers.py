"""Scorers on test rows: scored in chunks, their columns in the order of the training set's classes."""

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
"""Rows scored at once: 11 classes and 40 features take 8 MB."""


@dataclass(frozen=True)
class Shares:
    """The dummy scorer: each row gets the shares of the classes among the training rows."""

    classes: tuple[str, ...]
    shares: tuple[float, ...]

    def predict_proba(self, rows: "pd.DataFrame") -> np.ndarray:
        """Shape (rows, classes), every row the same."""
        return np.tile(np.array(self.shares), (len(rows), 1))


def dummy_scorer(labels: "pd.Series[str]", classes: tuple[str, ...]) -> Shares:
    """The scorer that knows the training labels and nothing of a row."""
    shares = class_codes(labels, classes)
    counts = np.bincount(shares, minlength=len(classes))
    return Shares(classes, tuple(float(share) for share in counts / counts.sum()))


def class_codes(labels: "pd.Series[str]", classes: tuple[str, ...]) -> Codes:
    """The position of each label in ``classes``, shape (rows,).

    Raises:
        IntegrityError: a label that is not among the classes of the training set.
    """
    import pandas as pd

    codes: Codes = pd.Index(classes).get_indexer(pd.Index(labels)).astype(np.int64)
    if (codes < 0).any():
        stranger = labels.to_numpy()[int(np.argmax(codes < 0))]
        raise IntegrityError(
            f"Label {stranger!r} is none of the {len(classes)} classes {', '.join(classes)}.",
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
    """What the scorer says (rows, classes), in the order of ``classes``; 0 for a class it lacks.

    ``bounded``: every number lies in [0, 1]; else any finite one will do.

    Raises:
        IntegrityError: a class the training set does not know, a wrong shape, a value outside
            [0, 1] (up to 1e-6) where it is bounded, or one that is not a number.
    """
    strangers = set(scorer.classes) - set(classes)
    if strangers:
        raise IntegrityError(
            f"Scorer {name} answers {sorted(strangers)}, which the training set does not know.",
            remedy="fit it again on this training set",
        )
    columns = [classes.index(known) for known in scorer.classes]
    probabilities = np.zeros((len(rows), len(classes)))
    for start in range(0, len(rows), CHUNK):
        chunk = rows.iloc[start : start + CHUNK]
        answered = np.asarray(scorer.predict_proba(chunk), dtype=np.float64)
        if answered.shape != (len(chunk), len(columns)):
            raise IntegrityError(
                f"Scorer {name} answered shape {answered.shape}, not {(len(chunk), len(columns))}.",
                remedy="one row of probabilities a row, one column a class",
            )
        probabilities[start : start + len(chunk), columns] = answered
    if not bounded:
        return _finite(name, probabilities)
    outside = ~((probabilities >= -1e-6) & (probabilities <= 1 + 1e-6))
    if outside.any():
        raise IntegrityError(
            f"Scorer {name} answered {probabilities[outside][0]}, which is no probability in [0, 1].",
            remedy="fit it again; nothing was judged",
        )
    return np.clip(probabilities, 0.0, 1.0)


def _finite(name: str, scores: Array) -> Array:
    if not np.isfinite(scores).all():
        raise IntegrityError(
            f"Scorer {name} answered {scores[~np.isfinite(scores)][0]}, which is no finite number.",
            remedy="fit it again; nothing was judged",
        )
    return scores


def ceiling_probabilities(
    ceiling: "pd.Series[str]",
    row_ids: "pd.Series[str]",
    classes: tuple[str, ...],
) -> Array:
    """Unit vectors (rows, classes) of the predictions of the Bayes rule.

    Raises:
        IntegrityError: a test row without a prediction; another set of rows would not compare.
    """
    found = row_ids.map(ceiling)
    missing = int(found.isna().sum())
    if missing:
        raise IntegrityError(
            f"{missing} of {len(row_ids)} test rows have no ceiling prediction, "
            f"such as {row_ids[found.isna()].iloc[0]!r}.",
            remedy="ingest the source's ceilings for the same days, or judge without a ceiling",
        )
    unit: Array = np.eye(len(classes))[class_codes(found, classes)]
    return unit


def by_change_set(rows: ClassPredictions, change_sets: Codes) -> ClassPredictions:
    """One prediction a change set: the mean of its rows' probabilities.

    Its truth is the label most of its rows have (of equals, the first class), its cluster that of its
    first row. ``change_sets`` (rows,) are codes from 0 without gaps.
    """
    count = int(change_sets.max()) + 1
    classes = rows.classes
    sizes = np.bincount(change_sets, minlength=count)
    flat = change_sets[:, None] * classes + np.arange(classes)
    sums = np.bincount(flat.ravel(), rows.probabilities.ravel(), minlength=count * classes)
    votes = np.bincount(change_sets * classes + rows.truth, minlength=count * classes)
    _, first = np.unique(change_sets, return_index=True)
    return ClassPredictions(
        truth=votes.reshape(count, classes).argmax(axis=1).astype(np.int64),
        probabilities=sums.reshape(count, classes) / sizes[:, None],
        clusters=rows.clusters[first],
        bare=rows.bare,
    )
