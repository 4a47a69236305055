"""Rows and a scorer to predictions: what is logged of a prediction, and of how it turned out."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.tasks.adapter import LoggedPredictions
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.models.chunks import in_chunks
from ml_platform.models.recommenders.top_items import top_items
from ml_platform.spec.model import Scorer
from ml_platform.spec.task import Task
from ml_platform.spec.training_set import CLUSTER, ROW_ID, TIME, USER

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 20_000
"""Rows scored at once, so that the matrix of a window stays below 10 MB."""


def predicted(task: Task, scorer: Scorer, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Keys of ``rows`` with ``predicted`` (text) and ``confidence`` (a number in [0, 1]).

    What they are is the task's (`ml_platform.evaluation.tasks.adapter.TaskAdapter.logged_predictions`): of a
    classification the class and its probability.
    """
    answers = answers_of(task, scorer, scores_of(scorer, rows))
    keys = rows[[ROW_ID, USER, CLUSTER, TIME]].reset_index(drop=True)
    return keys.assign(predicted=answers.texts, confidence=answers.confidence)


def scores_of(scorer: Scorer, rows: "pd.DataFrame") -> Array:
    """The numbers of ``scorer`` for ``rows``, shape (rows, classes), some rows at a time."""
    return in_chunks(rows, len(scorer.classes), CHUNK, scorer.predict_proba)


def answers_of(task: Task, scorer: Scorer, scores: Array) -> LoggedPredictions:
    """The answers that ``scores`` of ``scorer`` mean under ``task``; confidences are in [0, 1]."""
    threshold = getattr(scorer, "threshold", None)
    answers = adapter_of(task).logged_predictions(scorer.classes, threshold, scores)
    return replace(answers, confidence=np.clip(answers.confidence, 0.0, 1.0))


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


def outcomes_of(task: Task, rows: "pd.DataFrame", label: str, delay: timedelta) -> "pd.DataFrame":
    """Row id, ``label`` as text and ``known_at`` (the row's time and ``delay``) of the rows that have one.

    What the text is, and which rows have one, is the task's
    (`ml_platform.evaluation.tasks.adapter.TaskAdapter.logged_outcomes`).
    """
    rows = rows.reset_index(drop=True)
    texts = adapter_of(task).logged_outcomes(rows[label])
    known = rows.loc[texts.index, [ROW_ID, TIME]]
    return known[[ROW_ID]].assign(label=texts, known_at=known[TIME] + delay)
