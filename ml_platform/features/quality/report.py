"""A quality report: defects by name, the points that each costs, and the score that follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ml_platform.spec.feature import Kind
from ml_platform.spec.scale import BEST, WORST


class Defect(StrEnum):
    """What may be wrong with a column."""

    INFINITE = "infinite values"
    EMPTY = "no value at all"
    MISSINGNESS_SHIFT = "missing differently in test"
    UNIQUE = "one value a row"
    CONSTANT = "constant"
    MISSING = "mostly missing"
    MANY_VALUES = "too many values"
    NEAR_CONSTANT = "nearly constant"
    CORRELATED = "correlated"
    OUTLIERS = "outliers"
    SKEWED = "skewed"
    MIXED_SCALES = "another scale"


POINTS: Mapping[Defect, int] = MappingProxyType(
    {
        Defect.INFINITE: 9,
        Defect.MISSINGNESS_SHIFT: 9,
        Defect.UNIQUE: 6,
        Defect.EMPTY: 5,
        Defect.CONSTANT: 5,
        Defect.MISSING: 3,
        Defect.MANY_VALUES: 3,
        Defect.NEAR_CONSTANT: 2,
        Defect.CORRELATED: 2,
        Defect.OUTLIERS: 2,
        Defect.SKEWED: 1,
        Defect.MIXED_SCALES: 1,
    }
)
"""What each defect takes off the 10 of a feature. 9 makes it unusable: a model breaks on infinity, and what is
missing elsewhere than in training is not what was learned. A constant column neither helps nor harms."""


@dataclass(frozen=True)
class QualityFinding:
    """One defect of one feature: how much of it, beyond which limit, in a sentence."""

    defect: Defect
    feature: str
    value: float
    limit: float
    explanation: str
    other: str = ""
    """The feature that it is correlated with."""


@dataclass(frozen=True)
class FeatureQuality:
    """One column of the training part; shares are in [0, 1]."""

    feature: str
    kind: Kind
    missing: float
    missing_test: float
    distinct: int
    """Values that differ, on the rows looked at."""
    top_share: float
    """Share of the most frequent value among those that are not missing."""
    score: float
    """10 less the points of its defects, 1 at least."""
    defects: tuple[Defect, ...]


@dataclass(frozen=True)
class QualityReport:
    """Every feature in the order of the model, and the findings, those that cost most first."""

    score: float
    """Mean of the features' scores, in [1, 10]."""
    features: tuple[FeatureQuality, ...]
    findings: tuple[QualityFinding, ...]
    rows_train: int
    rows_test: int
    rows_looked_at: int
    """Training rows of the sample that all but missing and infinite values were counted on."""

    @property
    def weakest(self) -> float:
        """The lowest score of a feature."""
        return min((feature.score for feature in self.features), default=BEST)

    def about(self, *defects: Defect) -> dict[str, QualityFinding]:
        """The first finding of these kinds by feature."""
        by_feature: dict[str, QualityFinding] = {}
        for finding in self.findings:
            if finding.defect in defects:
                by_feature.setdefault(finding.feature, finding)
        return by_feature


def feature_score(defects: tuple[Defect, ...]) -> float:
    """10 less the points of the defects, 1 at least."""
    return max(WORST, BEST - sum(POINTS[defect] for defect in defects))
