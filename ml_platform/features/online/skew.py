"""Training-serving skew: the features of sampled rows as of their moment, beside those that training has.

What happened is told to `LiveFeatures` in the order of time, but some of it late and some of it twice, as sources
do. A late row still comes before the next moment that is asked about: what is not known yet is no skew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Any

from ml_platform.features.online.live_features import LiveFeatures

Row = Mapping[str, Any]
LATE, TWICE = 0.1, 0.05
"""Shares of what happened that come late, and twice."""
_MOST_WAITING = 2_000


@dataclass(frozen=True)
class Happened:
    """One thing that became known at ``t``, in microseconds since 1970, and who is told of it."""

    t: int
    kind: str
    """'event', 'suggestion', 'execution', or 'decision': a start time is chosen, of which nothing is to be told."""
    row: Row


@dataclass(frozen=True)
class Difference:
    """A feature that is not what training has: in how many of the compared rows, and the first of them."""

    feature: str
    rows: int
    row_id: str
    online: Any
    training: Any


@dataclass(frozen=True)
class TableSkew:
    """What a comparison of one table found."""

    table: str
    rows: int
    features: int
    differences: tuple[Difference, ...]


@dataclass
class _Compared:
    features: tuple[str, ...]
    rows: int = 0
    found: dict[str, list[tuple[str, Any, Any]]] = field(default_factory=dict)

    def compare(self, row_id: str, online: Row, training: Row) -> None:
        self.rows += 1
        for name in self.features:
            if online[name] != training[name]:
                self.found.setdefault(name, []).append((row_id, online[name], training[name]))

    def differences(self) -> tuple[Difference, ...]:
        return tuple(Difference(name, len(rows), *rows[0]) for name, rows in self.found.items())


class SkewSearch:
    """Replays what happened, and compares the rows that were sampled."""

    def __init__(
        self,
        live: LiveFeatures,
        sampled: Mapping[str, Mapping[str, Row]],
        features: Mapping[str, tuple[str, ...]],
        *,
        seed: int = 0,
    ) -> None:
        """Compare the rows ``sampled`` of training, by table and row id, in the ``features`` of each table."""
        self._live = live
        self._sampled = sampled
        self._compared = {table: _Compared(features[table]) for table in sampled}
        self._draw = Random(seed)
        self._waiting: list[Happened] = []
        self._tell: dict[str, Callable[[Row], None]] = {
            "event": live.event,
            "suggestion": live.suggestion,
            "execution": live.execution,
        }

    def replay(self, happened: Iterable[Happened]) -> list[TableSkew]:
        """Tell all that ``happened``, in the order of time, and compare each sampled row when its moment comes."""
        for _, together in groupby(happened, key=lambda each: each.t):
            group = list(together)
            self._ask_events([each.row for each in group if each.kind == "event"])
            self._ask_suggestions([each.row for each in group if each.kind == "suggestion"])
            for each in group:
                if each.kind == "decision":
                    self._ask_start_times(each.row)
            self._waiting += [each for each in group if each.kind in self._tell]
            if len(self._waiting) > _MOST_WAITING:
                self._tell_all()
        return [
            TableSkew(table, compared.rows, len(compared.features), compared.differences())
            for table, compared in self._compared.items()
        ]

    def _tell_all(self) -> None:
        """Tell what has happened so far, some of it late and some of it twice."""
        draw, waiting = self._draw, self._waiting
        late = [each for each in waiting if draw.random() < LATE]
        left_behind = {id(each) for each in late}
        twice = [each for each in waiting if draw.random() < TWICE]
        draw.shuffle(late)
        in_time = (each for each in waiting if id(each) not in left_behind)
        for each in (*in_time, *late, *twice):
            self._tell[each.kind](each.row)
        waiting.clear()

    def _ask_events(self, events: list[Row]) -> None:
        patterns = self._sampled.get("pattern_features", {})
        steps = self._sampled.get("step_features", {})
        for observation in _by_actor(events):
            names = [event["event_id"] for event in observation]
            first = min(names)
            if not (first in steps or any(name in patterns for name in names)):
                continue
            self._tell_all()
            for name, values in zip(names, self._live.pattern_features(observation), strict=True):
                if name in patterns:
                    self._compared["pattern_features"].compare(name, values, patterns[name])
            if first in steps:
                values = self._live.step_features(observation)
                self._compared["step_features"].compare(first, values, steps[first])

    def _ask_suggestions(self, suggestions: list[Row]) -> None:
        sampled = self._sampled.get("suggestion_features", {})
        shown = sorted(
            (each for each in suggestions if each["outcome_at"] is None),
            key=lambda each: str(each["user_id"]),
        )
        for _, together in groupby(shown, key=lambda each: each["user_id"]):
            at_once = list(together)
            if not any(each["suggestion_id"] in sampled for each in at_once):
                continue
            self._tell_all()
            answers = self._live.suggestions.features(at_once)
            for each, values in zip(at_once, answers, strict=True):
                name = each["suggestion_id"]
                if name in sampled:
                    self._compared["suggestion_features"].compare(name, values, sampled[name])

    def _ask_start_times(self, decision: Row) -> None:
        sampled = self._sampled["start_time_features"]
        self._tell_all()
        times = [(c, slot) for _, c, slot in decision["candidates"]]
        answers = self._live.start_times.features(decision, times)
        for (name, _, _), values in zip(decision["candidates"], answers, strict=True):
            self._compared["start_time_features"].compare(name, values, sampled[name])


def _by_actor(events: list[Row]) -> Iterator[list[Row]]:
    """The observations among events of one moment: those of one user or, in a process log, of one case."""
    groups: dict[tuple[bool, str], list[Row]] = {}
    for event in events:
        in_case = event["source"].startswith("process-log:") and event["session_id"] is not None
        actor = event["session_id"] if in_case else event["user_id"]
        groups.setdefault((in_case, actor), []).append(event)
    yield from groups.values()
