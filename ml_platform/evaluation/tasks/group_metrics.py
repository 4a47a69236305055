"""What groups of users are compared in: the loss of a row, a decision on a person, a claim that may come true.

Every adapter fills a `GroupMetrics`; `ml_platform.evaluation.dimensions.fairness` compares groups by it.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array, Flags
from ml_platform.evaluation.tasks.decisions import EVEN
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.task import YES

if TYPE_CHECKING:
    import pandas as pd

ERROR, CALIBRATION = "error", "claimed minus true"
SELECTION, TRUE_POSITIVE, FALSE_POSITIVE = (
    "selection rate",
    "true positive rate",
    "false positive rate",
)
RECALL, EXPOSURE = "recall", "rarity of what is offered"
CLASS_RECALL = "recall of "
"""Before the name of a class."""


@dataclass(frozen=True)
class Rate:
    """A quotient of two sums over rows, ``top`` over ``bottom``; ``bottom`` is 1 for rows that count, else 0."""

    name: str
    top: npt.NDArray[Any]
    """Shape (rows,)."""
    bottom: npt.NDArray[Any]
    """Shape (rows,)."""
    proportion: bool = True
    """``top`` is 0 or 1, so that the variance of a few rows without a difference can be bounded."""


@dataclass(frozen=True)
class PersonDecision:
    """The yes or no that is decided on the person of each row, what was true, and of which rows that is known.

    Arrays have the shape (rows,).
    """

    scores: Array
    threshold: float
    positive: Flags
    known: Flags
    of: str
    """What is decided, in words: 'an alarm'."""

    @property
    def selected(self) -> Flags:
        """Scores at or above the threshold."""
        selected: Flags = self.scores >= self.threshold
        return selected

    def rates(self) -> tuple[Rate, ...]:
        """How many are selected, of all, of those that should be and of those that should not."""
        yes, known = self.selected.astype(np.float64), self.known.astype(np.float64)
        positive = known * self.positive
        negative = known * ~self.positive
        return (
            Rate(SELECTION, yes * known, known),
            Rate(TRUE_POSITIVE, yes * positive, positive),
            Rate(FALSE_POSITIVE, yes * negative, negative),
        )


@dataclass(frozen=True)
class GroupMetrics:
    """The group metrics of one task: the loss of a row, and the rates that groups are compared in."""

    loss: Array
    """Shape (rows,), in the words of ``loss_name``; it means nothing of rows that ``judged`` leaves out."""
    judged: Flags
    """Shape (rows,): whether the truth of the row is known."""
    loss_name: str
    rates: tuple[Rate, ...]
    decision: PersonDecision | None = None
    not_applicable: dict[str, str] = field(default_factory=dict)
    """By measure of the fairness dimension, why it makes no sense for this task."""


def decision_on(
    column: str,
    place: int,
    of: str,
    *,
    policy: FairnessPolicy,
    rows: "pd.DataFrame",
    predictions: Predictions,
) -> PersonDecision | None:
    """The decision by column ``place`` of the predictions, whose truth is the column ``column`` of ``rows``.

    ``None`` where the policy names no decision on a person, or the truth is not a column. The threshold is
    the policy's, else the scorer's own, else one half.
    """
    if policy.selected is Selected.NEITHER or column not in rows:
        return None
    own = EVEN if predictions.threshold is None else predictions.threshold
    return PersonDecision(
        scores=predictions.values[:, place],
        threshold=own if policy.threshold is None else policy.threshold,
        positive=(rows[column] == YES).to_numpy(dtype=bool),
        known=rows[column].notna().to_numpy(dtype=bool),
        of=of,
    )


def claim_rate(scores: npt.NDArray[Any], truth: npt.NDArray[Any], known: Flags) -> Rate:
    """The mean of what is claimed less what came true, over the rows whose truth is known; 0 is calibrated."""
    return Rate(CALIBRATION, (scores - truth) * known, known * 1.0, proportion=False)


def no_lists() -> dict[str, str]:
    """Measures of lists, and why they make no sense for a task that offers none."""
    return dict.fromkeys(("recall_gap", "exposure_gap"), "no list is offered")


def no_classes() -> dict[str, str]:
    """The measure of classes, and why it makes no sense for a task without a few classes."""
    return {"class_recall_gap": "the answer is not one of a few classes"}


def no_decision(why: str) -> dict[str, str]:
    """Measures of a decision on a person, and ``why`` none is taken."""
    names = (
        "selection_ratio",
        "equal_opportunity_difference",
        "equalized_odds_difference",
        "false_alarm_difference",
    )
    return dict.fromkeys(names, why)


def undecided(policy: FairnessPolicy, decision: PersonDecision | None) -> dict[str, str]:
    """Which measures of a decision make no sense, by what being selected means to a person."""
    if decision is None:
        return no_decision("the model's policy names no decision on a person")
    if policy.selected is Selected.FAVOUR:
        return {"false_alarm_difference": "being selected is a favour, not a burden"}
    why = "being selected is a burden: false_alarm_difference says who bears it for nothing"
    return dict.fromkeys(("selection_ratio", "equal_opportunity_difference"), why)
