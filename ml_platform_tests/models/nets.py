"""Small plans and hyperparameters of sequence networks, and what the tests ask of their answers."""

import numpy as np
import pandas as pd

from ml_platform.models.sequences.encoding import Channel, SequencePlan
from ml_platform.models.sequences.hyperparameters import NetworkHyperparameters
from ml_platform.spec.model import Scorer

PLAN = SequencePlan(
    channels=(
        Channel("steps", 12, ":", 0),
        Channel("steps", 12, ":", 1),
        Channel("objects", 4),
        Channel("gaps", 4),
    ),
    numbers=("session_position",),
    cycles=(("hour", 24.0), ("weekday", 7.0)),
)
LSTM = NetworkHyperparameters(
    encoder="lstm",
    dropout=0.1,
    learning_rate=1e-2,
    batch=64,
    visits=32_000,
    patience=5,
    soon_weight=1.0,
)
TRANSFORMER = NetworkHyperparameters(
    encoder="transformer",
    first=32,
    second=16,
    dropout=0.05,
    learning_rate=8e-3,
    batch=64,
    visits=8_000,
    patience=5,
    soon_weight=1.0,
)


def accuracy(scorer: Scorer, rows: pd.DataFrame) -> float:
    """Share of rows whose most probable next step is the one that came."""
    best = scorer.predict_proba(rows)[:, :-1].argmax(axis=1)
    return float((np.array(scorer.classes)[best] == rows["next_step"].to_numpy()).mean())


def majority(train: pd.DataFrame, rows: pd.DataFrame) -> float:
    """Accuracy of the most frequent next step of the training rows."""
    return float((rows["next_step"] == train["next_step"].mode()[0]).mean())
