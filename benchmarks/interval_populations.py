"""Populations with known values for ``benchmarks/intervals.py``, one for each kind of model.

Every draw has ``clusters`` clusters of ``size`` rows on average that share an effect (1: independent rows), and
gives the statistics that the judges of the platform make of them. ``whole``: as one cluster, for the exact value.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from ml_platform.evaluation.metrics.classification_statistics import (
    ClassPredictions,
    class_statistics,
)
from ml_platform.evaluation.metrics.off_policy import (
    Launches,
    best_candidates,
    nearest_candidates,
)
from ml_platform.evaluation.metrics.off_policy_statistics import (
    off_policy_statistics_of,
    policy_blocks,
)
from ml_platform.evaluation.metrics.sequence_statistics import step_statistics
from ml_platform.evaluation.metrics.sufficient_statistics import SufficientStatistics
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.evaluators.detection import DetectionEvaluator
from ml_platform.evaluation.tasks.evaluators.proportion_regression import ProportionEvaluator
from ml_platform.evaluation.tasks.evaluators.ranking import RankingStatistics, row_statistics
from ml_platform.evaluation.tasks.row_clusters import RowClusters

SHARES = np.array([0.55, 0.30, 0.10, 0.05])
STEPS = 1.0 / np.arange(1, 31)
Generator = np.random.Generator


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows that sum to one."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The logistic function of ``logits``, in (0, 1)."""
    return 1.0 / (1.0 + np.exp(-logits))


def codes_of(generator: Generator, clusters: int, size: float) -> np.ndarray:
    """The cluster of each row; sizes are one plus Poisson."""
    sizes = np.ones(clusters, int) if size == 1 else 1 + generator.poisson(size - 1, clusters)
    return np.repeat(np.arange(clusters), sizes)


def effect(generator: Generator, codes: np.ndarray, size: float, shape: tuple[int, ...]) -> Any:
    """What the rows of a cluster share; nothing where rows are independent."""
    drawn = generator.normal(0, 1, (int(codes.max()) + 1, *shape))
    return drawn[codes] * (size > 1)


