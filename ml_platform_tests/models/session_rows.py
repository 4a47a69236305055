"""Made-up sessions as rows of ``session_features``: ordinary ones, and planted ones far out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.features.session_features import TABLE
from ml_platform.models.anomaly_detector import SIDES, SPEC
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled, oldest

START = datetime(2026, 1, 1, tzinfo=UTC)
USERS = 40


def synthetic_rows(sessions: int = 4_000, seed: int = 0, share: float = 0.015) -> pd.DataFrame:
    """Sessions in order of time; three features of a planted one are four standard deviations out."""
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(sessions, len(SIDES)))
    planted = draw.random(sessions) < share
    for row in np.flatnonzero(planted):
        columns = draw.choice(len(SIDES), 3, replace=False)
        values[row, columns] = 4.0 * np.array(list(SIDES.values()))[columns]
    values[draw.random(values.shape) < 0.02] = np.nan
    rows = pd.DataFrame(values, columns=list(SIDES))
    user = draw.integers(USERS, size=sessions)
    rows["row_id"] = [f"s{n:06d}" for n in range(sessions)]
    rows["change_set_id"] = rows["row_id"]
    rows["user_id"] = [f"u{n}" for n in user]
    rows["cluster_id"] = rows["user_id"]
    rows["occurred_at"] = [START + timedelta(minutes=20 * n) for n in range(sessions)]
    rows["anomalous"] = np.where(planted, "yes", "no").astype(object)
    return rows


def training_set(rows: pd.DataFrame) -> TrainingSet:
    """The oldest three quarters train, the rest tests."""
    train, test = oldest(rows, 3, 4)
    return assembled(
        train,
        test,
        label=SPEC.label,
        classes=SPEC.classes,
        features=SPEC.features,
        as_of=test["occurred_at"].iloc[-1],
        model=SPEC.name,
        table=TABLE.name,
    )
