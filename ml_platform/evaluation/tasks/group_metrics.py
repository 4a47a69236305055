"""Group metrics: what groups of users are compared in by the fairness dimension.

They are the loss of each row, the decision on a person where a task takes one, and the calibration of claimed
probabilities. Every adapter fills a `GroupMetrics`; `ml_platform.evaluation.dimensions.fairness` compares groups.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_platform.arrays import Array, Flags
from ml_platform.evaluation.tasks.decisions import threshold_or_even
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
"""The name of a class follows this prefix."""


@dataclass(frozen=True)
class Rate:
    """A ratio of two sums over rows, of ``top`` and of ``bottom``."""

    name: str
    top: npt.NDArray[Any]
    """Shape (rows,): the numerator, 0 in rows that do not count."""
    bottom: npt.NDArray[Any]
    """Shape (rows,): the weight of the row, usually 1 for rows that count, else 0."""
    proportion: bool = True
    """Whether ``top`` is 0 or 1, so that the variance of a few rows that are all alike can be bounded."""


@dataclass(frozen=True)
class PersonDecision:
    """The yes or no that is decided on the person of each row, and what was true.

    Arrays have the shape (rows,): the ``scores``, whether the truth is ``positive``, and whether it is ``known``.
    """

    scores: Array
    threshold: float
    positive: Flags
    known: Flags

    @property
    def selected(self) -> Flags:
        """Shape (rows,): whether the score is at or above the threshold."""
        selected: Flags = self.scores >= self.threshold
        return selected

    def rates(self) -> tuple[Rate, ...]:
        """Return the selection rate, the true positive rate and the false positive rate."""
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
    """Shape (rows,): the loss that ``loss_name`` describes; it has no meaning where ``labelled`` is False."""
    labelled: Flags
    """Shape (rows,): whether the truth of the row is known."""
    loss_name: str
    rates: tuple[Rate, ...]
    decision: PersonDecision | None = None
    not_applicable: dict[str, str] = field(default_factory=dict)
    """The measures of the fairness dimension that make no sense for this task, each with the reason."""


@dataclass(frozen=True)
class PersonQuestion:
    """The yes or no about a person that a task predicts in each row."""

    truth_column: str
    """The column of the rows that holds the true answer, 'yes' or 'no'."""
    score_column: int
    """The column of the predictions that holds its score."""

    def decision(
        self, policy: FairnessPolicy, rows: "pd.DataFrame", predictions: Predictions
    ) -> PersonDecision | None:
        """Return the decision at the threshold of ``policy``, else of the scorer, else at one half.

        ``None`` is returned where the policy names no decision on a person, or ``rows`` lack the truth.
        """
        if policy.selected is Selected.NEITHER or self.truth_column not in rows:
            return None
        truth = rows[self.truth_column]
        scorer_threshold = threshold_or_even(predictions.threshold)
        return PersonDecision(
            scores=predictions.values[:, self.score_column],
            threshold=scorer_threshold if policy.threshold is None else policy.threshold,
            positive=(truth == YES).to_numpy(dtype=bool),
            known=truth.notna().to_numpy(dtype=bool),
        )


def decision_rates(decision: PersonDecision | None) -> tuple[Rate, ...]:
    """Return the rates of ``decision``; none where no decision is taken."""
    return () if decision is None else decision.rates()


def claim_rate(scores: npt.NDArray[Any], truth: npt.NDArray[Any], known: Flags) -> Rate:
    """Return the mean of ``scores`` minus ``truth`` over the rows whose truth is known; 0 means calibrated."""
    return Rate(CALIBRATION, (scores - truth) * known, known * 1.0, proportion=False)


def no_lists() -> dict[str, str]:
    """Return the measures of lists, with the reason why they make no sense for a task that offers no list."""
    return dict.fromkeys(("recall_gap", "exposure_gap"), "no list is offered")


def no_classes() -> dict[str, str]:
    """Return the measure of classes, with the reason why it makes no sense for a task without few classes."""
    return {"class_recall_gap": "the prediction is not one of a few classes"}


def no_decision(why: str) -> dict[str, str]:
    """Return the measures of a decision on a person, with the reason ``why`` no decision is taken."""
    names = (
        "selection_ratio",
        "equal_opportunity_difference",
        "equalized_odds_difference",
        "false_alarm_difference",
    )
    return dict.fromkeys(names, why)


def undecided(policy: FairnessPolicy, decision: PersonDecision | None) -> dict[str, str]:
    """Return the measures that make no sense for this decision, with the reason.

    The reason depends on whether being selected is a favour or a burden to a person.
    """
    if decision is None:
        return no_decision("the model's policy names no decision on a person")
    if policy.selected is Selected.FAVOUR:
        return {"false_alarm_difference": "being selected is a favour, not a burden"}
    why = "being selected is a burden: false_alarm_difference says who bears it for nothing"
    return dict.fromkeys(("selection_ratio", "equal_opportunity_difference"), why)
