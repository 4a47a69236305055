import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.features.session_features import SESSION_FEATURES, TABLE
from ml_platform_tests.features.conftest import Built
from ml_platform_tests.features.lakes import AS_OF, START, session_world
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.session_oracle import session_rows
from ml_platform_tests.features.table_keys import KEYS

Rows = list[dict[str, Any]]
Compute = Callable[[Sequence[Event], Rows], Rows]
NAMES = [spec.name for spec in SESSION_FEATURES]


def report(session: str, user: str, at: datetime = START, source: str = "test") -> dict[str, Any]:
    return {
        "anomaly_id": f"a-{source}-{session}",
        "session_id": session,
        "user_id": user,
        "occurred_at": at,
        "received_at": at,
        "source": source,
        "kind": None,
    }


def assert_same(ours: Rows, theirs: Rows) -> None:
    assert [row["row_id"] for row in ours] == [row["row_id"] for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for name, value in other.items():
            if isinstance(value, float):  # the SQL rounds what it adds up to millionths
                assert mine[name] == pytest.approx(value, abs=2e-5), (mine["row_id"], name)
            else:
                assert mine[name] == value, (mine["row_id"], name)


def test_by_hand(sessions_of: Compute) -> None:
    """Five moments a second apart: e - 1 seconds have a gap of 1; nothing came before."""
    events = [
        Event(
            f"e{n}",
            "u",
            START + timedelta(seconds=n * (math.e - 1)),
            f"e{n}",
            "editor",
            ("open", "edit")[n % 2],
            object_path="src/a.py" if n < 2 else None,
            session_id="s",
        )
        for n in range(5)
    ]
    (row,) = sessions_of(events, [])
    assert (row["row_id"], row["cluster_id"], row["change_set_id"]) == ("s", "u", "s")
    assert row["occurred_at"] == events[-1].occurred_at
    assert row["anomalous"] is None
    assert row["gap_mean"] == pytest.approx(1, abs=1e-6)
    assert row["gap_spread"] == pytest.approx(0, abs=1e-6)
    assert (row["session_events"], row["distinct_file_share"], row["tool_entropy"]) == (5, 0.5, 0)
    assert row["step_entropy"] == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4))
    assert (row["distinct_transition_share"], row["night_share"]) == (0.5, 1)
    assert row["size_deviation"] is None
    assert all(row[name] is None for name in NAMES if name.startswith("unusual"))


