"""Made-up sessions as rows of ``session_features``: ordinary ones, and planted ones far out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.features.session_features import TABLE
from ml_platform.models.anomaly_detector import SIDES, SPEC
from ml_platform.spec.training_set import Split, TrainingSet, TrainingSetRecord

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
    cut = len(rows) * 3 // 4
    train = rows.iloc[:cut].reset_index(drop=True)
    test = rows.iloc[cut:].reset_index(drop=True)
    split = Split(
        train_until=test["occurred_at"].iloc[0],
        test_from=test["occurred_at"].iloc[0],
        gap=timedelta(0),
        rows_train=len(train),
        rows_gap=0,
        rows_test=len(test),
        clusters_train=train["cluster_id"].nunique(),
        clusters_test=test["cluster_id"].nunique(),
    )
    record = TrainingSetRecord(
        model=SPEC.name,
        fingerprint="f",
        rows_sha256="",
        source="simulate",
        simulated=True,
        table=TABLE.name,
        label=SPEC.label,
        classes=SPEC.classes,
        features=SPEC.features,
        feature_versions={},
        split=split,
        as_of=test["occurred_at"].iloc[-1],
    )
    return TrainingSet(record, train, test)
