"""The checks of a single column; each returns a finding or ``None``."""

from collections.abc import Callable

import numpy as np

from ml_platform.features.quality.column import Column
from ml_platform.features.quality.report import Defect, QualityFinding
from ml_platform.spec.feature import Kind

MISSING = 0.5
VALUES_BY_ROWS = 0.1
"""More categories than a tenth of the rows: most are seen too rarely to learn from."""
UNIQUE = 0.95
"""Distinct values by known rows, from which a category or a whole number is an identifier."""
TOP_SHARE = 0.99
SKEWNESS = 10.0
"""Fisher's; counts and times of activity lie between 2 and 10, and trees look at their order alone."""
FAR_OUT = 3.0
"""Interquartile ranges beyond the quartiles: Tukey (1977), "Exploratory data analysis"."""
OUTLIERS = 0.0005
MISSINGNESS_SHIFT = 0.3
MINIMUM_ROWS = 100
"""Below that many known values no share and no shape is measured."""


def empty(column: Column) -> QualityFinding | None:
    """No row has a value."""
    if len(column.known) or not len(column.codes):
        return None
    return QualityFinding(
        Defect.EMPTY, column.name, 1.0, 1.0, f"{column.name} has no value in any row"
    )


def constant(column: Column) -> QualityFinding | None:
    """One value in all rows, or in nearly all and at least `MINIMUM_ROWS`."""
    share = column.top_share
    if not len(column.known) or len(column.codes) < 2:
        return None
    if column.distinct == 1:
        if (column.codes < 0).any() and column.kind is not Kind.NUMBER:
            return None
        why = f"{column.name} has the same value in every row that has one"
        return QualityFinding(Defect.CONSTANT, column.name, 1.0, 1.0, why)
    if share < TOP_SHARE or len(column.known) < MINIMUM_ROWS:
        return None
    why = f"{column.name} has the same value in {share:.1%} of the rows that have one"
    return QualityFinding(Defect.NEAR_CONSTANT, column.name, share, TOP_SHARE, why)


def cardinality(column: Column) -> QualityFinding | None:
    """An identifier, or more categories (or tokens) than can be learned from."""
    known = len(column.known)
    if known < MINIMUM_ROWS:
        return None
    if column.kind is Kind.TOKENS:
        share = column.distinct_tokens / max(column.tokens, 1)
        if share <= MISSING:
            return None
        why = (
            f"{column.distinct_tokens} of the {column.tokens} tokens of {column.name} differ: "
            "hardly one comes again"
        )
        return QualityFinding(Defect.MANY_VALUES, column.name, share, MISSING, why)
    share = column.distinct / known
    if share >= UNIQUE and (column.numbers is None or _identifies(column.numbers)):
        why = (
            f"{column.name} has {column.distinct} values in {known} rows: it identifies rows, others have "
            "other values"
        )
        return QualityFinding(Defect.UNIQUE, column.name, share, UNIQUE, why)
    if column.kind is not Kind.CATEGORY or share <= VALUES_BY_ROWS:
        return None
    why = f"{column.name} has {column.distinct} values in {known} rows, most of them too rare to learn from"
    return QualityFinding(Defect.MANY_VALUES, column.name, share, VALUES_BY_ROWS, why)


def _identifies(numbers: np.ndarray) -> bool:
    """Whole numbers that are all different are a row number or a key, no measurement."""
    known = numbers[~np.isnan(numbers)]
    return bool((known == np.floor(known)).all())


def skewness(column: Column) -> QualityFinding | None:
    """Fisher-Pearson skewness beyond `SKEWNESS` either way."""
    known = _measured(column)
    if known is None or np.ptp(known) == 0:
        return None
    from scipy.stats import skew

    value = float(skew(known))
    if abs(value) <= SKEWNESS:
        return None
    why = (
        f"{column.name} has a skewness of {value:.1f}: a few values stretch it, take its logarithm for "
        "a linear model"
    )
    return QualityFinding(Defect.SKEWED, column.name, value, SKEWNESS, why)


def outliers(column: Column) -> QualityFinding | None:
    """More than `OUTLIERS` of the values far out, by Tukey's fences on both the plain and the log scale.

    On the plain scale alone every heavy tail is full of outliers; the other scale is asinh((x - median) / IQR).
    """
    known = _measured(column)
    if known is None:
        return None
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    if high == low:
        return None
    logs = np.arcsinh((known - middle) / (high - low))
    out = _far_out(known) & _far_out(logs)
    share = float(out.mean())
    if share <= OUTLIERS:
        return None
    worst = float(known[np.argmax(np.abs(known - middle))])
    why = (
        f"{column.name} has {share:.2%} of its values far out, the farthest is {worst:g} "
        f"where half of the rows lie in [{low:g}, {high:g}]"
    )
    return QualityFinding(Defect.OUTLIERS, column.name, share, OUTLIERS, why)


def _far_out(values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(values, (0.25, 0.75))
    reach = FAR_OUT * (high - low)
    beyond: np.ndarray = (values < low - reach) | (values > high + reach)
    return beyond


def _measured(column: Column) -> np.ndarray | None:
    """The finite values of a number, if there are `MINIMUM_ROWS` of them."""
    if column.numbers is None:
        return None
    known: np.ndarray = column.numbers[~np.isnan(column.numbers)]
    return known if len(known) >= MINIMUM_ROWS else None


CHECKS: tuple[Callable[[Column], QualityFinding | None], ...] = (
    empty,
    constant,
    cardinality,
    skewness,
    outliers,
)


def mostly_missing(name: str, missing: float) -> QualityFinding | None:
    """Missing in more than half of the rows, but not in all of them (`empty`)."""
    if missing <= MISSING or missing == 1.0:
        return None
    why = f"{name} is missing in {missing:.1%} of the training rows"
    return QualityFinding(Defect.MISSING, name, missing, MISSING, why)


def missingness_shift(
    name: str, train: tuple[float, int], test: tuple[float, int]
) -> QualityFinding | None:
    """Missing shares (and rows) of the two parts that are `MISSINGNESS_SHIFT` apart, in percentage points."""
    if min(train[1], test[1]) < MINIMUM_ROWS:
        return None
    gap = abs(train[0] - test[0])
    if gap <= MISSINGNESS_SHIFT:
        return None
    why = f"{name} is missing in {train[0]:.1%} of the training rows and {test[0]:.1%} of the test rows"
    return QualityFinding(Defect.MISSINGNESS_SHIFT, name, gap, MISSINGNESS_SHIFT, why)


def infinite(name: str, train: np.ndarray, test: np.ndarray) -> QualityFinding | None:
    """Any infinite value of either part."""
    count = int(np.isinf(train).sum() + np.isinf(test).sum())
    if not count:
        return None
    share = count / (len(train) + len(test))
    return QualityFinding(
        Defect.INFINITE,
        name,
        share,
        0.0,
        f"{name} has {count} infinite values: most models break on one",
    )
