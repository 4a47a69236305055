"""What a search for leaks reports, and which columns identify a row to it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml_platform.features.future_check import FutureCheck

SAMPLE = 20_000
"""Most rows a side on which single features are examined, chosen by a hash of their ids."""


class LeakageLevel(StrEnum):
    """How grave a leak is: DANGEROUS stops the run, a WARNING is reported and stops nothing."""

    SAFE = "safe"
    WARNING = "warning"
    DANGEROUS = "dangerous"


@dataclass(frozen=True)
class LeakageFinding:
    """One thing that was found: by which check, about what, how much of it, beyond which limit."""

    check: str
    subject: str
    level: LeakageLevel
    value: float
    limit: float
    explanation: str


@dataclass(frozen=True)
class LeakageReport:
    """The worst level of the findings (SAFE without any) and how many rows were looked at."""

    level: LeakageLevel
    findings: tuple[LeakageFinding, ...]
    rows_train: int
    rows_test: int
    future: "FutureCheck | None" = None
    """The search for looks into the future, where the features were computed from a lake."""


@dataclass(frozen=True)
class KeyColumns:
    """The columns that identify a row, what happened as one observation, the cluster, who and when."""

    row: str = "row_id"
    change_set: str = "change_set_id"
    cluster: str = "cluster_id"
    user: str = "user_id"
    time: str = "occurred_at"
