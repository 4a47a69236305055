"""Synthetic offers of workflows whose adoption follows similarity, success and the round's acceptance."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd

from ml_platform.models.suggestion_scorer import PLAN, SPEC
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.models.pattern_rows import START, training_set

SMALL = {"iterations": 40, "smallest_leaf": 20, "learning_rate": 0.1}


def suggestions(rows: int = 1_500, seed: int = 0) -> pd.DataFrame:
    """Shares that follow similarity, success and the round's acceptance; everything else is noise."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {name: random.integers(0, 5, rows).astype(float) for name in PLAN.encoding.numbers}
    )
    frame["similarity"] = np.where(random.random(rows) < 0.1, np.nan, random.random(rows))
    frame["success_14d"] = random.random(rows)
    frame["round_rate"] = random.random(rows)
    frame["category"] = random.choice(["fix", "docs", "build"], rows)
    frame.loc[random.random(rows) < 0.05, "category"] = None
    logit = 4 * (np.nan_to_num(frame["similarity"], nan=0.3) - 0.5) + 3 * (
        frame["round_rate"] - 0.5
    )
    frame["adopted_share"] = random.binomial(10, 1 / (1 + np.exp(-logit))) / 10
    frame["adopted"] = np.where(frame["adopted_share"] > 0.5, "yes", "no")
    frame["row_id"] = [f"g{row}" for row in range(rows)]
    frame["change_set_id"], frame["user_id"] = (
        frame["row_id"],
        [f"u{row % 40}" for row in range(rows)],
    )
    frame["cluster_id"] = frame["user_id"]
    frame["occurred_at"] = pd.to_datetime([START + timedelta(hours=row) for row in range(rows)])
    return frame


def suggestion_set(seed: int = 0) -> TrainingSet:
    rows = suggestions(seed=seed)
    record = replace(
        training_set(10).record,
        label="adopted_share",
        classes=("adopted_share",),
        features=SPEC.features,
    )
    return TrainingSet(record, rows.iloc[:1_200], rows.iloc[1_200:].reset_index(drop=True))
