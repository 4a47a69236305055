"""Rows whose windows of steps overlap, packed so that each step passes a network about once an epoch.

The next row of a user has the window of the row before, moved on by one step. Such rows make a *chunk*: the window
of the first, then the newest step of each of the others; the network answers at all of them. Nothing is taken on
trust: two rows are in one chunk only where their encoded windows say that one follows the other.
"""

from typing import TYPE_CHECKING

import numpy as np

from ml_platform.spec.training_set import CLUSTER, USER

if TYPE_CHECKING:
    import pandas as pd

NO_ROW = -1


def chunks_of(rows: "pd.DataFrame", windows: np.ndarray, most: int) -> np.ndarray:
    """Shape (chunks, ``most``), int64: places of the rows of each chunk, `NO_ROW` after the last one.

    Args:
        rows: in order of time, with their users and sessions.
        windows: their encoded steps, shape (rows, length, channels), the newest step last.
        most: rows of a chunk at most.
    """
    order = _by_session(rows)
    before, after = order[:-1], order[1:]
    follows = np.ones(len(after), dtype=bool)
    for place in range(windows.shape[1] - 1):
        follows &= (windows[after, place] == windows[before, place + 1]).all(axis=1)
    begins = np.flatnonzero(np.append(True, ~follows))
    inside = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    chunk = np.cumsum(inside % most == 0) - 1
    chunks = np.full((chunk[-1] + 1, most), NO_ROW, dtype=np.int64)
    chunks[chunk, inside % most] = order
    return chunks


def _by_session(rows: "pd.DataFrame") -> np.ndarray:
    """Places of the rows session by session, and sessions in order of time for each user who began one.

    A window runs on from one session of a user to the next, but in a process log within the case, whoever
    works on it.
    """
    import pandas as pd

    users, sessions = (pd.factorize(rows[name])[0] for name in (USER, CLUSTER))
    first = np.unique(sessions, return_index=True)[1]
    begins = first[sessions]
    return np.lexsort((begins, users[begins]))
