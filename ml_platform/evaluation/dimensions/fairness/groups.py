"""Groupings of rows by team, region and tenure of their users, and by every pair of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ml_platform.arrays import Array, Codes
from ml_platform.spec.fairness import FairnessPolicy
from ml_platform.spec.training_set import USER

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = -1
"""The code of a row whose user, or the user's attribute, is unknown."""
TENURE, TENURE_DAYS = "tenure", "tenure_days"


@dataclass(frozen=True)
class Grouping:
    """``labels`` of the groups, and the group of each row (rows,), `UNKNOWN` where it is not known."""

    name: str
    labels: tuple[str, ...]
    codes: Codes

    @property
    def count(self) -> int:
        """The number of groups."""
        return len(self.labels)


def grouping_of(name: str, values: Sequence[Any]) -> Grouping:
    """Group equal values (rows,), in the order of their names; a missing value is in no group."""
    import pandas as pd

    column = pd.Series(values).astype(object)
    text = column.where(column.isna(), column.astype(str))
    codes, labels = pd.factorize(text.to_numpy(), sort=True)
    return Grouping(name, tuple(str(label) for label in labels), codes.astype(np.int64))


def crossed(first: Grouping, second: Grouping) -> Grouping:
    """Cross two groupings: the pairs of groups that occur, named ``first x second``."""
    both = (first.codes >= 0) & (second.codes >= 0)
    pairs = np.where(both, first.codes * second.count + second.codes, UNKNOWN)
    used, dense = np.unique(pairs[both], return_inverse=True)
    codes = np.full(len(pairs), UNKNOWN, dtype=np.int64)
    codes[both] = dense
    labels = (
        f"{first.labels[pair // second.count]} x {second.labels[pair % second.count]}"
        for pair in used.tolist()
    )
    return Grouping(f"{first.name} x {second.name}", tuple(labels), codes)


def tenure_grouping(days: Array, edges: tuple[int, ...]) -> Grouping:
    """Bands of ``days`` (rows,): below the first edge, from one edge to below the next, from the last on."""
    names = (
        f"below {edges[0]} days",
        *(f"{low} to {high - 1} days" for low, high in pairwise(edges)),
        f"{edges[-1]} days or more",
    )
    known = np.isfinite(days)
    codes = np.where(known, np.searchsorted(edges, np.nan_to_num(days), side="right"), UNKNOWN)
    return Grouping(TENURE, names, codes.astype(np.int64))


def with_crossings(groupings: Sequence[Grouping]) -> tuple[Grouping, ...]:
    """The groupings, then each pair of them."""
    return (*groupings, *(crossed(*pair) for pair in combinations(groupings, 2)))


def user_groupings(
    user_ids: "pd.Series[Any]", users: "pd.DataFrame | None", policy: FairnessPolicy
) -> tuple[Grouping, ...]:
    """The policy's groupings of rows (rows,) by their users; one that the source does not tell is left out.

    Of two records of a user the later one counts.
    """
    if users is None or users.empty:
        return ()
    attributes = users.drop_duplicates(USER, keep="last").set_index(USER)
    ids = user_ids.astype(object)
    groupings: list[Grouping] = []
    for name in policy.groupings:
        column = TENURE_DAYS if name == TENURE else name
        if column not in attributes:
            continue
        values = ids.map(attributes[column])
        if name == TENURE:
            days = values.to_numpy(dtype=np.float64)
            groupings.append(tenure_grouping(days, policy.tenure_bands))
        else:
            groupings.append(grouping_of(name, values.tolist()))
    known = [grouping for grouping in groupings if (grouping.codes >= 0).any()]
    return with_crossings(known) if policy.crossings else tuple(known)
