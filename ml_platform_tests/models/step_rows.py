"""Small sequences of steps: the next one follows from the third last, "soon" from an early and a late mark."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from ml_platform.spec.training_set import (
    CHANGE_SET,
    CLUSTER,
    ROW_ID,
    TIME,
    USER,
    TrainingSet,
)
from ml_platform_tests.training_sets.assembled import assembled, oldest

START = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = ("chat:send", "code:edit", "code:read", "mail:send", "mail:sort", "sheet:edit")
END = "end"
CLASSES = tuple(sorted((*STEPS, END)))
FEATURES = ("steps", "objects", "gaps", "hour", "weekday", "session_position")


def synthetic_rows(sessions: int = 300, seed: int = 0) -> pd.DataFrame:
    """Sessions of 12 steps. The next is nine times in ten the one after the third last, in the order of `STEPS`."""
    random = np.random.default_rng(seed)
    dicts = []
    for session in range(sessions):
        start = START + timedelta(hours=int(random.integers(0, 5)) + 6 * session)
        drawn = [int(random.integers(len(STEPS))) for _ in range(3)]
        while len(drawn) < 12:
            successor = (drawn[-3] + 1) % len(STEPS)
            drawn.append(successor if random.random() < 0.9 else int(random.integers(len(STEPS))))
        words = [STEPS[place] for place in drawn]
        for place in range(len(words)):
            past = words[: place + 1][::-1][:10]
            need = words[place] == "mail:send" and "sheet:edit" in past[3:]
            moment = start + timedelta(minutes=2 * place)
            dicts.append(
                {
                    ROW_ID: f"e{session:05d}-{place:02d}",
                    USER: f"u{session % 7}",
                    CLUSTER: f"s{session}",
                    CHANGE_SET: f"a{session}-{place}",
                    TIME: moment,
                    "next_step": words[place + 1] if place + 1 < len(words) else END,
                    "workflow_soon": "yes" if need else "no",
                    "steps": past,
                    "objects": ["py"] * len(past),
                    "gaps": ["minutes"] * len(past),
                    "hour": float(moment.hour),
                    "weekday": float(moment.weekday()),
                    "session_position": float(place),
                }
            )
    return pd.DataFrame(dicts)


def training_set(sessions: int = 300, seed: int = 0) -> TrainingSet:
    """The first four fifths train, the rest test."""
    return of_rows(synthetic_rows(sessions, seed))


def of_rows(rows: pd.DataFrame) -> TrainingSet:
    """A training set of ``rows``, split at four fifths."""
    train, test = oldest(rows, 4, 5)
    return assembled(
        train,
        test,
        label="next_step",
        classes=CLASSES,
        features=FEATURES,
        as_of=START + timedelta(days=400),
        table="step_features",
    )
