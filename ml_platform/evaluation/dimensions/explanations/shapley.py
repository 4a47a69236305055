"""Contributions of groups of features to one prediction, by sampled Shapley values that sum to it exactly.

v(S) is the answer to a row whose groups in S are its own and whose others are those of a background row. Along a
permutation each group adds what the answer moves by when it comes in; the sum telescopes to the answer minus that
to the background row, so efficiency holds for any number of permutations. Each permutation is walked backwards too
(antithetic: first and last places, where contributions differ most, are taken equally often).

Source: Castro, Gomez, Tejada (2009), "Polynomial calculation of the Shapley value based on sampling"; Mitchell,
Cooper, Frank, Holmes (2022), "Sampling permutations for Shapley value estimation", section 4.1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup

if TYPE_CHECKING:
    import pandas as pd

PAIRS = 50
"""The permutations for one row, each walked in both directions with a background row of its own."""


@dataclass(frozen=True)
class Contributions:
    """The contributions to one prediction: ``base`` + the sum of ``values`` = ``answer``."""

    base: float
    """The mean prediction for the background rows."""
    answer: float
    values: Array
    """(groups,)"""
    errors: Array
    """(groups,) standard errors over permutations; 0 where values are exact."""

    @property
    def gap(self) -> float:
        """The absolute difference between the prediction and the sum."""
        return abs(self.base + float(self.values.sum()) - self.answer)


def sampled_contributions(
    answer: Callable[["pd.DataFrame"], Array],
    row: "pd.DataFrame",
    background: "pd.DataFrame",
    groups: Sequence[FeatureGroup],
    *,
    seed: int,
    pairs: int = PAIRS,
) -> Contributions:
    """Compute the contributions for the one row in ``row``; ``answer`` gives a number (n,) for n rows.

    ``background`` rows are taken in turn: a multiple of their number in ``pairs`` weighs them alike. The answer
    that contributions sum to is the one that the scorer gives now, among hybrids: hold it against the one it gave.
    """
    import pandas as pd

    count = len(groups)
    generator = np.random.default_rng(seed)
    forwards = np.argsort(generator.random((pairs, count)), axis=1, kind="stable")
    walks = np.stack([forwards, forwards[:, ::-1]], axis=1).reshape(2 * pairs, count)
    against = np.repeat(np.arange(pairs) % len(background), 2)
    # known[w, s, g]: whether group g is the row's own after s steps of walk w.
    place = np.argsort(walks, axis=1)
    known = place[:, None, :] < np.arange(count + 1)[None, :, None]
    pool = pd.concat([row, background], ignore_index=True)
    predictions = answer(_hybrids(pool, known, against, groups)).reshape(2 * pairs, count + 1)
    steps = np.diff(predictions, axis=1)
    added = np.take_along_axis(steps, place, axis=1).reshape(pairs, 2, count).mean(axis=1)
    errors = added.std(axis=0, ddof=1) / pairs**0.5 if pairs > 1 else np.zeros(count)
    return Contributions(
        base=float(predictions[:, 0].mean()),
        answer=float(predictions[:, -1].mean()),
        values=added.mean(axis=0),
        errors=errors,
    )


def _hybrids(
    pool: "pd.DataFrame", known: np.ndarray, against: Codes, groups: Sequence[FeatureGroup]
) -> "pd.DataFrame":
    """A row for each walk and step: row 0 of ``pool`` where known, else the walk's background row (1 and on)."""
    others = np.repeat(against + 1, known.shape[1])
    hybrids = pool.take(others).reset_index(drop=True)
    for place, group in enumerate(groups):
        source = np.where(known[:, :, place].ravel(), 0, others)
        for name in group.features:
            hybrids[name] = pool[name].take(source).reset_index(drop=True)
    return hybrids
