"""Mitigation of a decision that is shown to be unfair, with its measured effect and cost.

Thresholds by group are chosen on the newest training rows alone (as in Hardt, Price and Srebro 2016, without
their randomisation) and measured on the test rows. Weights are those of Kamiran and Calders (2012), which
make outcome and group independent in the training part; a model has to be fitted again to use them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.arrays import Array
from ml_platform.evaluation.dimensions.fairness.comparisons import Measure
from ml_platform.evaluation.dimensions.fairness.groups import Grouping
from ml_platform.evaluation.report_parts import Estimate
from ml_platform.evaluation.tasks.group_metrics import (
    FALSE_POSITIVE,
    SELECTION,
    TRUE_POSITIVE,
    PersonDecision,
)

if TYPE_CHECKING:
    from ml_platform.arrays import Flags

THRESHOLDS = "thresholds by group"
WEIGHED = "reweighing, estimated without a fit"
REFITTED = "reweighing, fitted again"
EQUALISED = {
    "selection_ratio": SELECTION,
    "equal_opportunity_difference": TRUE_POSITIVE,
    "equalized_odds_difference": TRUE_POSITIVE,
    "false_alarm_difference": FALSE_POSITIVE,
}
"""The rate that thresholds by group make equal, by the measure that is missed."""


@dataclass(frozen=True)
class Tried:
    """A measure before and after, and the accuracies of the decision that it costs."""

    what: str
    measure: str
    before: Estimate
    after: float
    accuracy_before: float
    accuracy_after: float | None
    """``None`` where only a new fit would tell."""
    balanced_before: float
    balanced_after: float | None
    details: tuple[tuple[str, float], ...]
    """The threshold of each group, or the weight of each group and outcome."""


Again = Callable[[PersonDecision], Measure | None]
"""The measure that was missed, of another decision on the same rows."""


def with_thresholds(
    measure: str,
    before: Measure,
    decision: PersonDecision,
    grouping: Grouping,
    past: PersonDecision,
    past_groups: Grouping,
    again: Again,
    minimum_rows: int,
) -> Tried | None:
    """Each group's threshold such that all have, in the past, the rate that all rows have together.

    Args:
        measure: its name; one of `EQUALISED`.
        before: as it is.
        decision: on the test rows.
        grouping: of the test rows.
        past: the decision on training rows.
        past_groups: of the training rows, with the labels of ``grouping``.
        again: measures another decision.
        minimum_rows: that a group's threshold must rest on; others keep theirs.
    """
    relevant = _relevant(past, EQUALISED[measure])
    if not relevant.any():
        return None
    target = float(past.selected[relevant].mean())
    thresholds = np.full(grouping.count, decision.threshold)
    for group in range(grouping.count):
        scores = past.scores[relevant & (past_groups.codes == group)]
        if len(scores) >= minimum_rows:
            thresholds[group] = np.quantile(scores, 1.0 - target, method="higher")
    row_thresholds = np.where(grouping.codes >= 0, thresholds[grouping.codes], decision.threshold)
    # A score is moved by as much as its threshold is, so that one threshold does for all.
    moved = replace(decision, scores=decision.scores - row_thresholds + decision.threshold)
    effect = again(moved)
    if effect is None:
        return None
    details = zip(grouping.labels, thresholds.tolist(), strict=True)
    return _tried(THRESHOLDS, measure, before, effect, decision, moved, tuple(details))


def reweighing(positive: "Flags", known: "Flags", grouping: Grouping) -> Array:
    """Weight of each group and outcome, (groups, 2): P(group) P(outcome) / P(group, outcome).

    A pair that does not occur has weight 0.

    Source: Kamiran and Calders (2012), equation 2.
    """
    inside = known & (grouping.codes >= 0)
    flat = grouping.codes[inside] * 2 + positive[inside]
    cells = np.bincount(flat, minlength=2 * grouping.count).reshape(grouping.count, 2)
    total = max(int(cells.sum()), 1)
    expected = cells.sum(axis=1, keepdims=True) * cells.sum(axis=0, keepdims=True) / total
    weights_by_cell: Array = np.where(cells > 0, expected / np.maximum(cells, 1), 0.0)
    return weights_by_cell


def by_weights(
    before: Measure,
    decision: PersonDecision,
    grouping: Grouping,
    past: PersonDecision,
    past_groups: Grouping,
) -> Tried | None:
    """Estimate the gap in selection that would be left if outcomes were equally frequent in all groups.

    The model's rates of true and false positives are taken as they are in each group, and the outcomes as
    often as in all groups together: a bound for what weights can do that no fit has confirmed.
    """
    weights = reweighing(past.positive, past.known, past_groups)
    inside = decision.known & (grouping.codes >= 0)
    flat = grouping.codes[inside] * 2 + decision.positive[inside]
    cells = np.bincount(flat, minlength=2 * grouping.count).reshape(-1, 2)
    chosen = np.bincount(flat, decision.selected[inside], minlength=2 * grouping.count)
    rates = chosen.reshape(-1, 2) / np.maximum(cells, 1)
    full = (cells > 0).all(axis=1)
    compared = {c.group for c in before.compared} | {c.against for c in before.compared}
    full &= np.array([label in compared for label in grouping.labels])
    if full.sum() < 2:
        return None
    share = cells.sum(axis=0) / cells.sum()
    selection = (rates @ share)[full]
    details = tuple(
        (f"{label}, {outcome}", float(weights[group, place]))
        for group, label in enumerate(grouping.labels)
        for place, outcome in enumerate(("no", "yes"))
        if full[group]
    )
    right, balanced = _accuracies(decision)
    after = float(selection.min() / selection.max()) if selection.max() > 0 else 1.0
    return Tried(
        WEIGHED,
        "selection_ratio",
        before.estimate,
        after,
        right,
        None,
        balanced,
        None,
        details,
    )


def refitted(
    measure: str,
    before: Measure,
    decision: PersonDecision,
    fitted: PersonDecision,
    again: Again,
) -> Tried | None:
    """Measure a model that was fitted again, to weighed rows."""
    effect = again(fitted)
    if effect is None:
        return None
    return _tried(REFITTED, measure, before, effect, decision, fitted, ())


def _relevant(decision: PersonDecision, rate: str) -> "Flags":
    if rate == SELECTION:
        return decision.known
    return decision.known & (decision.positive if rate == TRUE_POSITIVE else ~decision.positive)


def _tried(
    what: str,
    measure: str,
    before: Measure,
    after: Measure,
    old: PersonDecision,
    new: PersonDecision,
    details: tuple[tuple[str, float], ...],
) -> Tried:
    (right, balanced), (right_after, balanced_after) = _accuracies(old), _accuracies(new)
    return Tried(
        what,
        measure,
        before.estimate,
        after.estimate.value,
        right,
        right_after,
        balanced,
        balanced_after,
        details,
    )


def _accuracies(decision: PersonDecision) -> tuple[float, float]:
    """Accuracy and balanced accuracy of the decision over the rows whose truth is known."""
    truth, selected = decision.positive[decision.known], decision.selected[decision.known]
    right = selected == truth
    sides = [float(right[side].mean()) for side in (truth, ~truth) if side.any()]
    return float(right.mean()), float(np.mean(sides))
