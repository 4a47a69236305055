"""The fairness policy of a model: which groups are compared, and from what size on."""

from dataclasses import dataclass
from enum import StrEnum


class Selected(StrEnum):
    """What being selected (a score at or above the threshold) means to the person it is about."""

    NEITHER = "neither"
    """No decision on a person: a category, a list for everybody, an hour."""
    FAVOUR = "favour"
    """Something is offered: people who should get it do, whatever their group."""
    BURDEN = "burden"
    """Somebody is looked into: no group should be looked into without cause more often than others."""


@dataclass(frozen=True)
class FairnessPolicy:
    """What `ml_platform.evaluation.dimensions.fairness` compares, and from what size of a group on."""

    groupings: tuple[str, ...] = ("team", "region", "tenure")
    """Columns of the source's users; ``tenure`` is ``tenure_days`` in bands."""
    crossings: bool = True
    """Whether every pair of groupings is compared as well: team by region, and so on."""
    tenure_bands: tuple[int, ...] = (90, 365, 1_095)
    """Days from which the next band begins: a quarter, a year, three years."""
    selected: Selected = Selected.NEITHER
    threshold: float | None = None
    """The score from which a person is selected; ``None``: the scorer's own threshold, or one half."""
    minimum_rows: int = 50
    """The least rows of a group, and of what a rate is taken over, such as its positives; with fewer it is
    INSUFFICIENT."""
    minimum_clusters: int = 20
    """The least independent units (users, or clusters of several users) of a group and of what a rate is over."""
    smallest_ratio: float = 0.8
    """The ratio of selection rates below which mitigation is tried: the four-fifths rule."""
    largest_difference: float = 0.1
    """The difference between rates of decisions from which mitigation is tried."""
    refit: bool = False
    """Whether reweighing may fit the model again; else its effect is estimated without."""


STANDARD_FAIRNESS = FairnessPolicy()
"""The policy of a model that decides nothing on people."""
