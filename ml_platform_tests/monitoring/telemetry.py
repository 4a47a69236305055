"""Quiet telemetry with a known truth, for tests: users with habits, sessions, a daily cycle.

Rows depend on each other in three ways: within a session, within a user, and from day to day (a
user's mood drifts as an autoregression, and how active a user is changes by the week).
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.spec.feature import Comparison, Family, FeatureSpec, Kind

START = datetime(2024, 1, 1, tzinfo=UTC)
NUMBERS = tuple(f"number_{index}" for index in range(8))
CATEGORIES = tuple(f"category_{index}" for index in range(4))
LEVELS = 8


def spec(name: str, kind: Kind, compare: Comparison = Comparison.DISTRIBUTION) -> FeatureSpec:
    return FeatureSpec(
        name=name,
        family=Family.RAW,
        kind=kind,
        low=None,
        high=None,
        window="the row",
        missing="no missing values",
        reason="a test",
        compare=compare,
    )


SPECS = (
    *(spec(name, Kind.NUMBER) for name in NUMBERS),
    *(spec(name, Kind.CATEGORY) for name in CATEGORIES),
    spec("hour", Kind.NUMBER, Comparison.SAME_SLOTS),
    spec("rows_so_far", Kind.NUMBER, Comparison.NEVER),
    spec("tokens", Kind.TOKENS),
)


def telemetry(*, seed: int, weeks: int, users: int, rows_a_week: int) -> pd.DataFrame:
    """Rows in order of time, with keys, features, and predictions of a model that is right in 90 %."""
    draw = np.random.default_rng(seed)
    sessions = _sessions(draw, weeks, users, rows_a_week)
    length = draw.geometric(1 / 6, size=len(sessions))
    rows = sessions.loc[np.repeat(sessions.index, length)].reset_index(drop=True)
    rows["occurred_at"] += pd.to_timedelta(draw.exponential(400, size=len(rows)), unit="s")
    day = ((rows["occurred_at"] - START) // timedelta(days=1)).to_numpy().clip(0, weeks * 7 - 1)
    user, session = rows["user"].to_numpy(), rows["session"].to_numpy()
    columns: dict[str, object] = {}
    for name in NUMBERS:
        effect = draw.normal(0, 0.6, users)[user] + draw.normal(0, 0.5, len(sessions))[session]
        mood = _moods(draw, users, weeks * 7)[user, day]
        columns[name] = effect + mood + draw.normal(size=len(rows))
    columns["number_0"] = np.exp(columns["number_0"])
    columns["number_1"] = np.maximum(columns["number_1"], 0.0)
    columns["number_2"] = np.floor(np.exp(columns["number_2"]))
    popular = draw.dirichlet(np.arange(1, LEVELS + 1))
    for name in CATEGORIES:
        taste = draw.dirichlet(popular * 8 + 0.02, size=users)[user]
        again = draw.random(len(rows)) < 0.4
        code = (draw.random((len(rows), 1)) > taste.cumsum(axis=1)).sum(axis=1).clip(0, LEVELS - 1)
        _, first = np.unique(session, return_index=True)
        code = np.where(again, code[first][np.unique(session, return_inverse=True)[1]], code)
        columns[name] = np.array([f"level_{level}" for level in range(LEVELS)], dtype=object)[code]
    right = draw.random(len(rows)) < 0.9
    columns["hour"] = rows["occurred_at"].dt.hour.to_numpy(dtype=np.float64)
    columns["predicted"] = columns["category_0"]
    columns["confidence"] = 1 / (1 + np.exp(-1.5 - np.asarray(columns["number_3"], dtype=float)))
    columns["outcome"] = np.where(right, columns["category_0"], "something else")
    sessions_of_rows = [f"s{number}" for number in session]
    frame = rows.assign(**columns, cluster_id=sessions_of_rows, change_set_id=sessions_of_rows)
    frame["known_at"] = frame["occurred_at"]
    return frame.sort_values("occurred_at", kind="stable").reset_index(drop=True)


def _sessions(draw: np.random.Generator, weeks: int, users: int, rows_a_week: int) -> pd.DataFrame:
    """Sessions by day and hour: weekdays and working hours are busier, users differ, weeks differ."""
    activity = draw.gamma(2.0, size=(1, users)) * draw.lognormal(0, 0.25, size=(weeks, users))
    expected = rows_a_week / 6 * activity / (activity.sum() / weeks)
    counts = draw.poisson(expected)
    week, user = (
        np.repeat(axis, counts.ravel()) for axis in np.indices(counts.shape).reshape(2, -1)
    )
    days = draw.choice(7, size=len(user), p=np.array([20, 20, 20, 20, 16, 2, 2]) / 100)
    hours = draw.normal(13 + (user % 3) * 2, 3, size=len(user)).clip(0, 21.9)
    seconds = (week * 7 + days) * 86_400 + hours * 3_600
    when = pd.Timestamp(START) + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame({"user": user, "session": np.arange(len(user)), "occurred_at": when})


def _moods(draw: np.random.Generator, users: int, days: int) -> np.ndarray:
    """A stationary autoregression a user, by day: correlation .8 from day to day, deviation .2."""
    moods = np.empty((users, days))
    moods[:, 0] = draw.normal(0, 0.2, users)
    for day in range(1, days):
        moods[:, day] = 0.8 * moods[:, day - 1] + draw.normal(0, 0.2 * 0.6, users)
    return moods
