"""Local explanations of single rows: a typical one, the two extremes, and the one with the largest error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.evaluation.dimensions.cluster_sample import LARGEST_SHARE
from ml_platform.evaluation.dimensions.explanations.groups import FeatureGroup
from ml_platform.evaluation.dimensions.explanations.shapley import (
    Contributions,
    sampled_contributions,
)
from ml_platform.evaluation.dimensions.registry import EvaluationContext
from ml_platform.evaluation.tasks.registry import adapter_of
from ml_platform.spec.training_set import CLUSTER, ROW_ID

if TYPE_CHECKING:
    import pandas as pd

BACKGROUND = 50


@dataclass(frozen=True)
class LocalExplanation:
    """One row of the test part."""

    why: str
    """Why this row was chosen."""
    row_id: str
    answer_of: str
    """The class whose number is explained."""
    served: float
    """The prediction of the served artifact when it was evaluated."""
    contributions: Contributions

    @property
    def gap(self) -> float:
        """The absolute difference between the served prediction and base plus contributions."""
        parts = self.contributions
        return abs(parts.base + float(parts.values.sum()) - self.served)


def explained_rows(
    subject: EvaluationContext, groups: Sequence[FeatureGroup]
) -> tuple[tuple[LocalExplanation, ...], bool]:
    """The chosen rows, and whether their contributions are exact (the scorer tells reasons) or sampled."""
    columns = adapter_of(subject.spec.task).explained_columns(
        subject.predictions.values, subject.training_set.record.classes
    )
    background = background_rows(subject.training_set.train, subject.seed)
    exact = hasattr(subject.candidate, "reasons")
    explained = []
    for why, place in chosen_rows(subject, columns).items():
        row = subject.training_set.test.iloc[[place]]
        contributions = (
            _told(subject.candidate, row, groups)
            if exact
            else _sampled(subject, row, background, groups, int(columns[place]))
        )
        explained.append(
            LocalExplanation(
                why=why,
                row_id=str(row[ROW_ID].iloc[0]),
                answer_of=subject.training_set.record.classes[columns[place]],
                served=float(subject.predictions.values[place, columns[place]]),
                contributions=contributions,
            )
        )
    return tuple(explained), exact


def chosen_rows(subject: EvaluationContext, columns: Codes) -> dict[str, int]:
    """Places of test rows by the reason for which they are shown; no row twice."""
    values = subject.predictions.values
    numbers = values[np.arange(len(values)), columns]
    ranked = np.argsort(numbers, kind="stable")
    wanted = {
        "typical: the median prediction": int(ranked[len(ranked) // 2]),
        "the highest prediction": int(ranked[-1]),
        "the lowest prediction": int(ranked[0]),
    }
    errors = adapter_of(subject.spec.task).row_errors(subject.training_set, values, columns)
    if np.isfinite(errors).any():
        wanted["most wrong"] = int(np.nanargmax(errors))
    chosen: dict[str, int] = {}
    for why, place in wanted.items():
        if place not in chosen.values():
            chosen[why] = place
    return chosen


def background_rows(train: "pd.DataFrame", seed: int) -> "pd.DataFrame":
    """Return at most `BACKGROUND` training rows, of which no cluster dominates; they stand for an unknown value."""
    import pandas as pd

    order = np.random.default_rng((seed, 2)).permutation(len(train))
    clusters = pd.Series(train[CLUSTER].to_numpy()[order])
    before = clusters.groupby(clusters, sort=False).cumcount().to_numpy()
    places = order[before < max(1, LARGEST_SHARE * BACKGROUND)][:BACKGROUND]
    return train.iloc[np.sort(places)]


def _sampled(
    subject: EvaluationContext,
    row: "pd.DataFrame",
    background: "pd.DataFrame",
    groups: Sequence[FeatureGroup],
    column: int,
) -> Contributions:
    names = [name for group in groups for name in group.features]
    classes = subject.training_set.record.classes
    adapter = adapter_of(subject.spec.task)

    def answer(rows: "pd.DataFrame") -> Array:
        values = adapter.predictions("candidate", subject.candidate, rows, classes).values
        explained: Array = values[:, column]
        return explained

    return sampled_contributions(answer, row[names], background[names], groups, seed=subject.seed)


def _told(scorer: Any, row: "pd.DataFrame", groups: Sequence[FeatureGroup]) -> Contributions:
    """Return the scorer's own contributions, summed by group."""
    (reasons,) = scorer.reasons(row)
    points = {code.feature: code.points for code in reasons.codes}
    values = np.array([sum(points.get(name, 0.0) for name in g.features) for g in groups])
    return Contributions(reasons.base, reasons.score, values, np.zeros(len(groups)))
