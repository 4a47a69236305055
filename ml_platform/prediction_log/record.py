"""The record of a logged prediction and of its outcome: columns, identity, and the checks of a whole frame.

`ml_platform.adapters.ledger.predictions` stores what passes these checks, a row a prediction;
`TaskAdapter.logged_predictions` says for each task what the columns ``prediction`` and ``confidence`` hold.
"""

import hashlib
from typing import TYPE_CHECKING

from ml_platform.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "prediction_id",
    "model",
    "version",
    "row_id",
    "user_id",
    "occurred_at",
    "predicted_at",
    "prediction",
    "confidence",
    "segment",
)
"""The columns of a prediction in the order of the table; a version is a registered one, or ``rules@<hash>``."""

_REQUIRED = ("model", "version", "row_id", "user_id", "occurred_at", "predicted_at", "prediction")
OUTCOME_COLUMNS = ("model", "row_id", "label", "known_at")
TIMES = ("occurred_at", "predicted_at", "known_at")


def prediction_id(model: str, version: str, row_id: str) -> str:
    """The id of a prediction, 32 hexadecimal digits: a version has one of each row, however often it is asked."""
    text = f"{model}\x1f{version}\x1f{row_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def predictions_frame(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with all of `COLUMNS` and nothing else, ids computed, checked.

    Raises:
        UsageError: a column is missing, a value is missing, a time has no zone, a confidence lies
            outside [0, 1], or one version predicts one row twice in the frame.
    """
    frame = _complete(frame, (*_REQUIRED, "confidence"), "predictions")
    if "segment" not in frame.columns:
        frame["segment"] = None
    outside = frame[~frame["confidence"].between(0.0, 1.0)]
    if len(outside):
        raise UsageError(
            f"Confidence {outside['confidence'].iloc[0]} of row {outside['row_id'].iloc[0]} "
            "lies outside [0, 1].",
            remedy="give the probability of the predicted class",
        )
    for name in ("model", "version", "row_id", "user_id", "prediction"):
        frame[name] = frame[name].astype(str)
    keys = zip(frame["model"], frame["version"], frame["row_id"], strict=True)
    frame["prediction_id"] = [prediction_id(*key) for key in keys]
    twice = frame[frame["prediction_id"].duplicated()]
    if len(twice):
        raise UsageError(
            f"Row {twice['row_id'].iloc[0]} is predicted twice by version {twice['version'].iloc[0]}.",
            remedy="log each row once a version",
        )
    return frame[list(COLUMNS)]


def outcomes_frame(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with `OUTCOME_COLUMNS` alone, checked; of several outcomes of a row the one known last is kept.

    Raises:
        UsageError: a column or a value is missing, or a time has no zone.
    """
    frame = _complete(frame, OUTCOME_COLUMNS, "outcomes")
    for name in ("model", "row_id", "label"):
        frame[name] = frame[name].astype(str)
    ordered = frame.sort_values(["known_at", "label"], kind="stable")
    return ordered.drop_duplicates(["model", "row_id"], keep="last")[list(OUTCOME_COLUMNS)]


def _complete(frame: "pd.DataFrame", names: tuple[str, ...], what: str) -> "pd.DataFrame":
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise UsageError(
            f"The {what} have no column {', '.join(missing)}.", remedy=f"give {', '.join(names)}"
        )
    frame = frame.copy()
    for name in names:
        if frame[name].isna().any():
            row = frame.loc[frame[name].isna(), "row_id"].iloc[0]
            raise UsageError(
                f"The {what} have no value of '{name}' for row {row}.", remedy=f"give every {name}"
            )
        if name in TIMES and getattr(frame[name].dtype, "tz", None) is None:
            raise UsageError(
                f"The {what} have times without a zone in '{name}'.", remedy="give UTC times"
            )
    return frame
