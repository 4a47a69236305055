"""Gates of a model as data: what is measured, which bound of its interval decides, and the limit."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Bound(StrEnum):
    """What a quality gate holds the interval against."""

    LIMIT = "limit"
    """The lower bound of the metric itself must exceed the limit."""
    BASELINE = "baseline"
    """The lower bound of the paired differences to the rule and to the dummy baseline must exceed the limit."""
    CHAMPION = "champion"
    """The lower bound of the paired difference to the champion must exceed the limit (usually negative)."""
    CHALLENGED = "challenged"
    """The lower bound of the paired difference to the challenged model's candidate must exceed the limit."""
    AT_MOST = "at_most"
    """The upper bound of the metric must not exceed the limit (an error, a calibration gap)."""


@dataclass(frozen=True)
class QualityGate:
    """One quality gate as data, on a 95 % interval.

    It passes if the whole interval lies on the right side of the limit and fails if all of it lies on the wrong
    one; an interval across the limit shows neither.

    ``metric`` is one of the evaluation report's, or ``<dimension>.<measure>``.
    """

    name: str
    metric: str
    bound: Bound
    limit: float
    why: str
    decides: bool = True
    """Whether a gate that does not pass stops the candidate; else its outcome is reported alone."""


@dataclass(frozen=True)
class GatePolicy:
    """The gates of a model. Its fingerprint is the policy version that a permit names."""

    quality: tuple[QualityGate, ...]
    minimum_test_rows: int = 1_000
    minimum_test_clusters: int = 100
    parity_tolerance: float = 1e-5
    maximum_data_age: timedelta = timedelta(days=2)
    """Age of the newest row at the clock of the run, for live sources; archives have no limit."""
    name: str = "mission"
    """The preset that it comes from, and whether something was changed in it (`ml_platform.gates.policy_file`)."""
