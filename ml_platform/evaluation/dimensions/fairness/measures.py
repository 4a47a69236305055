"""The measures of fairness by name: what is compared, and why one cannot be measured."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ml_platform.evaluation.dimensions.fairness.comparisons import (
    Measure,
    gap_to_the_rest,
    largest_difference,
    smallest_ratio,
)
from ml_platform.evaluation.dimensions.fairness.group_statistics import GroupStatistics
from ml_platform.evaluation.tasks.group_metrics import (
    CALIBRATION,
    CLASS_RECALL,
    ERROR,
    EXPOSURE,
    FALSE_POSITIVE,
    RECALL,
    SELECTION,
    TRUE_POSITIVE,
    GroupMetrics,
)
from ml_platform.spec.fairness import FairnessPolicy


@dataclass(frozen=True)
class Kind:
    """A measure: the rates it rests on (or the beginning of their names), and how groups are compared."""

    rates: tuple[str, ...]
    compare: Callable[[GroupStatistics, tuple[str, ...], FairnessPolicy], Measure | None]
    meaning: str
    fair: float = 0.0
    """The value of the measure where groups are equal."""


KINDS: dict[str, Kind] = {
    "error_gap": Kind((ERROR,), gap_to_the_rest, "mean loss of a group against that of the rest"),
    "class_recall_gap": Kind(
        (CLASS_RECALL,), gap_to_the_rest, "recall of a class in a group against that in the rest"
    ),
    "calibration_gap": Kind(
        (CALIBRATION,), gap_to_the_rest, "claimed minus true, of a group against the rest"
    ),
    "selection_ratio": Kind(
        (SELECTION,),
        lambda sums, rates, policy: smallest_ratio(sums, rates[0], policy),
        "smaller over larger selection rate of two groups (fairlearn: demographic_parity_ratio)",
        fair=1.0,
    ),
    "equal_opportunity_difference": Kind(
        (TRUE_POSITIVE,),
        largest_difference,
        "difference of two groups' true positive rates (fairlearn: equal_opportunity_difference)",
    ),
    "equalized_odds_difference": Kind(
        (TRUE_POSITIVE, FALSE_POSITIVE),
        largest_difference,
        "the larger of the differences in true and in false positive rates "
        "(fairlearn: equalized_odds_difference)",
    ),
    "false_alarm_difference": Kind(
        (FALSE_POSITIVE,), largest_difference, "difference of two groups' false alarm rates"
    ),
    "recall_gap": Kind((RECALL,), gap_to_the_rest, "recall of a group's lists against the rest's"),
    "exposure_gap": Kind(
        (EXPOSURE,),
        gap_to_the_rest,
        "how rare the items are that a group is offered, as a place among all from 0 to 1, against the rest",
    ),
}
PROXY = "proxy"
"""Measured beside `KINDS`: see `ml_platform.evaluation.dimensions.fairness.proxies`."""
SCORE = "score"


@dataclass(frozen=True)
class Measured:
    """The measures that are defined, and why others are not."""

    measures: dict[str, Measure] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)


def measure_all(
    sums: GroupStatistics, group_metrics: GroupMetrics, policy: FairnessPolicy
) -> Measured:
    """Compute every measure that is defined for the group metrics."""
    measures, undefined = {}, {}
    for name, kind in KINDS.items():
        if name in group_metrics.not_applicable:
            continue
        rates = tuple(rate for rate in sums.rates if rate.startswith(kind.rates))
        comparison = kind.compare(sums, rates, policy) if rates else None
        if comparison is None:
            undefined[name] = (
                f"no two groups have {policy.minimum_rows} rows that count for it, of "
                f"{policy.minimum_clusters} users or other independent units: INSUFFICIENT"
            )
        else:
            measures[name] = comparison
    return Measured(measures, undefined)


def shown_unfair(name: str, measure: Measure, policy: FairnessPolicy) -> bool:
    """Return whether the worst comparison is shown to exceed the policy's own limit for decisions."""
    if KINDS[name].fair:
        return measure.estimate.high <= policy.smallest_ratio
    return measure.estimate.low > policy.largest_difference
