"""What a selection says of each feature: figures, rank, KEEP or DROP, and one sentence why."""

from dataclasses import dataclass
from enum import StrEnum


class Choice(StrEnum):
    """Advice; the features of a model are changed by people."""

    KEEP = "keep"
    DROP = "drop"


class Why(StrEnum):
    """The row of the rules that fired, in their order."""

    LEAKY = "leaky"
    EMPTY = "near-zero variance"
    MISSING = "mostly missing"
    IDENTIFIER = "identifier"
    CORRELATED = "correlated"
    NOTHING = "predicts nothing"
    LOWEST = "lowest tenth"
    TOGETHER = "useful together"
    UNKNOWN = "unknown"
    USEFUL = "useful"


@dataclass(frozen=True)
class Figures:
    """The figures of one feature; one of several columns (a list) has their sum, or the best of them.

    ``None``: it was not measured, as for a feature that is not among the candidates of a stepwise search.
    """

    feature: str
    forest: float
    """Share of the surrogate's impurity decrease, all features together 1."""
    permutation: float
    """Loss of skill on held-out rows when it is shuffled; 0 or less: it does nothing."""
    permutation_low: float
    """Lower bound of the 95 % interval of ``permutation``."""
    shap: float
    """Mean absolute SHAP value, all features together 1."""
    mutual_information: float
    """Mutual information with the label in nats, less its bias of (bins - 1)(classes - 1)/2n; 0 at least."""
    anova_f: float | None
    """The F statistic, which numbers and lengths of lists have."""
    chi2: float | None
    q: float | None
    """The smaller p of chi-squared and F, corrected for both and for the number of features."""
    forward: bool | None
    backward: bool | None
    elimination: int
    """Place in the recursive elimination, 1 for those that stayed to the last."""


@dataclass(frozen=True)
class Selected:
    """One feature, ranked from 1 by the mean of its ranks by forest, permutation, SHAP and mutual information."""

    rank: int
    feature: str
    figures: Figures | None
    """``None`` for a leaky feature, beside which a surrogate would look at nothing else; it ranks last."""
    choice: Choice
    why: Why
    rationale: str


@dataclass(frozen=True)
class SelectionReport:
    """The features by rank, and what the advice would cost the surrogate."""

    features: tuple[Selected, ...]
    rows: int
    """Training rows looked at, those held out included."""
    rows_held_out: int
    """The newest training rows, on which the surrogate is measured."""
    rows_tested: int
    """The rows that chi-squared and F were computed on, one per cluster."""
    skill: tuple[float, float, float]
    """Share of the variance of the label (of its one-hot classes) that the surrogate explains when held out,
    with its 95 % interval over clusters. Where the interval reaches 0, it has learned nothing to select by."""
    skill_kept: float
    """The first of ``skill`` for a surrogate of the features to keep alone."""
    change: tuple[float, float, float]
    """``skill_kept - skill`` with its 95 % interval, over clusters."""

    @property
    def dropped(self) -> tuple[Selected, ...]:
        """The features whose advice is DROP, by rank."""
        return tuple(feature for feature in self.features if feature.choice is Choice.DROP)
