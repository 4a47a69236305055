"""What followed the same activity last, in any case: known at an event, and it shifts when the process does."""

from collections import defaultdict, deque
from datetime import timedelta

import numpy as np
import pandas as pd

SEEN = 30
"""Transitions that are remembered of each activity."""
OVER = timedelta(days=30)
"""After its last event a case is taken to be over so much later."""
PREFIX = "lately:"


def with_successors(parts: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], tuple[str, ...]]:
    """The parts with a column an activity: its share among the last `SEEN` known successors of the row's activity.

    A transition is known from the moment of its second event on; rows look strictly before their own moment. What
    followed in the same case counts like any other, once it has happened.

    Returns:
        The parts, and the names of the columns.
    """
    rows = pd.concat(parts, keys=range(len(parts)), names=["part"])
    names = sorted(set(rows["next_step"]))
    place = {name: i for i, name in enumerate(names)}
    activity = [steps[0] for steps in rows["steps"]]
    successor = [place[name] for name in rows["next_step"]]
    latest: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=SEEN))
    shares = np.zeros((len(rows), len(names)))
    for _, known, row in _timeline(rows):
        before = latest[activity[row]]
        if known:
            before.append(successor[row])
        elif before:
            shares[row] = np.bincount(before, minlength=len(names)) / len(before)
    columns = tuple(f"{PREFIX}{name}" for name in names)
    following = pd.DataFrame(shares, columns=list(columns), index=rows.index)
    rows = pd.concat([rows, following], axis=1)
    return [rows.xs(part).reset_index(drop=True) for part in range(len(parts))], columns


def _timeline(rows: pd.DataFrame) -> list[tuple[int, bool, int]]:
    """(moment, whether the successor becomes known, row): a row is answered before anything of its moment."""
    ordered = rows.sort_values(["user_id", "session_position"], kind="stable")
    following = ordered.groupby("user_id")["occurred_at"].shift(-1).reindex(rows.index)
    known = following.fillna(rows["occurred_at"] + OVER)
    events = [(t.value, False, i) for i, t in enumerate(rows["occurred_at"])]
    return sorted([*events, *((t.value, True, i) for i, t in enumerate(known))])
