"""Small training sets of every task, and what a scorer that knows the truth predicts on their test rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.models.recommenders.top_items import NOT_OFFERED, wanted
from ml_platform.spec.task import (
    NO,
    SOON,
    YES,
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform.spec.training_set import TrainingSet
from ml_platform_tests.evaluation.examples import make_training_set
from ml_platform_tests.models.start_time_rows import synthetic_rows
from ml_platform_tests.models.start_time_rows import training_set as start_time_training_set

STEPS = tuple(f"step-{number}" for number in range(8))
ITEMS = tuple(f"item-{number:02d}" for number in range(12))


@dataclass(frozen=True)
class Labelled:
    """One task with a training set, and the predictions of a scorer that is always right."""

    task: Task
    training_set: TrainingSet
    perfect: Predictions


def _with_labels(
    label: str,
    classes: tuple[str, ...],
    columns: Callable[[np.random.Generator, int], dict[str, object]],
) -> TrainingSet:
    base = make_training_set(change_sets=300)
    generator = np.random.default_rng(5)
    train = base.train.assign(**columns(generator, len(base.train)))
    test = base.test.assign(**columns(generator, len(base.test)))
    return TrainingSet(replace(base.record, label=label, classes=classes), train, test)


def _unit(codes: np.ndarray, width: int) -> np.ndarray:
    vectors: np.ndarray = np.eye(width)[codes]
    return vectors


def classification() -> Labelled:
    rows = _with_labels("step", STEPS, lambda draw, n: {"step": draw.choice(STEPS, n)})
    truth = pd.Index(STEPS).get_indexer(rows.test["step"])
    return Labelled(Classification(), rows, Predictions(_unit(truth, len(STEPS))))


def sequence() -> Labelled:
    def columns(draw: np.random.Generator, rows: int) -> dict[str, object]:
        soon = draw.choice([YES, NO], rows, p=(0.2, 0.8))
        return {"step": draw.choice(STEPS, rows), "workflow_soon": soon}

    rows = _with_labels("step", (*STEPS, SOON), columns)
    truth = pd.Index(STEPS).get_indexer(rows.test["step"])
    soon = (rows.test["workflow_soon"] == YES).to_numpy(dtype=np.float64)
    values = np.column_stack([_unit(truth, len(STEPS)), soon])
    return Labelled(SequencePrediction(), rows, Predictions(values))


def detection() -> Labelled:
    rows = _with_labels(
        "odd", (NO, YES), lambda draw, n: {"odd": draw.choice([YES, NO], n, p=(0.1, 0.9))}
    )
    odd = (rows.test["odd"] == YES).to_numpy(dtype=np.float64)
    return Labelled(Detection(), rows, Predictions(np.column_stack([1 - odd, odd])))


def proportions() -> Labelled:
    rows = _with_labels(
        "part", ("part",), lambda draw, n: {"part": draw.uniform(0.1, 1.0, n).round(2)}
    )
    truth = rows.test["part"].to_numpy(dtype=np.float64)
    return Labelled(ProportionRegression(outcome="part"), rows, Predictions(truth[:, None]))


def outcomes() -> Labelled:
    """Proportions each of which is a single yes or no."""
    rows = _with_labels(
        "part", ("part",), lambda draw, n: {"part": (draw.random(n) < 0.3).astype(float)}
    )
    truth = rows.test["part"].to_numpy(dtype=np.float64)
    return Labelled(ProportionRegression(outcome="part"), rows, Predictions(truth[:, None]))


def ranking() -> Labelled:
    shares = np.arange(len(ITEMS), 0, -1) / sum(range(len(ITEMS) + 1))

    def columns(draw: np.random.Generator, rows: int) -> dict[str, object]:
        sizes = draw.integers(1, 4, rows)
        return {"begun": [draw.choice(ITEMS, k, replace=False, p=shares).tolist() for k in sizes]}

    rows = _with_labels("begun", ITEMS, columns)
    known = wanted(rows.test["begun"], ITEMS).known
    return Labelled(Ranking(), rows, Predictions(np.where(known, 1.0, NOT_OFFERED)))


def off_policy() -> Labelled:
    """Right about the candidate that was tried, and even about the others."""
    rows = start_time_training_set(synthetic_rows(1_500, seed=3))
    label = rows.test[rows.record.label].astype(object).to_numpy()
    yes = np.where(label == YES, 1.0, np.where(rows.test[rows.record.label].isna(), 0.5, 0.0))
    return Labelled(OffPolicyChoice(), rows, Predictions(np.column_stack([1 - yes, yes])))


def without_signal(rows: TrainingSet, columns: tuple[str, ...], seed: int) -> TrainingSet:
    """The same rows with labels of other rows: no feature predicts any of ``columns``, which move together.

    Rows whose label, the first of ``columns``, is not known keep what they have.
    """
    generator = np.random.default_rng(seed)

    def permuted(part: pd.DataFrame) -> pd.DataFrame:
        places = np.arange(len(part))
        known = np.flatnonzero(part[columns[0]].notna().to_numpy())
        places[known] = generator.permutation(known)
        return part.assign(**{name: part[name].array.take(places) for name in columns})

    return replace(rows, train=permuted(rows.train), test=permuted(rows.test))


EVERY = (classification, sequence, detection, proportions, outcomes, ranking, off_policy)
