"""Planted tastes: users of hidden kinds, each with items of its own that it uses and goes on to use."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled

START = datetime(2026, 1, 5, tzinfo=UTC)
KINDS = 4
ITEMS = tuple(f"kind_{'abcd'[n % KINDS]}-{n:02d}" for n in range(32))
SNAPSHOTS = 8
WEEK = timedelta(days=7)
GAP = timedelta(days=14)


def snapshots(users: int = 120, seed: int = 0, new_share: float = 0.15) -> pd.DataFrame:
    """One row a user and week; of the items begun in a fortnight 85 % are of the user's kind.

    The doings of a user show the kind, whether there is a history or not. A ``new_share`` of the users begins
    after the fifth week.
    """
    random = np.random.default_rng(seed)
    dicts = []
    for user in range(users):
        kind = user % KINDS
        start = SNAPSHOTS - 2 if random.random() < new_share else 0
        weights = np.array([0.85 if n % KINDS == kind else 0.05 for n in range(len(ITEMS))])
        order = random.choice(len(ITEMS), len(ITEMS), replace=False, p=weights / weights.sum())
        pace = random.poisson(1.0, SNAPSHOTS + 2)
        pace[:start] = 0
        done = np.concatenate([[0], np.cumsum(pace)])
        for week in range(SNAPSHOTS):
            used = order[: done[week]]
            begun = order[done[week] : done[week + 2]]
            times = 1 + random.integers(0, 3, len(used))
            dicts.append(
                {
                    "row_id": f"u{user:03d}@{week}",
                    "user_id": f"u{user:03d}",
                    "cluster_id": f"u{user:03d}",
                    "change_set_id": f"u{user:03d}@{week}",
                    "occurred_at": pd.Timestamp(START + week * WEEK),
                    "next_used": [ITEMS[i] for i in begun],
                    "used": [ITEMS[i] for i, n in zip(used, times, strict=True) for _ in range(n)],
                    "recent": [ITEMS[i] for i in used[-3:]],
                    "recent_doings": [f"c:kind_{'abcd'[kind]}"] * 3 + ["c:other", "t:editor"],
                    "team": f"team-{user % 3}",
                }
            )
    return pd.DataFrame(dicts).sort_values(["occurred_at", "row_id"], ignore_index=True)


def training_set(rows: pd.DataFrame) -> TrainingSet:
    """The last week tests; weeks whose fortnight ended before it train."""
    test_from = START + (SNAPSHOTS - 1) * WEEK
    return assembled(
        rows[rows.occurred_at < pd.Timestamp(test_from - GAP)],
        rows[rows.occurred_at >= pd.Timestamp(test_from)],
        label="next_used",
        classes=ITEMS,
        features=("used", "recent", "recent_doings", "team"),
        as_of=START + 20 * WEEK,
        model="workflow_recommender",
        table="adoption_snapshots",
        test_from=test_from,
        gap=GAP,
    )
