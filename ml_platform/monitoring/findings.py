"""Findings of a report beside distances of features: faults of values, joint shifts, slices, the kind of shift."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class ChangedWindow:
    """A reported window that has another number of rows by now: some came late, or were taken away."""

    window_end: datetime
    rows: int
    """The number of rows when it was reported."""
    rows_now: int


class FaultKind(StrEnum):
    """The kinds of fault of a column, the gravest first."""

    GONE = "gone"
    """Missing in every row."""
    MISSING = "missing"
    CONSTANT = "constant"
    """One value in every row, where the baseline had several."""
    UNIT = "unit"
    """The quartiles have changed by a factor between two units."""
    NEW_CATEGORIES = "new categories"
    OUT_OF_RANGE = "out of range"


@dataclass(frozen=True)
class ValueFault:
    """One fault of the values of one feature, large and certain."""

    feature: str
    kind: FaultKind
    share: float
    """The share of the rows that have it, in [0, 1]; of missing values, its growth."""
    p_value: float
    """The p-value with clusters as the unit, adjusted for all looks at values of the report."""
    words: str


@dataclass(frozen=True)
class PairChange:
    """Two features whose dependence has changed: the correlation of their normal scores before and now."""

    first: str
    second: str
    before: float
    now: float


@dataclass(frozen=True)
class JointShift:
    """How well a classifier tells rows of the window from the baseline by how features go together alone."""

    reported: bool
    """It tells them apart, far better than it tells one quiet week from the others."""
    auc: float | None
    """Out-of-fold ROC AUC, .5 where nothing tells; ``None`` where there is too little to fit it."""
    low: float | None
    """Bounds of the 95 % interval, with users (or sessions) as the unit."""
    high: float | None
    quiet_auc: float | None
    """The mean AUC of each week of the baseline against the other weeks."""
    p_value: float | None
    """The probability of such an AUC, or a larger one, if the window were one more week of the baseline."""
    pairs: tuple[PairChange, ...]
    """The pairs that tell most, at most three."""
    rows: int
    reason: str = ""
    """The reason why there is no figure; empty otherwise."""

    @property
    def cause(self) -> str:
        """The shift in words; empty where none is reported."""
        if not self.reported or self.auc is None or self.quiet_auc is None:
            return ""
        pairs = "; ".join(
            f"{pair.first} and {pair.second} correlated by {pair.before:.2f}, now by {pair.now:.2f}"
            for pair in self.pairs
        )
        return (
            f"features go together otherwise: a classifier tells the window from the baseline with an AUC of "
            f"{self.auc:.2f} (quiet weeks {self.quiet_auc:.2f}, p {self.p_value:.2g}); {pairs}"
        )


@dataclass(frozen=True)
class SliceDrift:
    """A feature that has moved in one slice of the rows, and not in the others."""

    grouping: str
    """'team', 'region', 'tenure' or 'source'."""
    slice: str
    feature: str
    size: float
    """KS distance, total variation, or the change of the missing share within the slice, in [0, 1]."""
    size_elsewhere: float
    adjusted_p_value: float
    """The p-value adjusted for all slices and features."""
    rows: int

    @property
    def cause(self) -> str:
        """The drift in words."""
        return (
            f"{self.feature} has moved in {self.grouping} {self.slice} alone (size {self.size:.2f} over "
            f"{self.rows:,} rows, elsewhere {self.size_elsewhere:.2f}, adjusted p {self.adjusted_p_value:.2g})"
        )


class ShiftKind(StrEnum):
    """What kind of shift explains the drift of the features."""

    LABEL = "label"
    """Classes are more or less frequent, and rows of each class look as before."""
    COVARIATE = "covariate"
    """The features have moved, and not as other shares of the classes would move them."""
    MIXED = "mixed"


@dataclass(frozen=True)
class ShiftReading:
    """The drift of the features as far as other shares of the classes explain it."""

    kind: ShiftKind
    explained: float
    """The share of the drift that reweighting the classes of the baseline explains, at most 1; below 0: it would
    move features that have not moved."""
    label_change: float
    """Total variation between the shares of the classes then and now, in [0, 1]."""
    by_labels: bool
    """The shares now are those of known labels; else they are estimated from predictions and confusions."""
    words: str
