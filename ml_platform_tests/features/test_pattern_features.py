import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ml_platform.adapters.feature_parts import parquet_files
from ml_platform.adapters.warehouse import publish_features
from ml_platform.features.pattern_features import PATTERN_FEATURES
from ml_platform_tests.features.conftest import Built, rows_of
from ml_platform_tests.features.lakes import START, random_events
from ml_platform_tests.features.pattern_oracle import Event, pattern_features
from ml_platform_tests.features.table_keys import KEYS

Rows = list[dict[str, Any]]
Compute = Callable[[Sequence[Event]], Rows]
NAMES = [spec.name for spec in PATTERN_FEATURES]
COLUMNS = [*KEYS, "workflow_category", *NAMES]


def change_set(minutes: float, path: str, *, user: str = "u", n: int = 0, **more: Any) -> Event:
    at = START + timedelta(minutes=minutes)
    values = {"tool": "editor", "operation": "M", "object_path": path} | more
    return Event(f"{user}{minutes}-{n}", user, at, f"{user}{minutes}", **values)


def by_id(rows: Rows) -> dict[str, dict[str, Any]]:
    return {row["row_id"]: row for row in rows}


def assert_same(ours: Rows, theirs: Rows) -> None:
    assert [row["row_id"] for row in ours] == [row["row_id"] for row in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        differing = {name: (mine[name], other[name]) for name in other if mine[name] != other[name]}
        assert not differing, (mine["row_id"], differing)


class TestByHand:
    """Three change sets of one user: at 0, 10 and 50 minutes; a second user touches the same file at 10."""

    @pytest.fixture(scope="class")
    def rows(self, features_of: Compute) -> dict[str, dict[str, Any]]:
        return by_id(
            features_of(
                [
                    change_set(0, "src/app/a.py"),
                    change_set(10, "src/app/a.py", operation="A", tool="shell"),
                    change_set(10, "docs/x.md", n=1),
                    change_set(50, "src/app/a.py"),
                    change_set(10, "src/app/a.py", user="v"),
                ]
            )
        )

    def test_first_row_knows_nothing(self, rows: dict[str, dict[str, Any]]) -> None:
        first = rows["u0-0"]
        assert first["seconds_since_last"] is None
        assert first["share_tool_7d"] is None
        assert first["object_touches_30d"] == 0
        assert first["hours_since_object_touched"] is None
        assert first["session_tokens"] == []

    def test_ties_are_not_the_past(self, rows: dict[str, dict[str, Any]]) -> None:
        assert rows["u10-0"]["events_1h"] == 1
        assert rows["v10-0"]["object_touches_30d"] == 1
        assert rows["v10-0"]["folder_users_30d"] == 1

    def test_the_change_set_is_one_observation(self, rows: dict[str, dict[str, Any]]) -> None:
        row = rows["u10-1"]
        assert (row["change_set_rows"], row["change_set_folders"], row["change_set_kinds"]) == (
            2,
            2,
            2,
        )
        assert (row["change_set_share_add"], row["change_set_share_docs"]) == (0.5, 0.5)
        assert row["same_extension_share"] == 0.5

    def test_windows_and_sequence(self, rows: dict[str, dict[str, Any]]) -> None:
        last = rows["u50-0"]
        assert (last["events_1h"], last["change_sets_24h"], last["session_position"]) == (3, 2, 0)
        assert (last["seconds_since_last"], last["mean_gap_24h"]) == (2400, 600)
        assert last["object_touches_30d"] == 3
        assert last["hours_since_object_touched"] == 2400 / 3600
        assert last["share_extension_7d"] == 2 / 3
        # The moment at 10 minutes: editor and shell, A and M, docs and src tie; the alphabet decides.
        assert last["session_tokens"] == ["t:editor|o:A", "t:editor|o:M"]
        assert last["session_places"] == ["s:docs|x:md", "s:src/app|x:py"]
        assert (last["run_length"], last["lag1_folder"], last["lag2_folder"]) == (0, "docs", "src")


def test_dbt_agrees_with_the_oracle_to_the_bit(built: Built) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        (path,) = parquet_files(built.build.path("pattern_features"))
        rows = rows_of(connection, f"select * from '{path}'")
    assert_same(rows, pattern_features(built.events))


@pytest.mark.parametrize("seed", range(2, 8))
def test_compiled_sql_agrees_with_the_oracle_to_the_bit(features_of: Compute, seed: int) -> None:
    events = random_events(seed)
    assert_same(features_of(events), pattern_features(events))


def test_a_month_in_a_folder_holds_its_first_microsecond_and_not_its_last(
    features_of: Compute,
) -> None:
    """Users come back after half a month, a month, and a microsecond more or less."""
    draw = random.Random(11)
    half, events = timedelta(days=15), []
    for number in range(80):
        at = START + draw.randrange(9) * half + timedelta(microseconds=draw.choice((-1, 0, 0, 1)))
        user, path = (
            draw.choice("abcd"),
            draw.choice(("src/app/a.py", "docs/guide/x.md", "top.txt")),
        )
        events.append(Event(f"e{number}", user, at, f"c{number}", "editor", "M", object_path=path))
    rows = features_of(events)
    assert {row["folder_users_30d"] for row in rows} >= {0, 1, 2, 3, 4}
    assert_same(rows, pattern_features(events))


def test_the_file_has_the_keys_and_then_the_catalogue(built: Built) -> None:
    (path,) = parquet_files(built.build.path("pattern_features"))
    assert pq.read_schema(path).names == COLUMNS


def poisoned(events: Sequence[Event], row: Event, how: str) -> list[Event]:
    """Everything at or after ``row``, other than its change set, changed, deleted or joined by more."""

    def safe(event: Event) -> bool:
        same_change_set = (event.user_id, event.t, event.change_set_id) == (
            row.user_id,
            row.t,
            row.change_set_id,
        )
        return event.t < row.t or same_change_set

    kept = [event for event in events if safe(event)]
    future = [event for event in events if not safe(event)]
    if how == "deleted":
        return kept
    changed = [
        replace(
            event,
            event_id=f"!{event.event_id}",
            tool="poison",
            operation="add",
            object_path=row.object_path,
            utc_offset_minutes=row.utc_offset_minutes,
            user_id=row.user_id,
        )
        for event in future
    ]
    if how == "changed":
        return kept + changed
    tie = replace(
        row, event_id="!tie", change_set_id="!tie", tool="poison", object_path="src/app/a.py"
    )
    return kept + future + changed + [tie]


@pytest.mark.parametrize("how", ["changed", "deleted", "added"])
@pytest.mark.parametrize("place", [20, 60, 100])
def test_poisoning_the_future_changes_no_feature(
    features_of: Compute, how: str, place: int
) -> None:
    events = sorted(random_events(seed=9), key=lambda event: (event.t, event.event_id))
    row = events[place]
    clean = by_id(features_of(events))
    dirty = by_id(features_of(poisoned(events, row, how)))
    untouched = [e.event_id for e in events if e.t < row.t] + [row.event_id]
    for name in COLUMNS:
        for event_id in untouched:
            assert dirty[event_id][name] == clean[event_id][name], (name, event_id)


def test_order_of_arrival_changes_no_byte(
    built: Built, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from ml_platform.adapters.warehouse import build_features
    from ml_platform_tests.features.lakes import AS_OF, write_lake

    folder = tmp_path_factory.mktemp("late")
    shuffled = list(built.events)
    random.Random(0).shuffle(shuffled)
    late = datetime(2027, 1, 1, tzinfo=UTC)
    lake = write_lake(folder / "lake", shuffled, received_at=late)
    again = build_features(lake, folder / "out", folder / "w.duckdb", AS_OF, lambda _: None)
    assert again.version("pattern_features") == built.build.version("pattern_features")
    published = publish_features(folder / "second", folder / "w.duckdb")
    assert published.version("pattern_features") == built.build.version("pattern_features")
