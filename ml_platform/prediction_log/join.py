"""Predictions and how they turned out, as far as that was known at a moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Maturity:
    """How much of a window has an outcome yet."""

    predictions: int
    with_outcome: int

    @property
    def share(self) -> float | None:
        """In [0, 1]; ``None`` without predictions."""
        return self.with_outcome / self.predictions if self.predictions else None


def known_at(joined: "pd.DataFrame", as_of: datetime) -> "pd.DataFrame":
    """The joined frame as it looked at ``as_of``: labels known later are taken out, rows stay.

    A label known at that very moment counts.
    """
    later = joined["known_at"].isna() | (joined["known_at"] > as_of)
    frame = joined.copy()
    frame["label"] = frame["label"].astype(object).where(~later, None)
    frame["known_at"] = frame["known_at"].where(~later)
    return frame


def maturity(joined: "pd.DataFrame", as_of: datetime) -> Maturity:
    """How many predictions had an outcome at ``as_of``."""
    known = joined["known_at"].notna() & (joined["known_at"] <= as_of)
    return Maturity(len(joined), int(known.sum()))
