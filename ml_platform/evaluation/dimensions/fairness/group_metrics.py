"""What fairness looks at, by task: the loss of a row, a decision on a person, a claim that may come true."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml_platform.arrays import Array, Codes, Flags
from ml_platform.evaluation.dimensions.fairness.group_statistics import Rate
from ml_platform.evaluation.tasks.evaluator import Predictions
from ml_platform.evaluation.tasks.scorers import class_codes
from ml_platform.spec.fairness import FairnessPolicy, Selected
from ml_platform.spec.task import (
    SOON,
    YES,
    Classification,
    Detection,
    OffPolicyChoice,
    ProportionRegression,
    Ranking,
    SequencePrediction,
    Task,
)
from ml_platform.spec.training_set import TrainingSet, TrainingSetRecord

if TYPE_CHECKING:
    import pandas as pd

EVEN = 0.5
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
class Decision:
    """Yes or no said of each row (rows,), what was true, and of which rows that is known."""

    scores: Array
    threshold: float
    positive: Flags
    known: Flags
    of: str
    """What is decided, in words."""

    @property
    def selected(self) -> Flags:
        """Scores at or above the threshold."""
        found: Flags = self.scores >= self.threshold
        return found

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
    """Everything that groups are compared in."""

    loss: Array
    """(rows,) in the words of ``loss_name``; of rows that ``judged`` leaves out it means nothing."""
    judged: Flags
    loss_name: str
    rates: tuple[Rate, ...]
    decision: Decision | None = None
    not_applicable: dict[str, str] = field(default_factory=dict)
    """By measure, why it makes no sense for this task."""


def group_metrics_of(
    task: Task, policy: FairnessPolicy, training_set: TrainingSet, predictions: Predictions
) -> GroupMetrics:
    """How ``answers`` for the test rows are looked at; the match over tasks is total."""
    test, record = training_set.test, training_set.record
    match task:
        case Classification():
            return _of_classes(test, record, predictions.values)
        case SequencePrediction():
            return _of_steps(test, record, predictions, task, policy)
        case ProportionRegression():
            return _of_shares(test, record, predictions, task, policy)
        case Detection():
            return _of_alarms(test, record, predictions, policy)
        case OffPolicyChoice():
            return _of_times(test, record, predictions)
        case Ranking():
            return _of_lists(task, training_set, predictions.values)


def decision_of(
    task: Task,
    policy: FairnessPolicy,
    rows: "pd.DataFrame",
    record: TrainingSetRecord,
    predictions: Predictions,
) -> Decision | None:
    """The decision that is taken on the people of ``rows``; ``None`` where the task takes none."""
    match task:
        case SequencePrediction():
            column, place, of = task.soon, -1, "a workflow offered as needed soon"
        case Detection():
            column, place, of = record.label, 1, "an alarm"
        case ProportionRegression():
            column, place, of = task.outcome, 0, "a suggestion shown"
        case _:
            return None
    if policy.selected is Selected.NEITHER or column not in rows:
        return None
    own = EVEN if predictions.threshold is None else predictions.threshold
    return Decision(
        scores=predictions.values[:, place],
        threshold=own if policy.threshold is None else policy.threshold,
        positive=(rows[column] == YES).to_numpy(dtype=bool),
        known=rows[column].notna().to_numpy(dtype=bool),
        of=of,
    )


def _of_classes(test: "pd.DataFrame", record: TrainingSetRecord, values: Array) -> GroupMetrics:
    truth = class_codes(test[record.label], record.classes)
    wrong = (values.argmax(axis=1) != truth).astype(np.float64)
    everywhere = np.ones(len(test))
    recalls = (
        Rate(f"{CLASS_RECALL}{name}", (1.0 - wrong) * (truth == code), (truth == code) * 1.0)
        for code, name in enumerate(record.classes)
    )
    claim = Rate(CALIBRATION, values.max(axis=1) - (1.0 - wrong), everywhere, proportion=False)
    return GroupMetrics(
        loss=wrong,
        judged=everywhere > 0,
        loss_name="share of wrong classes",
        rates=(Rate(ERROR, wrong, everywhere), claim, *recalls),
        not_applicable=_no_lists() | _no_decision("a category is no decision on a person"),
    )


def _of_steps(
    test: "pd.DataFrame",
    record: TrainingSetRecord,
    predictions: Predictions,
    task: SequencePrediction,
    policy: FairnessPolicy,
) -> GroupMetrics:
    steps = tuple(name for name in record.classes if name != SOON)
    wrong = predictions.values[:, :-1].argmax(axis=1) != class_codes(test[record.label], steps)
    everywhere = np.ones(len(test))
    decision = decision_of(task, policy, test, record, predictions)
    rates = [Rate(ERROR, wrong.astype(np.float64), everywhere)]
    senseless = _no_lists() | _no_classes() | _undecided(policy, decision)
    if decision is None:
        senseless["calibration_gap"] = senseless["selection_ratio"]
    else:
        rates += [_claim(decision.scores, decision.positive * 1.0, decision.known)]
        rates += decision.rates()
    return GroupMetrics(
        loss=wrong.astype(np.float64),
        judged=everywhere > 0,
        loss_name="share of wrong next steps",
        rates=tuple(rates),
        decision=decision,
        not_applicable=senseless,
    )


def _of_shares(
    test: "pd.DataFrame",
    record: TrainingSetRecord,
    predictions: Predictions,
    task: ProportionRegression,
    policy: FairnessPolicy,
) -> GroupMetrics:
    truth = test[record.label].to_numpy(dtype=np.float64)
    scores, everywhere = predictions.values[:, 0], np.ones(len(test), dtype=bool)
    decision = decision_of(task, policy, test, record, predictions)
    loss = np.abs(truth - scores)
    rates = (
        Rate(ERROR, loss, everywhere * 1.0, proportion=False),
        _claim(scores, truth, everywhere),
        *(() if decision is None else decision.rates()),
    )
    senseless = _no_lists() | _no_classes() | _undecided(policy, decision)
    return GroupMetrics(loss, everywhere, "absolute error of the share", rates, decision, senseless)


def _of_alarms(
    test: "pd.DataFrame",
    record: TrainingSetRecord,
    predictions: Predictions,
    policy: FairnessPolicy,
) -> GroupMetrics:
    positive = (test[record.label] == YES).to_numpy(dtype=bool)
    known = test[record.label].notna().to_numpy(dtype=bool)
    threshold = EVEN if predictions.threshold is None else predictions.threshold
    wrong = ((predictions.values[:, 1] >= threshold) != positive) * 1.0
    decision = decision_of(Detection(), policy, test, record, predictions)
    rates = (
        Rate(ERROR, wrong * known, known * 1.0),
        *(() if decision is None else decision.rates()),
    )
    senseless = _no_lists() | _no_classes() | _undecided(policy, decision)
    senseless["calibration_gap"] = "the score of a detector claims no probability"
    return GroupMetrics(
        wrong, known, "share of wrong alarms and passes", rates, decision, senseless
    )


def _of_times(
    test: "pd.DataFrame", record: TrainingSetRecord, predictions: Predictions
) -> GroupMetrics:
    known = test[record.label].notna().to_numpy(dtype=bool)
    good = (test[record.label] == YES).to_numpy(dtype=np.float64)
    chance = predictions.values[:, record.classes.index(YES)]
    loss = (chance - good) ** 2
    rates = (
        Rate(ERROR, loss * known, known * 1.0, proportion=False),
        _claim(chance, good, known),
    )
    senseless = _no_lists() | _no_classes() | _no_decision("an hour is chosen, nobody is")
    return GroupMetrics(
        loss, known, "squared error of the chance of success", rates, not_applicable=senseless
    )


def _of_lists(task: Ranking, training_set: TrainingSet, values: Array) -> GroupMetrics:
    from ml_platform.evaluation.tasks.ranking import row_statistics
    from ml_platform.models.recommenders.top_items import hits, listed, top_items, wanted

    record = training_set.record
    truth = wanted(training_set.test[record.label], record.classes)
    top = top_items(values, task.k)
    of_row = row_statistics(hits(top, truth.known), truth.total, task.k)
    judged = truth.total > 0
    weight = judged.astype(np.float64)
    _, item, _ = listed(training_set.train[record.label], record.classes)
    begun = np.bincount(item[item >= 0], minlength=len(record.classes))
    rarity = 1.0 - _ranks(begun)
    offered = top >= 0
    rare = np.where(offered, rarity[np.maximum(top, 0)], 0.0).sum(axis=1)
    loss = 1.0 - of_row[f"ndcg_at_{task.k}"]
    rates = (
        Rate(ERROR, loss * weight, weight, proportion=False),
        Rate(RECALL, of_row[f"recall_at_{task.k}"] * weight, weight, proportion=False),
        Rate(EXPOSURE, rare, offered.sum(axis=1) * 1.0, proportion=False),
    )
    senseless = _no_classes() | _no_decision("everybody is offered a list of the same length")
    senseless["calibration_gap"] = "the numbers of a ranking claim no probability"
    return GroupMetrics(loss, judged, f"1 - nDCG at {task.k}", rates, not_applicable=senseless)


def _claim(scores: NDArray[Any], truth: NDArray[Any], known: Flags) -> Rate:
    return Rate(CALIBRATION, (scores - truth) * known, known * 1.0, proportion=False)


def _ranks(counts: Codes) -> Array:
    """The place of each item by ``counts`` (items,), from 0 (least begun) to 1; equal counts share one."""
    lower = np.searchsorted(np.sort(counts), counts, side="left")
    upper = np.searchsorted(np.sort(counts), counts, side="right")
    found: Array = (lower + upper) / 2.0 / max(len(counts), 1)
    return found


def _no_lists() -> dict[str, str]:
    return dict.fromkeys(("recall_gap", "exposure_gap"), "no list is offered")


def _no_classes() -> dict[str, str]:
    return {"class_recall_gap": "the answer is not one of a few classes"}


def _no_decision(why: str) -> dict[str, str]:
    names = (
        "selection_ratio",
        "equal_opportunity_difference",
        "equalized_odds_difference",
        "false_alarm_difference",
    )
    return dict.fromkeys(names, why)


def _undecided(policy: FairnessPolicy, decision: Decision | None) -> dict[str, str]:
    """Which measures of a decision make no sense, by what being selected means."""
    if decision is None:
        why = "the model's policy names no decision on a person"
        return _no_decision(why)
    if policy.selected is Selected.FAVOUR:
        return {"false_alarm_difference": "being selected is a favour, not a burden"}
    why = "being selected is a burden: false_alarm_difference says who bears it for nothing"
    return dict.fromkeys(("selection_ratio", "equal_opportunity_difference"), why)
