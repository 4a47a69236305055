"""Histories of one feature table for the self-test: quiet ones, and one in which a category comes and goes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from ml_platform.monitoring.self_test.examine import TableHistory, WatchedModel
from ml_platform.spec.monitoring_policy import POLICY
from ml_platform_tests.monitoring.telemetry import SPECS, START, telemetry

WEEKS = 8
AS_OF = START + timedelta(weeks=WEEKS)
FEATURES = ("number_3", "number_4", "category_0", "category_1")
READ = tuple(spec for spec in SPECS if spec.name in FEATURES)
QUICK = replace(POLICY, draws=500)
MODEL = WatchedModel("model", FEATURES)


def quiet_rows(seed: int = 5) -> pd.DataFrame:
    """Eight weeks of 60 users, about 2,000 rows a week; nothing moves but they."""
    rows = telemetry(seed=seed, weeks=WEEKS, users=60, rows_a_week=2_000)
    return rows.assign(user_id=[f"u{user}" for user in rows["user"]])


def restless_rows() -> pd.DataFrame:
    """The same, with days 43 to 45 and 53 to 55 in which half of the rows have a level of `category_0` alone."""
    rows = quiet_rows()
    day = (rows["occurred_at"] - START) / timedelta(days=1)
    odd = day.between(43, 45) | day.between(53, 55)
    rows.loc[odd & (rows.index % 2 == 0), "category_0"] = "level_0"
    return rows


def history(rows: pd.DataFrame, as_of: datetime = AS_OF) -> TableHistory:
    """The history of these rows, of which a model reads four features."""
    return TableHistory("table", rows, READ, timedelta(0), as_of)
