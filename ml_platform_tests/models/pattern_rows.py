"""Synthetic events whose category follows from tool and words, with sessions and history."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.models.encoding import EncodingPlan, TargetEncodedColumn
from ml_platform.models.hidden_markov_filter import ObservedWords
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.training_sets.assembled import assembled, oldest

START = datetime(2026, 1, 1, tzinfo=UTC)
CLASSES = ("build", "review", "write")
PLAN = EncodingPlan(
    numbers=("size",),
    categories=("tool",),
    target_encoded=(
        TargetEncodedColumn("words", lists=True),
        TargetEncodedColumn("words", lists=True, jointly=True),
    ),
    observed=(ObservedWords("session_tokens", (("t:", "tool"), ("|o:", "operation"))),),
)


def synthetic_rows(sessions: int = 400, seed: int = 0) -> pd.DataFrame:
    """Five rows a session of one category; words and tools tell it in four of five rows."""
    random = np.random.default_rng(seed)
    dicts = []
    for session in range(sessions):
        category = int(random.integers(3))
        history: list[str] = []
        for row in range(5):
            hinted = category if random.random() < 0.8 else int(random.integers(3))
            tool = f"tool{hinted}" if random.random() < 0.7 else "editor"
            operation = ("open", "edit")[int(random.integers(2))]
            dicts.append(
                {
                    "row_id": f"e{session:05d}-{row}",
                    "user_id": f"u{session % 7}",
                    "cluster_id": f"s{session}",
                    "change_set_id": f"a{session}-{row}",
                    "occurred_at": START + timedelta(hours=6 * session, minutes=row),
                    "workflow_category": CLASSES[category],
                    "size": float(random.normal(hinted, 2.0)) if random.random() < 0.9 else np.nan,
                    "tool": tool,
                    "operation": operation,
                    "extension": None,
                    "words": [
                        f"w{hinted}{int(random.integers(4))}",
                        f"n{int(random.integers(30))}",
                    ],
                    "session_tokens": history[::-1],
                }
            )
            history.append(f"t:{tool}|o:{operation}")
    return pd.DataFrame(dicts)


def training_set(sessions: int = 400, seed: int = 0) -> TrainingSet:
    """The first four fifths train, the rest test."""
    train, test = oldest(synthetic_rows(sessions, seed), 4, 5)
    return assembled(
        train,
        test,
        label="workflow_category",
        classes=CLASSES,
        features=tuple(PLAN.features),
        as_of=START + timedelta(days=400),
        table="pattern_features",
    )
