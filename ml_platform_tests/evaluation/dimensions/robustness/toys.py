"""A world of three classes that every column tells alike, and scorers with planted weaknesses."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.registry import evaluator_of
from ml_platform.evaluation.tasks.scorers import score
from ml_platform.models.pattern_classifier import SPEC
from ml_platform.spec.model import ModelSpec, Scorer
from ml_platform.spec.task import Classification, Ranking
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import AS_OF, CUT, START
from ml_platform_tests.training_sets.assembled import assembled

CLASSES = ("common", "other", "rare")
SHARES = np.array([0.5, 0.4, 0.1])
NUMBERS = tuple(f"x{k}" for k in range(6))
FEATURES = (*NUMBERS, "word", "words")
MEANS = np.array([-1.5, 0.0, 1.5])
TOLD = 0.8
"""Share of the rows whose word is that of their class."""


def rows_of(generator: np.random.Generator, count: int, first: int, start: object) -> pd.DataFrame:
    """``count`` rows in order of time, two a cluster."""
    code = np.repeat(generator.choice(3, count // 2, p=SHARES), 2)
    codes = [
        np.where(generator.random(count) < TOLD, code, generator.integers(0, 3, count))
        for _ in range(4)
    ]
    words = np.array(CLASSES)
    columns: dict[str, object] = {
        "row_id": [f"r{first + i}" for i in range(count)],
        "user_id": [f"u{i % 20}" for i in range(count)],
        "cluster_id": [f"c{first + i // 2}" for i in range(count)],
        "change_set_id": [f"a{first + i}" for i in range(count)],
        "occurred_at": pd.Timestamp(start) + pd.to_timedelta(np.arange(count), unit="min"),
        "label": words[code],
        "word": words[codes[0]],
        "words": [list(three) for three in words[np.column_stack(codes[1:])]],
    }
    for name in NUMBERS:
        columns[name] = MEANS[code] + generator.normal(size=count)
    return pd.DataFrame(columns)


def training_set(count: int = 2_000, seed: int = 0) -> TrainingSet:
    """As many training rows as test rows."""
    generator = np.random.default_rng(seed)
    train = rows_of(generator, count, 0, START)
    test = rows_of(generator, count, 1_000_000, CUT)
    return assembled(
        train,
        test,
        label="label",
        classes=CLASSES,
        features=FEATURES,
        as_of=AS_OF,
        table="pattern_features",
        test_from=CUT,
    )


TOY: ModelSpec = replace(SPEC, task=Classification(), label="label", features=FEATURES)


def logits(rows: pd.DataFrame, numbers: tuple[str, ...] = NUMBERS, most: float = 4.0) -> np.ndarray:
    """The Bayes rule's, (rows, 3); numbers beyond ``most``, missing ones and unknown words say nothing."""
    values = np.tile(np.log(SHARES), (len(rows), 1))
    for name in numbers:
        x = rows[name].to_numpy(dtype=np.float64)
        usual = np.abs(x) <= most
        values += usual[:, None] * (np.where(usual, x, 0.0)[:, None] * MEANS - MEANS**2 / 2)
    right, wrong = TOLD + (1 - TOLD) / 3, (1 - TOLD) / 3
    step = np.log(right / wrong)
    lists = rows["words"].tolist() if "words" in rows else [[]] * len(rows)
    for i, (word, words) in enumerate(zip(rows["word"], lists, strict=True)):
        for column in (word, *words):
            if column in CLASSES:
                values[i, CLASSES.index(column)] += step
    return values


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Sturdy:
    """Rests on every column a little, ignores what it cannot know, claims no more than is true."""

    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return softmax(logits(rows))


@dataclass(frozen=True)
class OneColumn:
    """Rests on ``word`` alone."""

    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        spread = np.tile(np.array([0.45, 0.3, 0.25]), (len(rows), 1))
        for i, word in enumerate(rows["word"]):
            if word in CLASSES:
                spread[i] = 0.1
                spread[i, CLASSES.index(word)] = 0.8
        return spread


@dataclass(frozen=True)
class Explodes:
    """Adds numbers up without a bound; with ``crashes`` an infinite one stops it."""

    crashes: bool = False
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        numbers = rows[list(NUMBERS)].to_numpy(dtype=np.float64)
        if self.crashes and np.isinf(numbers).any():
            raise ValueError("input contains infinity")
        with np.errstate(all="ignore"):
            return softmax(np.nan_to_num(logits(rows, most=np.inf), posinf=1e9, neginf=-1e9))


@dataclass(frozen=True)
class TwoColumns:
    """Decides by ``x0`` and ``word``; it claims what is true, or (``sure``) that it is always right."""

    sure: bool
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        values = logits(rows.drop(columns="words"), ("x0",))
        if not self.sure:
            return softmax(values)
        return np.where(np.arange(3) == values.argmax(axis=1)[:, None], 0.998, 0.001)


@dataclass(frozen=True)
class BlindToRare:
    """Never says the rare class."""

    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return softmax(logits(rows) - np.array([0.0, 0.0, 50.0]))


@dataclass(frozen=True)
class Outdated:
    """Right until the middle of the test period, then a guess."""

    until: pd.Timestamp
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        late = (rows["occurred_at"] >= self.until).to_numpy()
        guess = np.random.default_rng(0).permutation(logits(rows))
        return softmax(np.where(late[:, None], guess, logits(rows)))


@dataclass(frozen=True)
class Memorises:
    """Knows the exact values of known rows by heart, and guesses where one has moved at all."""

    known: frozenset[float]
    classes: tuple[str, ...] = CLASSES

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        familiar = rows[list(NUMBERS)].isin(self.known).all(axis=1).to_numpy()
        return softmax(np.where(familiar[:, None], logits(rows), np.log(SHARES)))


def examined(
    scorer: Scorer, rows: TrainingSet, spec: ModelSpec = TOY, **more: object
) -> EvaluationContext:
    """``scorer`` ready to be examined."""
    bounded = not isinstance(spec.task, Ranking)
    values = score("candidate", scorer, rows.test, rows.record.classes, bounded=bounded)
    predictions = Predictions(values, getattr(scorer, "threshold", None))
    evaluator = evaluator_of(spec.task, rows)
    return EvaluationContext(
        spec, rows, evaluator, scorer, predictions, seed=7, resamples=200, **more
    )  # type: ignore[arg-type]
