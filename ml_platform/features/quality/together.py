"""Columns looked at together: pairs that say the same, and numbers on another scale than the rest."""

from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np

from ml_platform.features.quality.checks import MINIMUM_ROWS, VALUES_BY_ROWS
from ml_platform.features.quality.column import Column
from ml_platform.features.quality.report import Defect, QualityFinding
from ml_platform.spec.feature import Kind

CORRELATION = 0.95
PAIR_ROWS = 5_000
"""Rows that pairs are compared on: a correlation of .95 is then known to .003."""
SCALES = 1e6
"""A spread so many times larger or smaller than the median spread of all numbers."""


def correlated(
    columns: Sequence[Column], interactions: Collection[str]
) -> tuple[QualityFinding, ...]:
    """A finding about one column of each pair that says the same: the later one, or the coarser category.

    Numbers by |Spearman's rho|, categories by Cramer's V, lists where they are equal row by row. A category
    and an interaction made of it are no such pair unless they map one to one.
    """
    findings = [*_numbers(columns), *_codes(columns, interactions)]
    order = {column.name: place for place, column in enumerate(columns)}
    return tuple(sorted(findings, key=lambda f: (order[f.feature], order[f.other])))


def _numbers(columns: Sequence[Column]) -> list[QualityFinding]:
    import pandas as pd

    frame = pd.DataFrame(
        {c.name: c.numbers[:PAIR_ROWS] for c in columns if c.numbers is not None and c.distinct > 1}
    )
    if frame.shape[1] < 2:
        return []
    rho = frame.corr(method="spearman", min_periods=MINIMUM_ROWS).abs().to_numpy()
    names = list(frame.columns)
    return [
        _pair(names[second], names[first], float(rho[first, second]), "rank correlation")
        for first, second in combinations(range(len(names)), 2)
        if rho[first, second] > CORRELATION
    ]


def _codes(columns: Sequence[Column], interactions: Collection[str]) -> list[QualityFinding]:
    findings = []
    several = [c for c in columns if c.kind is not Kind.NUMBER and c.distinct > 1]
    for first, second in combinations(several, 2):
        if first.kind is not second.kind:
            continue
        a, b = first.codes[:PAIR_ROWS], second.codes[:PAIR_ROWS]
        if len(a) < MINIMUM_ROWS:
            continue
        if one_to_one(a, b):
            findings.append(_pair(second.name, first.name, 1.0, "one-to-one map"))
        elif first.kind is Kind.CATEGORY and not {first.name, second.name} & set(interactions):
            v = cramers_v(a, b)
            if v > CORRELATION:
                coarse, fine = sorted((second, first), key=lambda column: column.distinct)
                findings.append(_pair(coarse.name, fine.name, v, "Cramer's V"))
    return findings


def one_to_one(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether each value of the one goes with one value of the other, missing ones too; not of row numbers."""
    pairs = len(np.unique(np.stack([left, right]), axis=1).T)
    values = len(np.unique(left))
    repeated = values <= len(left) / 2
    return repeated and pairs == values == len(np.unique(right))


def cramers_v(left: np.ndarray, right: np.ndarray) -> float:
    """Cramer's V of two columns of codes, in [0, 1]; 0 where one has nearly as many values as rows."""
    from scipy.stats.contingency import association

    known = (left >= 0) & (right >= 0)
    if known.sum() < MINIMUM_ROWS:
        return 0.0
    a, b = (np.unique(codes[known], return_inverse=True)[1] for codes in (left, right))
    width = int(b.max()) + 1
    if min(a.max(), b.max()) == 0 or max(a.max(), b.max()) > VALUES_BY_ROWS * known.sum():
        return 0.0
    table = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).reshape(-1, width)
    return float(association(table, method="cramer"))


def _pair(name: str, other: str, value: float, how: str) -> QualityFinding:
    why = f"{name} says what {other} says ({how} {value:.3f})"
    return QualityFinding(Defect.CORRELATED, name, value, CORRELATION, why, other)


def mixed_scales(columns: Sequence[Column]) -> tuple[QualityFinding, ...]:
    """Numbers whose spread is `SCALES` times that of the median number, or a part of it as small."""
    spreads = {}
    for column in columns:
        if column.numbers is None or column.distinct < 2:
            continue
        known = column.numbers[~np.isnan(column.numbers)]
        low, high = np.quantile(known, (0.05, 0.95))
        spread = float(high - low) or float(np.std(known))
        if spread > 0:
            spreads[column.name] = spread
    if len(spreads) < 3:
        return ()
    middle = float(np.median([*spreads.values()]))
    return tuple(
        QualityFinding(
            Defect.MIXED_SCALES,
            name,
            spread / middle,
            SCALES,
            f"{name} spreads over {spread:g}, the median number of this set over {middle:g}: another unit?",
        )
        for name, spread in spreads.items()
        if max(spread / middle, middle / spread) > SCALES
    )
