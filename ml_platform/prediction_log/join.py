"""Predictions and how they turned out, as far as that was known at a moment."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def known_at(joined: "pd.DataFrame", as_of: datetime) -> "pd.DataFrame":
    """The joined frame as it looked at ``as_of``: rows stay, and labels that were known only later are missing.

    A label that became known at that very moment is kept.
    """
    later = joined["known_at"].isna() | (joined["known_at"] > as_of)
    frame = joined.copy()
    frame["label"] = frame["label"].astype(object).where(~later, None)
    frame["known_at"] = frame["known_at"].where(~later)
    return frame
