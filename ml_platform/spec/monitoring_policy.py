"""What monitoring holds the evidence against: sizes first, then significance, as frozen data."""

from dataclasses import dataclass
from datetime import timedelta

from ml_platform.values import fingerprint


@dataclass(frozen=True)
class MonitoringPolicy:
    """Limits of a monitoring report; its fingerprint is the report's policy version.

    A shift counts when it is large (`size_moderate`, `size_significant`, or the bands of the PSI) and
    when chance does not explain it (`alpha` after false discovery control). Sizes are KS distances of
    numbers, total variation of categories and differences of the missing share, all in [0, 1].

    What the sizes mean: half a standard deviation moves a normal feature by a KS distance of .197 and
    a uniform one by .144, the least of any smooth shape; 15 % of a categorical's mass moved to its
    rarest level is a total variation just below .15. Both lie above .10. A KS distance of .25 is
    .64 standard deviations of a normal feature.
    """

    window: timedelta = timedelta(days=7)
    """The length of the trailing window: whole weeks, so that neither the daily nor the weekly cycle is drift."""
    size_moderate: float = 0.10
    size_significant: float = 0.25
    psi_moderate: float = 0.10
    psi_significant: float = 0.25
    alpha: float = 0.02
    """The false discovery rate of the whole report. Features are correlated, so benchmarks/drift_calibration.py
    measures what it comes to, with the sizes above."""
    minimum_rows: int = 200
    minimum_clusters: int = 30
    insufficient_share: float = 0.5
    """The report is INSUFFICIENT when more than this share of the features is."""
    draws: int = 4_000
    """Simulated suprema of the Gaussian process behind the clustered KS test."""
    seed: int = 20_240_101
    top: int = 5
    metric: str = "accuracy"
    loss_warn: float = 0.05
    loss_alert: float = 0.10
    """Relative losses against the baseline: (baseline - current) / baseline."""
    loss_alpha: float = 0.001
    """The one-sided rate of error of a look at performance with many sessions; .0022 with the 30 that are needed.
    Nine models are looked at four times a day, at windows that overlap: about ten independent looks a model and
    month, so that a home has a false one in about eleven months."""
    minimum_labelled_rows: int = 200
    mature_share: float = 0.95
    """A cohort is mature at the age by which this share of its labels is seen to have come, or as declared."""
    silent_share: float = 0.5
    """Below this share of the labels that are expected of a mature cohort they have stayed away."""
    low_confidence: float = 0.5
    """Predictions below this probability of their class are 'low confidence'."""

    @property
    def size_sought(self) -> float:
        """The size for which ``alpha`` is shared out among features by their noise: halfway between the limits."""
        return (self.size_moderate + self.size_significant) / 2.0

    @property
    def version(self) -> str:
        """The SHA-256 of the policy: reports of equal versions were made by the same limits."""
        return fingerprint(self)


POLICY = MonitoringPolicy()
