"""Short ways to write a `FeatureSpec`, one for each kind of column."""

from ml_platform.spec.feature import Comparison, Family, FeatureSpec, Kind
from ml_platform.spec.training_set import CLUSTER

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
    cluster: str = CLUSTER,
) -> FeatureSpec:
    """A float64 column within inclusive ``bounds``."""
    low, high = bounds
    return FeatureSpec(
        name, family, Kind.NUMBER, low, high, window, missing, reason, compare, unit, cluster
    )


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


def count(
    name: str,
    window: str,
    reason: str,
    *,
    missing: str = NEVER_MISSING,
    compare: Comparison = Comparison.DISTRIBUTION,
    least: float = 0.0,
    cluster: str = CLUSTER,
) -> FeatureSpec:
    """A number of things in a window, ``least`` or more."""
    bounds = (least, None)
    return number(
        name, Family.AGGREGATION, bounds, window, missing, reason, compare, "count", cluster
    )


def share(name: str, window: str, missing: str, reason: str, cluster: str = CLUSTER) -> FeatureSpec:
    """A part of a whole in a window, from 0 to 1."""
    return number(name, Family.AGGREGATION, (0.0, 1.0), window, missing, reason, cluster=cluster)


def clock(window: str, missing: str) -> tuple[FeatureSpec, ...]:
    """Weekend, hour and weekday of a time, the latter two also as points of a circle.

    They are compared between the same six-hour slots of the week, since a window does not hold all of them.
    """
    return tuple(
        number(name, Family.TIME, bounds, window, missing, reason, Comparison.SAME_SLOTS, unit)
        for name, bounds, reason, unit in (
            ("is_weekend", (0, 1), "1 on Saturday and Sunday, when people do other work.", ""),
            ("hour", (0, 23), "Habits follow the hour of the day.", "hours"),
            ("weekday", (0, 6), "Habits follow the day of the week; 0 is Monday.", "days"),
            ("hour_sin", (-1, 1), "The time of day as a circle, without a step at midnight.", ""),
            ("hour_cos", (-1, 1), "The time of day as a circle, without a step at midnight.", ""),
            ("weekday_sin", (-1, 1), "The weekday as a circle, without a step on Monday.", ""),
            ("weekday_cos", (-1, 1), "The weekday as a circle, without a step on Monday.", ""),
        )
    )


def tokens(name: str, window: str, reason: str) -> FeatureSpec:
    """A column of lists of strings; an empty list where there is nothing, never null."""
    return FeatureSpec(
        name,
        Family.TEXT,
        Kind.TOKENS,
        None,
        None,
        window,
        "an empty list: there is nothing",
        f"{reason} Lists are compared through the numbers and categories beside them.",
        Comparison.NEVER,
    )
