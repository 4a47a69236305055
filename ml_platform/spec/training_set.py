"""The training set: labelled rows in order of time, split by time, identified by a fingerprint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ROW_ID = "row_id"
CLUSTER = "cluster_id"
CHANGE_SET = "change_set_id"
USER = "user_id"
TIME = "occurred_at"
KEYS = (ROW_ID, USER, CLUSTER, CHANGE_SET, TIME)
"""The columns of every feature table that say what a row is, and when."""


@dataclass(frozen=True)
class Split:
    """Rows before ``train_until`` train, rows from ``test_from`` on test; between them lies the gap."""

    train_until: datetime
    test_from: datetime
    gap: timedelta
    rows_train: int
    rows_gap: int
    rows_test: int
    clusters_train: int
    clusters_test: int


@dataclass(frozen=True)
class TrainingSetRecord:
    """All that identifies a training set; its rows lie in a Parquet file named by ``fingerprint``."""

    model: str
    fingerprint: str
    """SHA-256 of the rows' content (order and receipt time aside), the columns, the split, the feature versions."""
    rows_sha256: str
    """SHA-256 of the Parquet file."""
    source: str
    simulated: bool
    table: str
    """The feature table of the rows."""
    label: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    feature_versions: dict[str, str]
    split: Split
    as_of: datetime


@dataclass(frozen=True)
class TrainingSet:
    """A record and its rows: keys (`ROW_ID`, `USER`, `CLUSTER`, `CHANGE_SET`, `TIME`), label and features.

    ``train`` and ``test`` are pandas frames in order of (time, id); category features are strings,
    token features are lists of strings, numbers are float64 with NaN for missing.
    """

    record: TrainingSetRecord
    train: "pd.DataFrame"
    test: "pd.DataFrame"
