"""Predictions of a scorer whose truth is known, in sessions that go together."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def truth(scores: np.ndarray) -> np.ndarray:
    """The probability that a prediction of such a score comes true: the scorer is too sure of itself."""
    return 0.5 + 0.4 * (scores - 0.5)


def predictions(
    seed: int,
    rows: int,
    days: float,
    *,
    shift: float = 0.0,
    changed: float = 0.0,
    together: float = 0.0,
    since: datetime = START,
) -> pd.DataFrame:
    """Class predictions over some days, known at once.

    ``shift`` moves scores down (the features have drifted), ``changed`` is taken off the probability of coming true
    at every score (the concept has changed), and ``together`` moves sessions of about ten rows up and down.
    """
    draw = np.random.default_rng(seed)
    session = np.sort(draw.integers(0, max(rows // 10, 1), rows))
    scores = np.clip(draw.beta(5, 2, rows) - shift, 0.05, 0.99)
    mood = together * draw.choice([-1.0, 1.0], rows // 10)[session]
    came_true = draw.random(rows) < truth(scores) - changed + mood
    times = pd.Timestamp(since) + pd.to_timedelta(np.linspace(0, days, rows, endpoint=False), "D")
    return pd.DataFrame(
        {
            "row_id": [f"r{row}" for row in range(rows)],
            "occurred_at": times,
            "known_at": times,
            "cluster_id": [f"s{number}" for number in session],
            "predicted": "a",
            "confidence": scores,
            "outcome": np.where(came_true, "a", "b").astype(object),
        }
    )
