"""Rows that monitoring looks at a column at a time: all of them, or those of some weeks, and their clusters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.errors import IntegrityError
from ml_platform.spec.training_set import CLUSTER

if TYPE_CHECKING:
    import pandas as pd


class Columns(Protocol):
    """Rows of which a column at a time is looked at, and may be read when it is; a data frame is such."""

    @property
    def columns(self) -> Collection[str]:
        """The names of the columns."""

    def __getitem__(self, name: str, /) -> "pd.Series[Any]":
        """The values of a column in all rows."""


@dataclass(frozen=True)
class SomeRows:
    """Some of the rows, of which a column at a time is looked at."""

    rows: Columns
    places: Codes

    @property
    def columns(self) -> Collection[str]:
        """The names of the columns."""
        return self.rows.columns

    def __getitem__(self, name: str, /) -> "pd.Series[Any]":
        """The values of a column in these rows."""
        return self.rows[name].iloc[self.places]


def between(rows: Columns, times: "pd.Series[Any]", start: datetime, end: datetime) -> SomeRows:
    """The rows in ``[start, end)``; ``times`` are theirs."""
    return SomeRows(rows, np.flatnonzero((times >= start) & (times < end)))


def require(frame: Columns, columns: Sequence[str], what: str) -> None:
    """Raise `IntegrityError`, which names the missing columns, where ``frame`` lacks some of ``columns``."""
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        raise IntegrityError(
            f"The {what} lack the columns {', '.join(lacking)}.",
            remedy="Build the features again; the baseline of a version lists what it compares.",
        )


def cluster_codes(frame: Columns, column: str = CLUSTER) -> Codes:
    """Return the code of each row's cluster, from 0; a row without a cluster is a cluster of its own."""
    import pandas as pd

    codes, levels = pd.factorize(frame[column], sort=True)
    alone = codes < 0
    numbers: Codes = codes.astype(np.int64)
    numbers[alone] = len(levels) + np.arange(int(alone.sum()))
    return numbers