def classes(
    generator: Generator, clusters: int, size: float, shares: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Truth, clusters and two scorers' probabilities, none of them calibrated."""
    codes = codes_of(generator, clusters, size)
    shape = (len(codes), len(shares))
    shared = effect(generator, codes, size, (len(shares),))
    logits = np.log(shares / shares.sum()) + shared + generator.normal(0, 1.5, shape)
    exact = softmax(logits)
    truth = (generator.random(len(codes))[:, None] > exact.cumsum(axis=1)).sum(axis=1)
    good = softmax(1.3 * (logits + generator.normal(0, 0.7, shape)))
    fair = softmax(0.7 * logits + generator.normal(0, 1.0, shape))
    return np.minimum(truth, len(shares) - 1), codes, good, fair


def _grouped(codes: np.ndarray, whole: bool) -> tuple[np.ndarray, int]:
    return (np.zeros_like(codes), 1) if whole else (codes, int(codes.max()) + 1)


def classification(
    generator: Generator, clusters: int, size: float, whole: bool
) -> tuple[SufficientStatistics, ...]:
    """Four classes of which one is rare; two scorers on the same rows."""
    truth, codes, good, fair = classes(generator, clusters, size, SHARES)
    units, count = _grouped(codes, whole)
    return tuple(class_statistics(ClassPredictions(truth, p, units), count) for p in (good, fair))


def sequence(
    generator: Generator, clusters: int, size: float, whole: bool
) -> tuple[SufficientStatistics, ...]:
    """Thirty steps whose shares fall as 1, 1/2, 1/3 ..."""
    truth, codes, good, _ = classes(generator, clusters, size, STEPS)
    return (step_statistics(truth, good, *_grouped(codes, whole)),)


def _rows(codes: np.ndarray, whole: bool) -> RowClusters:
    units, count = _grouped(codes, whole)
    return RowClusters(pd.Series(dtype=object), units, count, units, count)


def _set(label: str, classes_of: tuple[str, ...], values: Any) -> Any:
    frame = pd.DataFrame({label: values})
    record = SimpleNamespace(label=label, classes=classes_of)
    return SimpleNamespace(record=record, train=frame, test=frame)


def share(
    generator: Generator, clusters: int, size: float, whole: bool
) -> tuple[SufficientStatistics, ...]:
    """Shares of ten occasions, and an answer that is off by noise."""
    codes = codes_of(generator, clusters, size)
    logits = effect(generator, codes, size, ()) + generator.normal(0, 1, len(codes))
    truth = generator.binomial(10, sigmoid(logits)) / 10
    answer = sigmoid(0.9 * logits + generator.normal(0.1, 0.5, len(codes)))
    evaluator = ProportionEvaluator(_set("share", ("share",), truth), _rows(codes, whole))
    return (evaluator.sufficient_statistics(Predictions(answer[:, None])),)


def detection(
    generator: Generator, clusters: int, size: float, whole: bool
) -> tuple[SufficientStatistics, ...]:
    """One row in twenty is anomalous; alarms from .3 on."""
    codes = codes_of(generator, clusters, size)
    logits = (
        -4.2 + effect(generator, codes, size, ()) + generator.normal(0, 2 - (size > 1), len(codes))
    )
    truth = generator.random(len(codes)) < sigmoid(logits)
    score = sigmoid(logits + 2 * truth + generator.normal(0, 0.5, len(codes)))
    labels = np.where(truth, "yes", "no")
    evaluator = DetectionEvaluator(_set("anomalous", ("no", "yes"), labels), _rows(codes, whole))
    return (
        evaluator.sufficient_statistics(
            Predictions(np.column_stack([1 - score, score]), threshold=0.3)
        ),
    )


def ranking(
    generator: Generator, clusters: int, size: float, whole: bool
) -> tuple[SufficientStatistics, ...]:
    """Lists of five; how much is wanted and found depends on the user; some want nothing."""
    codes = codes_of(generator, clusters, size)
    taste = effect(generator, codes, size, ())
    wanted = generator.poisson(np.exp(0.5 + 0.5 * taste))
    chance = sigmoid(taste[:, None] - 1 - 0.3 * np.arange(5))
    hit = (generator.random((len(codes), 5)) < chance).astype(float)
    hit *= np.cumsum(hit, axis=1) <= wanted[:, None]
    columns = row_statistics(hit, wanted, 5)
    columns |= {"rows": (wanted > 0) * 1.0, "bits": taste * 0.0, "offered": taste * 0.0 + 5}
    units, count = _grouped(codes, whole)
    sums = np.column_stack([np.bincount(units, each, count) for each in columns.values()])
    return (RankingStatistics(5, tuple(columns), sums, 0),)


def replay(
    generator: Generator, clusters: int, size: float, whole: bool
) -> tuple[SufficientStatistics, ...]:
    """Launches with three candidate hours of which one was drawn; rows of a cluster are launches of a user."""
    codes = codes_of(generator, clusters, size)
    rows = np.arange(len(codes))
    shared = effect(generator, codes, size, ())[:, None]
    logits = shared + generator.normal(0, 1, (len(codes), 3))
    odds = np.exp(generator.normal(0, 0.5, logits.shape))
    propensity = odds / odds.sum(axis=1, keepdims=True)
    drawn = (propensity.cumsum(axis=1) < generator.random((len(codes), 1))).sum(axis=1)
    drawn = np.minimum(drawn, 2)
    launches = Launches(
        first=rows * 3,
        drawn=rows * 3 + drawn,
        propensity=propensity[rows, drawn],
        success=(generator.random(len(codes)) < sigmoid(logits[rows, drawn])).astype(float),
        expected=np.clip(sigmoid(logits) + generator.normal(0, 0.2, logits.shape), 0, 1).ravel(),
        hours=np.tile([9.0, 13.0, 17.0], len(codes)),
    )
    scores = sigmoid(logits + generator.normal(0, 0.7, logits.shape)).ravel()
    units, count = _grouped(codes, whole)
    picks = {
        "policy": best_candidates(launches, scores),
        "fixed": nearest_candidates(launches, 13.0),
    }
    policies = policy_blocks(launches, picks, units, count)
    truth = launches.success.astype(np.int64)
    return (off_policy_statistics_of(truth, scores[launches.drawn], units, count, 0.5, policies),)
