"""The rows of the benches: users in teams, clusters of rows, a training part before a test part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.spec.model import ModelSpec
from ml_platform.spec.training_set import Split, TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
CUT = START + timedelta(days=DAYS)
TEAMS = ("north", "east", "south", "west")
HINT = "team_hint"
"""A feature that gives the team away; nothing else depends on it."""
DAY = "day"
"""A feature that tells the clock: days since the world began."""
GRID = 2
"""Decimals of the evidence."""
TRUTH = "truth"
"""The code of the true class: what only an oracle reads; it is no feature."""


@dataclass(frozen=True)
class Size:
    """How much there is of each part."""

    clusters: int = 1_280
    rows: int = 5
    """A cluster."""
    users: int = 640
    first_team: float = 0.25
    """Share of the users who are in the first team."""

    @property
    def total(self) -> int:
        """Rows of a part."""
        return self.clusters * self.rows


def frame(size: Size, part: int, columns: Mapping[str, Any]) -> "pd.DataFrame":
    """Keys and ``columns``: part 0 trains, part 1 tests; each cluster is one user's, each row one change set."""
    import pandas as pd

    number = np.arange(size.total)
    cluster = number // size.rows
    user = cluster % size.users
    minutes = number * (DAYS * 1440 - 60) // size.total
    begin = START if part == 0 else CUT
    return pd.DataFrame(
        {
            "row_id": [f"{part}-{n}" for n in number],
            "user_id": [f"u{n}" for n in user],
            "cluster_id": [f"{part}-{n}" for n in cluster],
            "change_set_id": [f"{part}-{n}" for n in number],
            "occurred_at": pd.Timestamp(begin) + pd.to_timedelta(minutes, unit="min"),
            "is_bot": False,
            DAY: minutes // 1440 + part * float(DAYS),
            HINT: team_of(size)[user].astype(np.float64),
            **{name: _on_grid(values) for name, values in columns.items()},
        }
    )


def team_of(size: Size) -> np.ndarray:
    """Code of each user's team; the first team is as small as ``size`` says."""
    number = np.arange(size.users)
    rest = 1 + number % (len(TEAMS) - 1)
    return np.where(number % round(1 / size.first_team) == 0, 0, rest)


def _on_grid(values: Any) -> Any:
    """Numbers in hundredths: what lies between was changed by somebody."""
    number = isinstance(values, np.ndarray) and values.dtype == np.float64
    return np.round(values, GRID) if number else values


def users_of(size: Size) -> "pd.DataFrame":
    """Users by team; region and tenure go round so that no two go together."""
    import pandas as pd

    number = np.arange(size.users)
    return pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in number],
            "team": [TEAMS[code] for code in team_of(size)],
            "region": [("emea", "apac")[n // len(TEAMS) % 2] for n in number],
            "tenure_days": np.where(number // (2 * len(TEAMS)) % 2 == 0, 100, 900),
        }
    )


def training_set_of(
    spec: ModelSpec,
    classes: tuple[str, ...],
    features: tuple[str, ...],
    parts: "list[pd.DataFrame]",
) -> TrainingSet:
    """The two parts under a record such as the platform makes of them."""
    train, test = parts
    split = Split(
        train_until=CUT,
        test_from=CUT,
        gap=timedelta(0),
        rows_train=len(train),
        rows_gap=0,
        rows_test=len(test),
        clusters_train=train["cluster_id"].nunique(),
        clusters_test=test["cluster_id"].nunique(),
    )
    record = TrainingSetRecord(
        model=spec.name,
        fingerprint="bench",
        rows_sha256="",
        source="bench",
        simulated=True,
        table=spec.table.name,
        label=spec.label,
        classes=classes,
        features=features,
        feature_versions=dict.fromkeys(features, "1"),
        split=split,
        as_of=CUT + timedelta(days=DAYS),
    )
    return TrainingSet(record, train, test)


def with_rows(
    training_set: TrainingSet, train: "pd.DataFrame", test: "pd.DataFrame"
) -> TrainingSet:
    """The same training set with other rows."""
    return replace(training_set, train=train, test=test)
