"""Whether predictions rest on other features now than when the version was evaluated; no label is needed.

Features may keep their distributions and metrics their values while one feature takes over from the others. The
evaluation stored how far predictions move when each group of features is shuffled; the same is measured on a sample
of the window and compared (`ml_platform.evaluation.dimensions.explanations.drift`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Codes
from ml_platform.errors import PlatformError
from ml_platform.evaluation.dimensions.cluster_sample import none_dominates
from ml_platform.evaluation.dimensions.explanations.drift import (
    ExplanationBaseline,
    baseline_of,
    explanation_drift,
)
from ml_platform.evaluation.dimensions.explanations.groups import feature_groups
from ml_platform.evaluation.dimensions.explanations.shuffling import REPEATS, movements
from ml_platform.monitoring.columns import cluster_codes
from ml_platform.monitoring.report import ExplanationCheck, ReasonShare
from ml_platform.spec.model import Scorer

if TYPE_CHECKING:
    import pandas as pd

PREDICTIONS = 60_000
"""About the number of predictions of one check: a second of the slowest scorers."""
MOST_ROWS = 3_000
SHOWN = 5
"""The number of groups that a report names, those whose share grew most."""


@dataclass(frozen=True)
class Explained:
    """A version whose explanations are checked for drift."""

    baseline: ExplanationBaseline
    """The baseline that the evaluation of the version stored."""
    scorer: Scorer
    features: tuple[str, ...]
    """The features that the scorer takes, in the order in which the evaluation grouped them."""
    bounded: bool
    """Whether every number of the scorer lies in [0, 1]."""


def check_explanations(
    explained: Explained, rows: "pd.DataFrame", *, seed: int
) -> ExplanationCheck:
    """Compare the shares of movement on a sample of the clusters of ``rows`` with the stored ones.

    Where they cannot be compared (too few clusters, other groups of features) the check says why and nothing is
    raised.
    """
    groups = feature_groups(explained.features)
    codes = cluster_codes(rows)
    places = _sample(rows, codes, PREDICTIONS // (REPEATS * max(len(groups), 1)), seed)
    sampled, clusters = rows.iloc[places], np.unique(codes[places], return_inverse=True)[1]
    count = int(clusters.max()) + 1 if clusters.size else 0
    try:
        if not count or tuple(group.name for group in groups) != explained.baseline.groups:
            return _unknown("the window has no rows" if not count else _OTHER_GROUPS, len(places))
        moved = movements(
            explained.scorer,
            sampled,
            explained.scorer.classes,
            clusters.astype(np.int64),
            groups,
            bounded=explained.bounded,
            seed=seed,
        )
        drift = explanation_drift(
            explained.baseline, baseline_of(groups, moved, seed=seed), seed=seed
        )
    except PlatformError as error:
        return _unknown(error.message, len(places))
    return ExplanationCheck(
        reported=drift.reported,
        distance=drift.distance,
        p_value=drift.p_value,
        shares=tuple(ReasonShare(*share) for share in drift.shares[:SHOWN]),
        rows=len(places),
        clusters=count,
        reason="",
    )


_OTHER_GROUPS = "the version takes other features than those whose baseline was stored"


def _unknown(reason: str, rows: int) -> ExplanationCheck:
    return ExplanationCheck(
        reported=False, distance=None, p_value=None, shares=(), rows=rows, clusters=0, reason=reason
    )


def _sample(rows: "pd.DataFrame", codes: Codes, wanted: int, seed: int) -> Codes:
    """Return places of rows, ascending: clusters in random order, none of which dominates to ``wanted``."""
    limit = min(wanted, MOST_ROWS)
    kept = none_dominates(rows, codes, limit, seed)
    sizes = np.bincount(codes[kept]) if codes.size else np.zeros(0, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen = order[before < limit]
    return np.flatnonzero(kept & np.isin(codes, chosen)).astype(np.int64)
