"""Planted tastes: users of hidden kinds, each with items of its own that it uses and goes on to use."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.spec.training_set import Split, TrainingSet, TrainingSetRecord

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
    made = []
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
            made.append(
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
    return pd.DataFrame(made).sort_values(["occurred_at", "row_id"], ignore_index=True)


def training_set(rows: pd.DataFrame) -> TrainingSet:
    """The last week tests; weeks whose fortnight ended before it train."""
    test_from = START + (SNAPSHOTS - 1) * WEEK
    until = test_from - GAP
    train = rows[rows.occurred_at < pd.Timestamp(until)].reset_index(drop=True)
    test = rows[rows.occurred_at >= pd.Timestamp(test_from)].reset_index(drop=True)
    split = Split(
        train_until=until,
        test_from=test_from,
        gap=GAP,
        rows_train=len(train),
        rows_gap=0,
        rows_test=len(test),
        clusters_train=train.user_id.nunique(),
        clusters_test=test.user_id.nunique(),
    )
    features = ("used", "recent", "recent_doings", "team")
    record = TrainingSetRecord(
        model="workflow_recommender",
        fingerprint="f" * 64,
        rows_sha256="0" * 64,
        source="test",
        simulated=True,
        table="adoption_snapshots",
        label="next_used",
        classes=ITEMS,
        features=features,
        feature_versions=dict.fromkeys(features, "v1"),
        split=split,
        as_of=START + 20 * WEEK,
    )
    return TrainingSet(record, train, test)
