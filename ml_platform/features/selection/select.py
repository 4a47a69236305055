"""Which features earn their place: importance, statistics and searches, then a rule with a sentence for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_platform.features.leakage_report import KeyColumns
from ml_platform.features.quality.report import QualityReport
from ml_platform.features.selection.importance import (
    Importance,
    fit_forest,
    held_out_losses,
    importance,
    with_interval,
)
from ml_platform.features.selection.matrix import Sample, take_sample
from ml_platform.features.selection.report import (
    Choice,
    Figures,
    Selected,
    SelectionReport,
    Why,
)
from ml_platform.features.selection.rules import DROP_RULES, Known, why_kept
from ml_platform.features.selection.statistics import Statistics, statistics
from ml_platform.features.selection.stepwise import Stepwise, stepwise

if TYPE_CHECKING:
    import pandas as pd


def select(
    train: "pd.DataFrame",
    label: str,
    features: Sequence[str],
    quality: QualityReport,
    *,
    seed: int,
    leaky: Mapping[str, str] | None = None,
    keys: KeyColumns | None = None,
) -> SelectionReport:
    """Every feature with its rank, its figures, KEEP or DROP and why; on at most 5,000 training rows.

    It does not know the model: its figures are those of a small forest, the surrogate. The newest quarter of
    the sample is held out; the test part is not looked at.

    Args:
        train: the training part: keys, label, features.
        label: classes, a number, or a list (its first item).
        features: names; those that are not there are left out.
        quality: the same features' report, whose defects the drop rules use.
        seed: of forests, shuffles and searches.
        leaky: why, by feature that the leakage report calls dangerous.
        keys: names of the key columns.

    Raises:
        InsufficientData: too few labelled rows, or a label that does not vary.
    """
    unsafe = dict(leaky or {})
    present = tuple(name for name in features if name in train.columns and name not in unsafe)
    sample = take_sample(train, label, present, keys or KeyColumns())
    surrogate, alone = importance(sample, seed=seed), statistics(sample)
    shares = surrogate.forest[sample.owner] + surrogate.shap[sample.owner]
    searched = stepwise(sample, shares, seed=seed)
    evidence = _Evidence(
        sample, _figures(sample, surrogate, alone, searched), surrogate, quality, seed
    )
    order = _order(surrogate, alone)
    chosen = evidence.chosen(order, missed=False)
    skill_kept, change = evidence.without(chosen)
    if change[2] < 0:
        chosen = evidence.chosen(order, missed=True)
        skill_kept, change = evidence.without(chosen)
    last = [
        Selected(len(chosen) + place, name, None, Choice.DROP, Why.LEAKY, why)
        for place, (name, why) in enumerate(unsafe.items(), start=1)
        if name in features
    ]
    return SelectionReport(
        features=(*chosen, *last),
        rows=len(sample.columns),
        rows_held_out=len(sample.columns) - sample.fitted,
        rows_tested=alone.rows_tested,
        skill=surrogate.skill,
        skill_kept=skill_kept,
        change=change,
    )


@dataclass(frozen=True)
class _Evidence:
    """What the choices rest on: figures, the surrogate forest, and the quality of the columns."""

    sample: Sample
    figures: tuple[Figures, ...]
    surrogate: Importance
    quality: QualityReport
    seed: int

    def chosen(self, order: np.ndarray, *, missed: bool) -> tuple[Selected, ...]:
        """KEEP or DROP for every feature, by rank: of two redundant features the better one is decided first."""
        chosen: list[Selected] = []
        for rank, place in enumerate(order, start=1):
            figures = self.figures[place]
            kept = tuple(c.feature for c in chosen if c.choice is Choice.KEEP)
            learned = self.surrogate.skill[1] > 0
            known = Known(self.quality, rank, len(self.figures), kept, learned, missed)
            fired = ((why, reason) for why, rule in DROP_RULES if (reason := rule(figures, known)))
            drop = next(fired, None)
            why, rationale = drop or why_kept(figures, known)
            choice = Choice.DROP if drop else Choice.KEEP
            chosen.append(Selected(rank, figures.feature, figures, choice, why, rationale))
        return tuple(chosen)

    def without(self, chosen: tuple[Selected, ...]) -> tuple[float, tuple[float, float, float]]:
        """Held-out skill of a forest on the features to keep, and its difference to that on all."""
        sample, clusters = self.sample, self.sample.clusters[self.sample.fitted :]
        kept = {feature.feature for feature in chosen if feature.choice is Choice.KEEP}
        columns = np.flatnonzero([sample.features[owner] in kept for owner in sample.owner])
        if not len(columns):
            return 0.0, with_interval(self.surrogate.losses - 1, clusters)
        if len(columns) == len(sample.owner):
            return self.surrogate.skill[0], (0.0, 0.0, 0.0)
        fitted = slice(0, sample.fitted)
        forest = fit_forest(sample.columns[fitted][:, columns], sample.target[fitted], self.seed)
        losses = held_out_losses(forest, sample, columns)
        return 1 - float(losses.mean()), with_interval(self.surrogate.losses - losses, clusters)


def _order(surrogate: Importance, alone: Statistics) -> np.ndarray:
    """Features by the mean of their four ranks, the best first; ties by their order in the model."""
    from scipy.stats import rankdata

    measures = (surrogate.forest, surrogate.permutation, surrogate.shap, alone.mutual_information)
    means = np.mean([rankdata(-measure) for measure in measures], axis=0)
    return np.argsort(means, kind="stable")


def _figures(
    sample: Sample, surrogate: Importance, alone: Statistics, searched: Stepwise
) -> tuple[Figures, ...]:
    return tuple(
        Figures(
            feature=name,
            forest=float(surrogate.forest[i]),
            permutation=float(surrogate.permutation[i]),
            permutation_low=float(surrogate.permutation_low[i]),
            shap=float(surrogate.shap[i]),
            mutual_information=float(alone.mutual_information[i]),
            anova_f=_or_none(alone.anova_f[i]),
            chi2=_or_none(alone.chi2[i]),
            q=_or_none(alone.q[i]),
            forward=searched.forward[i],
            backward=searched.backward[i],
            elimination=int(searched.elimination[i]),
        )
        for i, name in enumerate(sample.features)
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
