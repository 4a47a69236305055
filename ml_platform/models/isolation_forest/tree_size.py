"""How many rows each isolation tree sees: the smallest size within one standard error of the best on later rows.

Few rows a tree keep a crowd of anomalies from hiding each other; more rows draw the usual ones more finely (Liu,
Ting, Zhou 2008, section 3). Which matters more is a property of the data, so it is chosen by ROC AUC, the metric by
which the detector must beat its rules, on the blocks of time that follow the rows of each fit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.models.one_standard_error import (
    ClusteredEstimate,
    blockwise_roc_auc,
    simplest_of_the_best,
)
from ml_platform.training_sets.time_split import Fold

SIZES = (256, 1_024, 4_096)
"""The sizes that are tried, from the simplest on: the default of the paper, four times and 16 times as many."""
DEFAULT_SIZE = SIZES[0]
LEAST_POSITIVES = 20
"""Known anomalies that the held-out blocks must have together; with fewer the default stays."""


@dataclass(frozen=True)
class LabelledRows:
    """What people have said of the training rows, each shape (rows,)."""

    known: Flags
    """Whether somebody has said what the row is."""
    positive: Flags
    """Whether it is known to be an anomaly."""
    clusters: Codes
    """The row's cluster, a code from 0."""


def chosen_size(
    folds: Sequence[Fold],
    rows: LabelledRows,
    isolation_of: Callable[[Fold, int], Array],
    progress: Callable[[str], None],
) -> int:
    """The size that `simplest_of_the_best` takes; `DEFAULT_SIZE` where too few anomalies are known to choose by.

    Args:
        folds: later blocks of time, each with the rows before it.
        rows: labels and clusters of all rows that the folds name.
        isolation_of: the isolation of a fold's held-out rows by trees of so many of the rows before it.
        progress: gets a line of what was chosen.
    """
    held_out = np.concatenate([fold.held_out for fold in folds]) if folds else np.empty(0, int)
    blocks = np.repeat([fold.number for fold in folds], [len(fold.held_out) for fold in folds])
    known, positive = rows.known[held_out], rows.positive[held_out]
    usable = sum(
        int(positive[blocks == fold.number].sum())
        for fold in folds
        if (known & ~positive)[blocks == fold.number].any()
    )
    if usable < LEAST_POSITIVES:
        progress(
            f"trees of {DEFAULT_SIZE} rows: {usable} anomalies are known in the held-out blocks, a choice "
            f"needs {LEAST_POSITIVES}"
        )
        return DEFAULT_SIZE
    clusters = np.unique(rows.clusters[held_out][known], return_inverse=True)[1]
    most = max(len(fold.fit) for fold in folds)
    sizes = [size for size, before in zip(SIZES, (0, *SIZES), strict=False) if before < most]
    tried: list[ClusteredEstimate] = []
    for size in sizes:
        scores = np.concatenate([isolation_of(fold, size) for fold in folds])
        tried.append(blockwise_roc_auc(scores[known], positive[known], blocks[known], clusters))
    size = sizes[simplest_of_the_best(tried)]
    figures = ", ".join(f"{each}: {auc.value:.4f}" for each, auc in zip(sizes, tried, strict=True))
    progress(f"trees of {size} rows, chosen by ROC AUC on held-out blocks ({figures})")
    return size
