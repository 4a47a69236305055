"""Counts a back-off n-gram, and chooses the threshold of its alarm."""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.models.rules import class_codes
from ml_platform.models.sequences.ngram import STEPS, STOP, Contexts, NgramScorer, symbols
from ml_platform.models.threshold import best_f1
from ml_platform.models.tokens import token_column
from ml_platform.spec.task import SOON, YES
from ml_platform.training_sets.time_split import Gap, purged_folds, time_blocks

if TYPE_CHECKING:
    import pandas as pd

    from ml_platform.spec.model import FitOutcome, FitRequest
    from ml_platform.spec.training_set import TrainingSet

SOON_LABEL = "workflow_soon"
BLOCKS = 8
"""Blocks of time of the training part; the newest one chooses strengths and the threshold of soon."""
STRENGTHS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


@dataclass(frozen=True)
class NgramHyperparameters:
    """The length of contexts, and how longer contexts are mixed with shorter ones."""

    order: int = 8
    minimum: int = 2
    """Rows that a context of two steps or more needs."""
    discount: float = 0.0
    """What is subtracted of every count; 0: it follows, for each length of context, from the share of successors
    that were seen once and twice."""
    strength: float = -1.0
    """Rows of the shorter context that are added to a longer one; negative: the newest block chooses."""
    soon_strength: float = -1.0
    """Rows of the shorter context that are added to a longer one's rate of "soon"; negative: as ``strength``."""


