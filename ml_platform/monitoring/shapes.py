"""Distributions then and now over the bins of the baseline, as a report keeps them of what has moved."""

from dataclasses import dataclass

from ml_platform.monitoring.distribution import Bins, Shares

MISSING = "missing"
"""The label of the last bin where a value is missing on one side."""
_DIGITS = 5
"""Digits of a share that are kept."""


@dataclass(frozen=True)
class Shape:
    """The distribution of a feature, or of what was predicted: shares of all rows, missing ones included."""

    name: str
    ordered: bool
    """Whether the bins are intervals of numbers, in their order; otherwise levels of a category."""
    bins: tuple[str, ...]
    before: tuple[float, ...]
    """The share of each bin in the baseline; all of them make 1."""
    now: tuple[float, ...]
    """The share of each bin in the window."""


def shape_of(name: str, bins: Bins, before: Shares, now: Shares) -> Shape:
    """Both distributions over ``bins``, with a last bin for missing values where there are any."""
    labels = tuple(bins.label(place) for place in range(bins.count))
    has_missing = max(before.missing, now.missing) > 0
    return Shape(
        name,
        bool(bins.cuts),
        (*labels, MISSING) if has_missing else labels,
        _shares(before, has_missing=has_missing),
        _shares(now, has_missing=has_missing),
    )


def _shares(side: Shares, *, has_missing: bool) -> tuple[float, ...]:
    present = tuple(round(float(share) * (1 - side.missing), _DIGITS) for share in side.shares)
    return (*present, round(side.missing, _DIGITS)) if has_missing else present