def test_four_moments_have_no_row(sessions_of: Compute) -> None:
    events = [
        Event(f"e{n}", "u", START + timedelta(minutes=n // 2), f"e{n}", "editor", "edit")
        for n in range(8)
    ]
    assert sessions_of(events, []) == []


@pytest.mark.parametrize("seed", range(1, 5))
def test_compiled_sql_agrees_with_the_oracle(sessions_of: Compute, seed: int) -> None:
    events = session_world(seed)
    rows = session_rows(events)
    assert len(rows) > 20
    assert any(row["unusual_work"] is not None for row in rows)
    assert_same(sessions_of(events, []), rows)


def test_ties_of_users_are_no_past_and_a_month_has_its_first_microsecond(
    sessions_of: Compute,
) -> None:
    """Two more users do what user a does: one at the same microseconds, one exactly 30 days later."""
    events = session_world(seed=7)
    for user, later in (("d", timedelta(0)), ("e", timedelta(days=30))):
        events += [
            replace(
                event,
                event_id=f"{user}{event.event_id}",
                user_id=user,
                occurred_at=event.occurred_at + later,
                session_id=event.session_id and f"{user}{event.session_id}",
                change_set_id=f"{user}{event.change_set_id}",
            )
            for event in events
            if event.user_id == "a"
        ]
    rows = session_rows(events)
    assert {row["user_id"] for row in rows if row["unusual_work"] is not None} >= {"a", "d", "e"}
    assert_same(sessions_of(events, []), rows)


def test_means_are_sums_of_whole_millionths(sessions_of: Compute) -> None:
    """Threads add up in any order: sums of floats would differ in the last digit, and every hash with them."""
    rows = sessions_of(session_world(seed=5), [])
    assert sum(row["unusual_step"] is not None for row in rows) > 20
    for row in rows:
        moments = row["session_events"]
        sums = [row["gap_mean"] * (moments - 1)]
        if row["unusual_step"] is not None:
            sums.append(row["unusual_step"] * math.sqrt(moments))
            sums.append(row["unusual_gap"] * math.sqrt(moments - 1))
        for millionths in (1e6 * each for each in sums):
            assert millionths == pytest.approx(round(millionths), abs=1e-5), row["row_id"]


def test_the_build_has_the_declared_columns(built: Built) -> None:
    labels = [label.name for label in TABLE.labels]
    (path,) = parquet_files(built.build.path(TABLE.name))
    assert pq.read_schema(path).names == [*KEYS, *labels, *NAMES]


@pytest.mark.parametrize("how", ["changed", "deleted", "added"])
@pytest.mark.parametrize("place", [10, 20, 30])
def test_poisoning_the_future_changes_no_feature(
    sessions_of: Compute, how: str, place: int
) -> None:
    """Everything from the last moment of a session on, but for that moment itself."""
    events = session_world(seed=9)
    clean = {row["row_id"]: row for row in sessions_of(events, [])}
    row = list(clean.values())[place]
    end, user = row["occurred_at"], row["user_id"]
    kept = [e for e in events if e.occurred_at < end or (e.occurred_at, e.user_id) == (end, user)]
    future = [e for e in events if e not in kept]
    changed = [
        replace(
            e,
            event_id=f"!{e.event_id}",
            tool="poison",
            session_id=None,
            occurred_at=e.occurred_at + timedelta(hours=1),
        )
        for e in future
    ]
    dirty = {"deleted": kept, "changed": kept + changed, "added": kept + future + changed}[how]
    dirty_rows = {each["row_id"]: each for each in sessions_of(dirty, [])}
    over = [each for each in clean.values() if each["occurred_at"] <= end]
    assert len(over) > place
    for each in over:
        differing = [n for n in [*KEYS, *NAMES] if dirty_rows[each["row_id"]][n] != each[n]]
        assert not differing, (each["row_id"], differing)


def test_other_names_of_users_change_the_names_alone(sessions_of: Compute) -> None:
    events = [replace(e, session_id=f"{e.user_id}{e.session_id}") for e in session_world(seed=3)]
    other = {"a": "b", "b": "c", "c": "a"}
    renamed = sessions_of([replace(e, user_id=other[e.user_id]) for e in events], [])
    same = {row["row_id"]: row for row in sessions_of(events, [])}
    assert len(renamed) == len(same)
    for row in renamed:
        before = same[row["row_id"]]
        for name in NAMES:
            assert row[name] == before[name], name


def test_labels(sessions_of: Compute) -> None:
    """Known a day after the end, and only where the source has reports; another user's session is another."""

    def session(user: str, end: datetime, source: str = "test") -> list[Event]:
        return [
            Event(
                f"{source}{user}{n}{end:%d}",
                user,
                end - timedelta(minutes=4 - n),
                f"{user}{n}",
                "editor",
                "edit",
                source=source,
                session_id="s",
            )
            for n in range(5)
        ]

    day = timedelta(days=1)
    events = [
        *session("a", AS_OF - day - timedelta(seconds=1)),
        *session("b", AS_OF - day - timedelta(seconds=1)),
        *session("c", AS_OF - day),
        *session("d", AS_OF - 3 * day, "silent"),
    ]
    rows = sessions_of(events, [report("s", "a"), report("s", "c")])
    assert {row["user_id"]: row["anomalous"] for row in rows} == {
        "a": "yes",
        "b": "no",
        "c": None,
        "d": None,
    }
    assert len({row["row_id"] for row in rows}) == 4
