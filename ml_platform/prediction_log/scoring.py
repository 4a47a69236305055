"""Rows and a scorer to predictions: what is logged of an answer, and of how it turned out."""

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.recommenders.top_items import top_items
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import (
    NO,
    YES,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform.spec.training_set import CLUSTER, ROW_ID, TIME, USER

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""Rows scored at once, so that the matrix of a window stays below 10 MB."""
SEPARATOR = "|"
"""Between the items of a list that is one outcome."""
EVEN = 0.5
"""From where a probability says yes, for a scorer without a threshold of its own."""


def predicted(task: Task, scorer: Scorer, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keys of ``rows`` with ``predicted`` (text) and ``confidence`` (a number in [0, 1]).

    A class and its probability; of a share its tenth and the share; of a yes or no the answer at the scorer's
    threshold and the probability of yes; of a ranking its first item and its part of the first ones' scores.
    """
    parts = [
        scorer.predict_proba(rows.iloc[start : start + CHUNK])
        for start in range(0, len(rows), CHUNK)
    ]
    values = np.concatenate(parts) if parts else np.zeros((0, len(scorer.classes)))
    answer, confidence = _answers(task, scorer, values)
    keys = rows[[ROW_ID, USER, CLUSTER, TIME]].reset_index(drop=True)
    return keys.assign(predicted=answer, confidence=np.clip(confidence, 0.0, 1.0))


def _answers(task: Task, scorer: Scorer, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    match task:
        case ProportionRegression():
            share = values[:, 0]
            tenths = np.array([f"{number:.1f}" for number in share.round(1).tolist()], dtype=object)
            return tenths, share
        case Detection() | OffPolicyChoice():
            yes = values[:, 1]
            threshold = getattr(scorer, "threshold", EVEN)
            return np.where(yes >= threshold, YES, NO).astype(object), yes
        case Ranking():
            return _first_of(task, scorer, values)
        case SequencePrediction():
            values = values[:, :-1]
        case _:
            pass
    best = values.argmax(axis=1)
    return np.asarray(scorer.classes, dtype=object)[best], values[np.arange(len(values)), best]


def first_items(scorer: Scorer, rows: "pd.DataFrame", k: int) -> "pd.DataFrame":
    """The ``k`` items with the highest numbers of each row: user_id, rank (from 1), item, score.

    An item with a negative number is not offered: a row can have fewer than ``k``, or none.
    """
    import pandas as pd

    values = scorer.predict_proba(rows)
    best = top_items(values, k)
    row, place = np.nonzero(best >= 0)
    item = best[row, place]
    return pd.DataFrame(
        {
            "user_id": rows[USER].to_numpy(dtype=object)[row],
            "rank": place + 1,
            "item": np.asarray(scorer.classes, dtype=object)[item],
            "score": values[row, item],
        }
    )


def _first_of(task: Ranking, scorer: Scorer, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first item, and its share of the scores of the first ``k``."""
    first = -np.sort(-np.clip(values, 0.0, None), axis=1)[:, : task.k]
    total = first.sum(axis=1)
    share = np.divide(first[:, 0], total, out=np.zeros(len(values)), where=total > 0)
    return np.asarray(scorer.classes, dtype=object)[values.argmax(axis=1)], share


def outcomes_of(task: Task, rows: "pd.DataFrame", label: str, delay: timedelta) -> "pd.DataFrame":
    """Row id, ``label`` as text and ``known_at`` of the rows that have one; items of a list are joined.

    A list without items says nothing of a recommendation: evaluation leaves it out, and so does this.
    """
    known = rows.loc[rows[label].notna(), [ROW_ID, label, TIME]]
    if isinstance(task, Ranking):
        known = known[np.array([len(items) > 0 for items in known[label]], dtype=bool)]
        texts = [SEPARATOR.join(items) for items in known[label]]
    elif isinstance(task, ProportionRegression):
        texts = [f"{share:.6g}" for share in known[label].tolist()]
    else:
        texts = known[label].astype(str).tolist()
    return known[[ROW_ID]].assign(label=texts, known_at=known[TIME] + delay)
