"""What a user (in a process log: a case) did last: moments, stretches of work, and runs in one folder.

The moments of a user are kept in the order of time, each with where its stretch and its run began, as
``int_moments`` has them. An event that comes late is put where it belongs, and what follows it is worked out again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ml_platform.features.online.past_rows import PastRows

WORDS = ("tool", "operation", "extension", "folder", "subfolder")
"""What a moment has of its events: of several the most frequent."""
_SUMS = ("place", "events_before", "change_sets_before")
_COUNTS = ("events", "change_sets")
_PLACES = ("session_start", "stretch_place", "run_place")
COLUMNS = (*WORDS, "t", *_COUNTS, *_SUMS, *_PLACES)


def most_frequent(values: Sequence[str | None]) -> str | None:
    """The most frequent known value; of equally frequent ones the first in the alphabet."""
    first = values[0]
    if len(values) == 1:
        return first
    counts = Counter(value for value in values if value is not None)
    if not counts:
        return None
    return min(counts, key=lambda value: (-counts[value], value))


def moment_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The moment of the events ``rows``, which have one user and one time."""
    if len(rows) == 1:
        return {word: rows[0][word] for word in WORDS} | {"events": 1, "change_sets": 1}
    moment: dict[str, Any] = {word: most_frequent([row[word] for row in rows]) for word in WORDS}
    several = len({row["change_set_id"] for row in rows} - {None})
    return moment | {"events": len(rows), "change_sets": several}


class Moments:
    """The moments of one user or case."""

    __slots__ = ("_in_case", "_pause", "_run_pause", "rows")

    def __init__(self, *, in_case: bool, pause: int, run_pause: int) -> None:
        """Begin without moments; a ``pause`` ends a stretch of work, a ``run_pause`` a run in one folder."""
        self.rows = PastRows(COLUMNS)
        self._in_case = in_case
        self._pause = pause
        self._run_pause = run_pause

    def put(self, t: int, events: Sequence[Mapping[str, Any]]) -> None:
        """Take the events of a moment, all that are known; those of before are replaced."""
        place = self.rows.before(t)
        times = self.rows.times
        base = {"t": t, **moment_of(events)}
        if place < len(times) and times[place] == t:
            for name, value in base.items():
                self.rows.columns[name][place] = value
        else:
            place = self.rows.add(t, {**dict.fromkeys(COLUMNS), **base})
        columns = self.rows.columns
        for at in range(place, len(times)):
            following = self._following(at, times[at], columns["folder"][at])
            for name, value in following.items():
                columns[name][at] = value

    def next(self, t: int, folder: str | None) -> dict[str, Any]:
        """What a moment at ``t`` would follow: its place, its stretch, and sums of what came before."""
        place = self.rows.before(t)
        columns = self.rows.columns
        following = self._following(place, t, folder)
        following["previous_t"] = self.rows.times[place - 1] if place else None
        following["session_position"] = following["place"] - following["stretch_place"]
        run_place = columns["run_place"][place - 1] if place else None
        following["last_run"] = None if run_place is None else following["place"] - run_place
        return following

    def last(self, t: int, count: int) -> dict[str, list[Any]]:
        """The words of the last moments before ``t``, newest first, at most ``count``."""
        place = self.rows.before(t)
        first = max(place - count, 0)
        columns = self.rows.columns
        return {word: columns[word][first:place][::-1] for word in WORDS}

    def forget_before(self, t: int, kept: int) -> None:
        """Drop moments before a time, but for the last ``kept``."""
        times = self.rows.times
        if len(times) > 2 * kept:
            self.rows.forget_before(min(t, times[-kept]))

    def _following(self, at: int, t: int, folder: str | None) -> dict[str, Any]:
        """The columns of a moment that follow from the one before it, which stands at ``at - 1``."""
        if at == 0:
            return {
                **{"place": 1, "events_before": 0, "change_sets_before": 0},
                **{"session_start": t, "stretch_place": 1, "run_place": 1},
            }
        columns = self.rows.columns
        before = at - 1
        place = columns["place"][before] + 1
        pause = t - self.rows.times[before]
        begins = pause > self._pause and not self._in_case
        runs_on = pause <= self._run_pause and folder == columns["folder"][before]
        return {
            "place": place,
            "events_before": columns["events_before"][before] + columns["events"][before],
            "change_sets_before": columns["change_sets_before"][before]
            + columns["change_sets"][before],
            "session_start": t if begins else columns["session_start"][before],
            "stretch_place": place if begins else columns["stretch_place"][before],
            "run_place": columns["run_place"][before] if runs_on else place,
        }
