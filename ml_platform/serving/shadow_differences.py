"""How the answers of a version in shadow differ from those that users were given for the same requests."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from statistics import NormalDist

from ml_platform.evaluation.report_parts import Estimate

LEVEL = 0.95
MOST_CONFUSED = 10
"""The differing pairs of predictions that are listed, the most frequent first."""
MOST_USERS = 5
"""The users that are listed, those with the most differing answers first."""


@dataclass(frozen=True)
class Agreement:
    """Pairs that have something in common, and how many of them have the same prediction."""

    pairs: int
    agreed: int

    @property
    def share(self) -> float:
        """The share that agrees, in [0, 1]; 0 without pairs."""
        return self.agreed / self.pairs if self.pairs else 0.0


@dataclass(frozen=True)
class OfUser:
    """The pairs of one user."""

    user_id: str
    agreement: Agreement


@dataclass(frozen=True)
class OfArm:
    """The pairs in which one version answered as one arm."""

    version: str
    arm: str
    """`ml_platform.serving.router.ServedArm`."""
    agreement: Agreement


@dataclass(frozen=True)
class Confusion:
    """Pairs that differ in the same way."""

    served: str
    """What the user was given."""
    shadow: str
    """What the version in shadow would have said."""
    pairs: int


@dataclass(frozen=True)
class ConfidenceDifference:
    """The confidence in shadow less that of the served answer, over pairs; both are in [0, 1]."""

    mean: float
    """Above 0 the version in shadow is surer."""
    p50: float
    """The median size of the difference, whatever its sign."""
    p95: float
    """The size below which 95 % of the differences are."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the request to the answer, over pairs; those in shadow without the way to its process."""

    p50: float
    p99: float


@dataclass(frozen=True)
class LoggedPairs:
    """What the log of answers has of a version in shadow: sums over pairs of answers to the same request."""

    model: str
    version: str
    """The one in shadow."""
    since: datetime
    """Of the first served answer that has one in shadow."""
    until: datetime
    """Of the last one."""
    served: int
    """Answers that were given from the first through the last of these, with or without one in shadow."""
    pairs: int
    failed_served: int
    """Pairs in which the version that was asked first failed, so that another one answered."""
    failed_shadow: int
    """Pairs in which the version in shadow failed."""
    users: tuple[OfUser, ...]
    """Of pairs in which nobody failed, as the figures below."""
    arms: tuple[OfArm, ...]
    confusions: tuple[Confusion, ...]
    """The most frequent differing pairs of predictions."""
    confidence: ConfidenceDifference | None
    """``None`` without a pair in which nobody failed, as latencies."""
    served_latency: Latency | None
    shadow_latency: Latency | None


@dataclass(frozen=True)
class ShadowDifferences:
    """The differences between what users were given and what a version in shadow would have said."""

    model: str
    version: str
    """The one in shadow."""
    since: datetime
    until: datetime
    pairs: int
    """Served answers with an answer in shadow."""
    compared: int
    """Pairs in which nobody failed; every figure below is of these."""
    failed_served: int
    failed_shadow: int
    dropped: int
    """Answers that were given in this time without one in shadow: their rows did not fit into the queue, or were
    lost with a process, or a person had halted the rollout."""
    users: int
    agreement: Estimate | None
    """The share of pairs with the same prediction (of a number: its rounded text), see `clustered_wilson`."""
    confusions: tuple[Confusion, ...]
    other_differences: int
    """Differing pairs beside those that are listed."""
    confidence: ConfidenceDifference | None
    served_latency: Latency | None
    shadow_latency: Latency | None
    arms: tuple[OfArm, ...]
    """The most pairs first."""
    most_differing: tuple[OfUser, ...]
    """The users with the most differing answers."""


def shadow_differences(logged: LoggedPairs) -> ShadowDifferences:
    """The report over what is logged of a version in shadow."""
    compared = sum(user.agreement.pairs for user in logged.users)
    agreed = sum(user.agreement.agreed for user in logged.users)
    confusions = logged.confusions[:MOST_CONFUSED]
    differing = [user for user in logged.users if user.agreement.agreed < user.agreement.pairs]
    return ShadowDifferences(
        model=logged.model,
        version=logged.version,
        since=logged.since,
        until=logged.until,
        pairs=logged.pairs,
        compared=compared,
        failed_served=logged.failed_served,
        failed_shadow=logged.failed_shadow,
        dropped=max(0, logged.served - logged.pairs),
        users=len(logged.users),
        agreement=clustered_wilson(user.agreement for user in logged.users),
        confusions=confusions,
        other_differences=compared - agreed - sum(each.pairs for each in confusions),
        confidence=logged.confidence,
        served_latency=logged.served_latency,
        shadow_latency=logged.shadow_latency,
        arms=tuple(sorted(logged.arms, key=lambda arm: (-arm.agreement.pairs, arm.version))),
        most_differing=tuple(sorted(differing, key=_most_differing)[:MOST_USERS]),
    )


def clustered_wilson(clusters: Iterable[Agreement], *, level: float = LEVEL) -> Estimate | None:
    """Wilson's interval of the share that agrees, with as many pairs as independent ones would tell as much.

    The answers of one user are alike, so that n of them tell less than n of strangers: n is divided by the design
    effect, the variance over users in that of independent pairs, where it is above 1. Where all pairs agree, or
    none does, that variance is unknown, and users are counted. The quantile is Student's with a degree of freedom
    less than there are users. With one user nothing is known of others: [0, 1]. ``None`` without a pair.

    With 40 very unlike users the 95 % interval holds a share of .8 in 94 of 100 logs, and one of .97 in 92: few
    users then have all the differences.

    Source: Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data", with Wilson's (1927) score interval in place of the exact one.
    """
    seen = [cluster for cluster in clusters if cluster.pairs]
    total = sum(cluster.pairs for cluster in seen)
    if not total:
        return None
    share, users = sum(cluster.agreed for cluster in seen) / total, len(seen)
    if users == 1:
        return Estimate(share, 0.0, 1.0)
    effective = float(users)
    if 0 < share < 1:
        squares = sum((cluster.agreed - share * cluster.pairs) ** 2 for cluster in seen)
        variance = squares / total**2 * users / (users - 1)
        effective = min(total, share * (1 - share) / variance) if variance else total
    quantile = _student_quantile((1 + level) / 2, users - 1)
    spread = quantile**2 / effective
    middle = (share + spread / 2) / (1 + spread)
    reach = quantile * sqrt(share * (1 - share) / effective + spread / effective / 4) / (1 + spread)
    return Estimate(share, max(0.0, middle - reach), min(1.0, middle + reach))


def _student_quantile(probability: float, freedom: int) -> float:
    """Student's quantile, to 1 % from four degrees of freedom on; below, and for the worker's memory, no scipy.

    Source: Abramowitz and Stegun (1964), "Handbook of mathematical functions", 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(freedom) ** power for power, term in enumerate(terms, start=1))


def _most_differing(user: OfUser) -> tuple[int, float, str]:
    pairs, agreed = user.agreement.pairs, user.agreement.agreed
    return agreed - pairs, user.agreement.share, user.user_id
