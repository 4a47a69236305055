"""Short ways to write a `FeatureSpec`, one for each layout."""

from ml_platform.spec.feature import Comparison, Family, FeatureSpec, Kind

NEVER_MISSING = "never missing"
NO_PATH = "null: the event has no object path; kept as a value of its own"
NO_PAST = "null: nothing of this user in the window; kept as unknown, not zero"


def number(
    name: str,
    family: Family,
    bounds: tuple[float | None, float | None],
    window: str,
    missing: str,
    reason: str,
    compare: Comparison = Comparison.DISTRIBUTION,
    unit: str = "",
) -> FeatureSpec:
    """A float64 column within inclusive ``bounds``."""
    low, high = bounds
    return FeatureSpec(name, family, Kind.NUMBER, low, high, window, missing, reason, compare, unit)


def category(
    name: str,
    family: Family,
    window: str,
    missing: str,
    reason: str,
    compare: Comparison = Comparison.DISTRIBUTION,
) -> FeatureSpec:
    """A string column."""
    return FeatureSpec(name, family, Kind.CATEGORY, None, None, window, missing, reason, compare)


def tokens(name: str, window: str, reason: str) -> FeatureSpec:
    """A column of lists of strings; an empty list where there is nothing, never null."""
    return FeatureSpec(
        name,
        Family.TEXT,
        Kind.TOKENS,
        None,
        None,
        window,
        "an empty list: nothing to tell",
        f"{reason} Lists are compared through the numbers and categories beside them.",
        Comparison.NEVER,
    )
