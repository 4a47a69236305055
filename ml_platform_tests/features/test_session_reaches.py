"""One more day on a hundred: what reaches back to old sessions, and each look-back made too short."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_platform.adapters.published_moments import PublishedMoments
from ml_platform.application import asked_sessions
from ml_platform_tests.features.compiled_features import CompiledFeatures
from ml_platform_tests.features.day_by_day import GrowingHome, Lake, from_scratch
from ml_platform_tests.features.growing_lakes import DAY, HOUR, row_of, steps
from ml_platform_tests.features.lakes import START
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.test_session_features import report

Rows = list[dict[str, Any]]
MINUTE = timedelta(minutes=1)
NEXT = START + 100 * DAY
EVE = START + 98 * DAY - 3 * MINUTE
"""The begin of the first session of which a moment is built again."""
SESSIONS = {"session_features", "moment_surprises", "int_events"}


def session(name: str, user: str, *moments: datetime) -> Rows:
    """A named session, with two tools and operations in turn."""
    return [
        row_of(
            Event(
                f"{name}-{user}{moment:%m%d%H%M}",
                user,
                moment,
                f"{name}{user}{number}",
                ("editor", "shell")[number % 2],
                ("open", "edit", "run")[number % 3],
                object_path=f"src/{'ab'[number % 2]}.py",
                session_id=name,
            )
        )
        for number, moment in enumerate(moments)
    ]


def five(name: str, user: str, begin: datetime, moments: int = 5) -> Rows:
    """A session of moments a minute apart."""
    return session(name, user, *(begin + number * MINUTE for number in range(moments)))


def hundred_days() -> Rows:
    """A session a day, twelve on each of the last three, and what a day may reach back to."""
    rows: Rows = []
    for day in range(97):
        rows += five(f"daily{day}", "v", START + day * DAY + 10 * HOUR)
    for day in range(97, 100):
        for number in range(12):
            begin = START + day * DAY + (8 + number) * HOUR
            rows += five(f"many{day}-{number}", "vwxy"[number % 4], begin)
    rows += five("long", "u", START + 60 * DAY)
    rows += five("shared", "w", START + 50 * DAY)
    rows += five("twice", "z", START + 20 * DAY) + five("twice", "x", START + 99 * DAY)
    rows += five("night", "q", START + 99 * DAY - 3 * MINUTE)
    rows += five("eve", "q", EVE)
    rows += five("month", "z", EVE - 30 * DAY, moments=1)
    rows += session("over", "z", *(EVE - 30 * DAY + n * HOUR for n in (-1, 1)))
    rows += steps(*(START + 3 * DAY + n * HOUR for n in range(110)), user="back")
    rows += steps(*(START + 40 * DAY + n * HOUR for n in range(30)), user="seldom")
    rows += steps(*(START + (72 + n % 2) * DAY + n * MINUTE for n in range(98)), user="seldom")
    rows += steps(*(NEXT - n * 7 * HOUR for n in range(1, 150)), user="always")
    return rows


def next_day() -> Rows:
    rows = five("next", "v", NEXT + 10 * HOUR)
    for user in ("back", "seldom", "always"):
        rows += steps(NEXT, user=user)
    return rows


@dataclass(frozen=True)
class Days:
    """A home of a hundred days, and what a build from scratch makes of each way to go on."""

    home: GrowingHome
    compiled: CompiledFeatures
    before: Lake
    scratch: dict[str, dict[str, bytes]]

    def after(self, how: str) -> Lake:
        events = [*self.before["events"], *next_day()]
        reports = list(self.before["known_anomalies"])
        if how == "a session goes on":
            events += session("long", "u", NEXT + HOUR)
        if how == "a name is given again":
            events += five("shared", "x", NEXT + HOUR)
        if how == "a session loses its end":
            events = [row for row in events if row["event_id"] not in self.end_of_long]
        if how == "a report comes in late":
            reports.append(report("daily30", "v", START + 30 * DAY))
        return {"events": events, "known_anomalies": reports}

    @property
    def end_of_long(self) -> set[str]:
        return {row["event_id"] for row in five("long", "u", START + 60 * DAY)[-1:]}

    def grown_as_scratch(
        self, folder: Path, how: str = "a day", compiled: CompiledFeatures | None = None
    ) -> bool:
        """Whether the home of a hundred days has, after one more, the bytes of a build from scratch."""
        home = self.home.copied(folder, compiled or self.compiled)
        asked = home.build(self.after(how), NEXT + DAY)
        assert set(asked) == {"pattern_features", "step_features", *SESSIONS}
        if how not in self.scratch:
            scratch = from_scratch(
                folder.parent / "scratch", self.compiled, self.after(how), NEXT + DAY
            )
            self.scratch[how] = scratch
        return home.published() == self.scratch[how]


@pytest.fixture(scope="module")
def days(
    compiled: CompiledFeatures,
    tmp_path_factory: pytest.TempPathFactory,
    parts_of_twelve_rows_of_a_module: None,
) -> Days:
    reports: Sequence[Any] = [report("daily10", "v", START + 10 * DAY)]
    before = {"events": hundred_days(), "known_anomalies": reports}
    home = GrowingHome(tmp_path_factory.mktemp("days") / "home", compiled)
    home.build(before, NEXT)
    return Days(home, compiled, before, {})


def nothing(*_: object) -> None:
    return None


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    ("how", "query"),
    [
        ("a session goes on", "last_of_reached"),
        ("a name is given again", "last_of_reached"),
        ("a report comes in late", "relabelled"),
    ],
)
def test_what_comes_in_reaches_the_rows_of_old_sessions(
    how: str,
    query: str,
    cut: bool,
    days: Days,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if cut:
        monkeypatch.setattr(PublishedMoments, query, nothing)
    assert days.grown_as_scratch(tmp_path / "home", how) != cut


def test_a_session_that_loses_its_end_has_its_row_earlier(days: Days, tmp_path: Path) -> None:
    assert days.grown_as_scratch(tmp_path / "home", "a session loses its end")


def test_one_more_day(days: Days, tmp_path: Path) -> None:
    assert days.grown_as_scratch(tmp_path / "home")


Cut = tuple[object, str, object]
CUTS: dict[str, Cut] = {
    "the clock gives labels to the sessions of a day": (PublishedMoments, "relabelled", nothing),
    "the month before a session": (asked_sessions, "LOOK_BACK", 30 * DAY - 2 * HOUR),
    "the begin of a session that is built": (PublishedMoments, "first_begin", nothing),
    "the begin of a session in the month": (PublishedMoments, "first_stretch", nothing),
}


@pytest.mark.parametrize("cut", CUTS)
def test_one_more_day_with_less_before_it(
    cut: str, days: Days, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*CUTS[cut])
    assert not days.grown_as_scratch(tmp_path / "home")


EDITS = {
    "the steps of users who come back": (
        "int_returning_events",
        "count(*) >= 100",
        "count(*) >= 98",
    ),
    "a run in one folder": ("int_returning_events", " and bool_or(is_after_pause)", ""),
    "the week of what was done before": ("int_memories", "- 604800000000", "- 345600000000"),
    "names that older sessions have": ("session_features", "having count(*) >= 5", "having false"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_sql_that_looks_back_on_less(
    edit: str, compiled: CompiledFeatures, days: Days, tmp_path: Path
) -> None:
    edited = compiled.edited(*EDITS[edit])
    assert not days.grown_as_scratch(tmp_path / "home", compiled=edited)