def fit_ngram(
    training_set: "TrainingSet",
    request: "FitRequest",
    hyperparameters: NgramHyperparameters,
    gap: timedelta,
) -> "FitOutcome":
    """Count all but the newest block to choose strengths and threshold on it, then all training rows."""
    from ml_platform.spec.model import FitOutcome

    started = time.perf_counter()
    record, rows = training_set.record, training_set.train
    classes = tuple(name for name in record.classes if name != SOON)
    *_, newest = purged_folds(rows, time_blocks(rows, BLOCKS), Gap.between_folds(gap))
    newest.require_rows_to_fit(gap)
    early = count_ngram(rows.iloc[newest.fit], record.label, classes, hyperparameters)
    held = rows.iloc[newest.held_out]
    chosen, metrics = choose(early, hyperparameters, held, record.label)
    request.progress(", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))
    scorer = replace(
        count_ngram(rows, record.label, classes, hyperparameters),
        strength=chosen.strength,
        soon_strength=chosen.soon_strength,
        threshold=chosen.threshold,
    )
    return FitOutcome(
        estimator=scorer,
        artifact=scorer.to_artifact(),
        parameters={
            **vars(hyperparameters),
            "strength": chosen.strength,
            "soon_strength": chosen.soon_strength,
            "contexts": scorer.contexts.nodes,
            "threshold": chosen.threshold,
        },
        fold_metrics=({**metrics, "rows": float(len(held)), "fitted_on": float(len(newest.fit))},),
        seconds=time.perf_counter() - started,
    )


def count_ngram(
    rows: "pd.DataFrame",
    label: str,
    classes: tuple[str, ...],
    hyperparameters: NgramHyperparameters,
) -> NgramScorer:
    """The n-gram of ``rows``; its threshold is never reached, for the caller to set."""
    steps = token_column(rows[STEPS], lists=True)
    words = tuple(sorted({steps.words[code] for code in np.unique(steps.codes).tolist()}))
    index = {word: code for code, word in enumerate(words)}
    before = symbols(rows, index, hyperparameters.order)
    followed = class_codes(rows, label, classes)
    contexts, discounts = _count(
        before, followed, soon_truth(rows), len(words) + 1, hyperparameters
    )
    return NgramScorer(
        classes=(*classes, SOON),
        words=words,
        discounts=discounts,
        strength=max(hyperparameters.strength, 0.0),
        soon_strength=max(hyperparameters.soon_strength, 0.0),
        threshold=1.0,
        contexts=contexts,
    )


def soon_truth(rows: "pd.DataFrame") -> np.ndarray:
    """(rows,) 1 for yes, 0 for no, NaN where it is not known or there is no such column."""
    if SOON_LABEL not in rows:
        return np.full(len(rows), np.nan)
    known = rows[SOON_LABEL].notna().to_numpy()
    return np.where(known, (rows[SOON_LABEL] == YES).to_numpy(dtype=np.float64), np.nan)


def _count(
    before: np.ndarray,
    followed: np.ndarray,
    soon: np.ndarray,
    symbol_count: int,
    hyperparameters: NgramHyperparameters,
) -> tuple[Contexts, tuple[float, ...]]:
    """The tree, level by level: a context's rows are those of its children and the ones that end with it."""
    outcomes = int(followed.max()) + 1
    node = np.zeros(len(before), dtype=np.int64)
    rows, nodes = np.arange(len(before)), 1
    keys, levels, discounts = [], [_level(node, rows, followed, soon, outcomes)], []
    for depth in range(hyperparameters.order):
        discounts.append(_discount(levels[-1].counts, hyperparameters))
        rows = rows[before[rows, depth] != STOP]
        wanted = node[rows] * symbol_count + before[rows, depth]
        distinct, place, times = np.unique(wanted, return_inverse=True, return_counts=True)
        kept = times >= (hyperparameters.minimum if depth else 1)
        number = np.where(kept, np.cumsum(kept) - 1, -1)
        rows, place = rows[number[place] >= 0], number[place][number[place] >= 0]
        node[rows] = nodes + place
        keys.append(distinct[kept])
        levels.append(_level(place, rows, followed, soon, outcomes))
        nodes += int(kept.sum())
    discounts.append(_discount(levels[-1].counts, hyperparameters))
    types = np.concatenate([level.types for level in levels])
    contexts = Contexts(
        keys=np.concatenate(keys),
        offsets=np.concatenate([[0], np.cumsum(types)]).astype(np.int64),
        successors=np.concatenate([level.successors for level in levels]).astype(np.int32),
        counts=np.concatenate([level.counts for level in levels]).astype(np.int32),
        soon_yes=np.concatenate([level.soon_yes for level in levels]).astype(np.int32),
        soon_known=np.concatenate([level.soon_known for level in levels]).astype(np.int32),
    )
    return contexts, tuple(discounts)


@dataclass(frozen=True)
class _Level:
    """Contexts of one length, as in `Contexts`."""

    types: np.ndarray
    successors: np.ndarray
    counts: np.ndarray
    soon_yes: np.ndarray
    soon_known: np.ndarray


def _level(
    place: np.ndarray, rows: np.ndarray, followed: np.ndarray, soon: np.ndarray, outcomes: int
) -> _Level:
    """Counts of the nodes ``place`` (rows,) of one level."""
    size = int(place.max()) + 1 if len(place) else 0
    pairs, counts = np.unique(place * outcomes + followed[rows], return_counts=True)
    known = ~np.isnan(soon[rows])
    return _Level(
        types=np.bincount(pairs // outcomes, minlength=size),
        successors=pairs % outcomes,
        counts=counts,
        soon_yes=np.bincount(place[known], weights=soon[rows][known], minlength=size),
        soon_known=np.bincount(place[known], minlength=size),
    )


def _discount(counts: np.ndarray, hyperparameters: NgramHyperparameters) -> float:
    """n1 / (n1 + 2 n2) of a level, from the successors seen once and twice (Ney, Essen and Kneser 1994)."""
    if hyperparameters.discount:
        return hyperparameters.discount
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return round(once / (once + 2 * twice), 9) if once and twice else 0.5


def choose(
    early: NgramScorer, hyperparameters: NgramHyperparameters, held: "pd.DataFrame", label: str
) -> tuple[NgramScorer, dict[str, float]]:
    """Strengths with the lowest loss on the held-out block, the threshold with its best F1, and metrics."""
    truth = class_codes(held, label, early.classes[:-1])
    needed = soon_truth(held)
    tried = [replace(early, strength=s, soon_strength=s) for s in STRENGTHS]
    predictions = [scorer.predict_proba(held) for scorer in tried]
    losses = [_log_loss(each[np.arange(len(truth)), truth]) for each in predictions]
    known = ~np.isnan(needed)
    soon_losses = [
        _log_loss(np.where(needed == 1.0, each[:, -1], 1.0 - each[:, -1])[known])
        for each in predictions
    ]
    steps, soon = int(np.argmin(losses)), int(np.argmin(soon_losses))
    strength = hyperparameters.strength if hyperparameters.strength >= 0 else STRENGTHS[steps]
    soon_strength = (
        hyperparameters.soon_strength if hyperparameters.soon_strength >= 0 else STRENGTHS[soon]
    )
    chosen = replace(early, strength=strength, soon_strength=soon_strength)
    best = chosen.predict_proba(held)
    threshold, soon_f1 = best_f1(best[:, -1], needed)
    return replace(chosen, threshold=threshold), {
        "accuracy": float((best[:, :-1].argmax(axis=1) == truth).mean()),
        "log_loss": _log_loss(best[np.arange(len(truth)), truth]),
        "soon_f1": soon_f1,
    }


def _log_loss(probabilities: np.ndarray) -> float:
    """Mean of minus the logarithm of the probabilities (rows,) of what came true; 0 without rows."""
    if not len(probabilities):
        return 0.0
    return float(-np.log(np.maximum(probabilities, np.finfo(np.float64).eps)).mean())
