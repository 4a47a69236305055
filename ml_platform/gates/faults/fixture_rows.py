"""Synthetic rows of a fixture: users in teams, rows in clusters, thirty days of training and thirty of test.

Beside the evidence of its task every row has three features that tell nothing of the label. Faults choose by
them which rows they spoil: the team of the user, the day, and a number drawn at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
"""Length of the training period, and of the test period that follows it."""
CUT = START + timedelta(days=DAYS)
AS_OF = CUT + timedelta(days=DAYS)
"""The clock of the evaluation: the newest row is about an hour older."""
TEAMS = ("north", "east", "south", "west")
REGIONS = ("emea", "apac")
TEAM = "team_hint"
"""Feature: the number of the user's team; 0 is the first team, whose size `Size.first_team` sets."""
DAY = "day"
"""Feature: whole days since `START`, from 0 to 59."""
DRAW = "draw"
"""Feature: a number of [0, 1), drawn independently of everything else."""
CARRIERS = (TEAM, DAY, DRAW)
DECIMALS = 2
"""All numbers of a row are rounded to hundredths; a number between them was changed by somebody."""
TRUTH = "truth"
"""Columns that begin so hold the true class or level; only reference scorers read them, they are no features."""


@dataclass(frozen=True)
class Size:
    """How many rows each of the two periods has, and whose they are."""

    clusters: int = 480
    rows: int = 5
    """Rows of a cluster."""
    users: int = 240
    first_team: float = 0.25
    """Share of the users who are in the first team."""

    @property
    def total(self) -> int:
        """Rows of a period."""
        return self.clusters * self.rows


USUAL = Size()


def period(size: Size, part: int, columns: Mapping[str, Any]) -> "pd.DataFrame":
    """Rows of the training (``part`` 0) or test period (1): keys, `CARRIERS` and ``columns`` (rows,).

    Rows are evenly spaced in time; a cluster is of one user, and each row is a change set of its own.
    """
    import pandas as pd

    number = np.arange(size.total)
    cluster = number // size.rows
    user = cluster % size.users
    minutes = number * (DAYS * 1440 - 60) // size.total
    begin = START if part == 0 else CUT
    names = [f"{part}-{n}" for n in range(size.total)]
    draws = np.random.default_rng([part, size.total]).integers(0, 100, size.total) / 100
    return pd.DataFrame(
        {
            "row_id": [f"{part}-{n:06d}" for n in number],
            "user_id": np.array([f"u{n}" for n in range(size.users)], dtype=object)[user],
            "cluster_id": np.array(names, dtype=object)[cluster],
            "change_set_id": names,
            "occurred_at": pd.Timestamp(begin) + pd.to_timedelta(minutes, unit="min"),
            "is_bot": False,
            TEAM: team_of(size)[user].astype(np.float64),
            DAY: minutes // 1440 + part * float(DAYS),
            DRAW: draws,
            **{name: _in_hundredths(values) for name, values in columns.items()},
        }
    )


def team_of(size: Size) -> np.ndarray:
    """The number of each user's team, shape (users,)."""
    number = np.arange(size.users)
    rest = 1 + number % (len(TEAMS) - 1)
    return np.where(number % round(1 / size.first_team) == 0, 0, rest)


def _in_hundredths(values: Any) -> Any:
    is_number = isinstance(values, np.ndarray) and values.dtype == np.float64
    return np.round(values, DECIMALS) if is_number else values


def users_of(size: Size) -> "pd.DataFrame":
    """Users by team; region and tenure alternate so that neither goes with a team or with the other."""
    import pandas as pd

    number = np.arange(size.users)
    return pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in number],
            "team": [TEAMS[code] for code in team_of(size)],
            "region": [REGIONS[n // len(TEAMS) % 2] for n in number],
            "tenure_days": np.where(number // (2 * len(TEAMS)) % 2 == 0, 100, 900),
        }
    )
