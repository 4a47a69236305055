"""The fairness policy of a model: which groups are compared, and from what size on."""

from dataclasses import dataclass
from enum import StrEnum


class Selected(StrEnum):
    """What being selected (an answer at or above the threshold) is for the person it is about."""

    NEITHER = "neither"
    """No decision on a person: a category, a list for everybody, an hour."""
    FAVOUR = "favour"
    """Something is offered: who is owed it should get it, whatever their group."""
    BURDEN = "burden"
    """Somebody is looked into: nobody should be for nothing more often, because of their group."""


@dataclass(frozen=True)
class FairnessPolicy:
    """What `ml_platform.evaluation.dimensions.fairness` compares, and from what size of a group on."""

    groupings: tuple[str, ...] = ("team", "region", "tenure")
    """Columns of the source's users; ``tenure`` is ``tenure_days`` in bands."""
    crossings: bool = True
    """Also every pair of groupings: team by region, and so on."""
    tenure_bands: tuple[int, ...] = (90, 365, 1_095)
    """Days from which the next band begins: a quarter, a year, three years."""
    selected: Selected = Selected.NEITHER
    threshold: float | None = None
    """From which an answer selects; ``None``: the scorer's own threshold, or one half."""
    minimum_rows: int = 50
    """Of a group, and of what a rate is taken over, such as its positives; below, it is INSUFFICIENT."""
    minimum_clusters: int = 20
    """Independent units (users, or clusters of several users) of the same."""
    smallest_ratio: float = 0.8
    """Of selection rates, from which mitigation is tried: the four-fifths rule."""
    largest_difference: float = 0.1
    """Of rates of decisions, from which mitigation is tried."""
    refit: bool = False
    """Whether reweighing may fit the model again; else its effect is estimated without."""


STANDARD_FAIRNESS = FairnessPolicy()
"""That of a model which decides nothing on people."""
