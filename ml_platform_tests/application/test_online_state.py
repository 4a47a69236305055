"""The online state of a home: it goes on from a snapshot, and from the lake where it may not."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from ml_platform.adapters.lake import ParquetLake
from ml_platform.adapters.manifest import Manifest
from ml_platform.adapters.online_snapshots import OnlineSnapshots
from ml_platform.application.online_state import OnlineState
from ml_platform.cli.online import online
from ml_platform.events.schema import TABLES
from ml_platform.home import HomeState, SourceChoice, write_home
from ml_platform.settings import Settings
from ml_platform_tests.features.growing_lakes import process_log
from ml_platform_tests.features.lakes import AS_OF
from ml_platform_tests.features.pattern_oracle import Event
from ml_platform_tests.features.start_time_lakes import execution
from ml_platform_tests.features.start_time_lakes import random_history as random_runs
from ml_platform_tests.features.suggestion_lakes import lake_tables, random_history

Rows = Sequence[dict[str, Any]]


def events_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {name: getattr(event, name, None) for name in TABLES["events"].names}
        | {"received_at": AS_OF}
        for event in events
    ]


def known(number: int) -> list[Event]:
    """Events of users and cases in the order of time, all with their offset from UTC."""
    events = [replace(event, utc_offset_minutes=0) for event in process_log(number)]
    return sorted(events, key=lambda event: (event.occurred_at, event.event_id))


def stored(home: Path, **tables: Rows) -> Settings:
    settings = Settings(home, None, None, None)
    lake = ParquetLake(settings.lake, settings.quarantine)
    for name, rows in tables.items():
        lake.merge(name, pa.Table.from_pylist(list(rows), schema=TABLES[name]))
    return settings


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that knows half of what happens, and has kept a snapshot of it."""
    events = known(3)
    settings = stored(
        tmp_path_factory.mktemp("home"),
        events=events_of(events[: len(events) // 2]),
        suggestions=lake_tables(random_history(3, offers=60))["suggestions"],
        workflow_executions=[execution(run) for run in random_runs(3, size=60)[0]],
    )
    write_home(settings, HomeState(SourceChoice("files:x"), AS_OF, AS_OF, settled=True))
    state = OnlineState(settings)
    found = state.catch_up()
    assert (found.from_snapshot, found.why) == (False, "no snapshot was kept")
    assert found.newest == events[len(events) // 2 - 1].occurred_at
    assert state.keep() == OnlineSnapshots(settings).path.stat().st_size
    return settings.home


@pytest.fixture
def home(half: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(half, tmp_path / "home"))


def answers(state: OnlineState) -> list[Any]:
    """Features of the next moments of everybody who is known, a minute after the newest event."""
    live = state.live
    now = live.events.newest + 60_000_000
    asked = []
    for event in known(3):
        row = {
            name: value for name, value in events_of([event])[0].items() if name != "received_at"
        }
        asked.append({**row, "occurred_at": now, "event_id": "now", "t": now})
    found: list[Any] = [
        (live.pattern_features([event]), live.step_features([event])) for event in asked
    ]
    for user, workflow in (("a", "v"), ("b", "w"), ("a", "x")):
        offer = {"user_id": user, "workflow_id": workflow, "category": "fix", "shown_at": now}
        found.append(live.suggestions.features([offer]))
        run = {"user_id": user, "workflow_id": workflow, "trigger": "manual"}
        decision = {**run, "t": now, "utc_offset_minutes": None}
        found.append(live.start_times.features(decision, [(now, 3), (now + 3_600_000_000, 4)]))
    return found


def read_whole(home: Path) -> OnlineState:
    """The state of a home without a snapshot."""
    settings = Settings(home, None, None, None)
    OnlineSnapshots(settings).remove()
    state = OnlineState(settings)
    assert not state.catch_up().from_snapshot
    return state


def test_a_restart_goes_on_with_what_is_new(home: Path) -> None:
    events = known(3)
    settings = stored(
        home,
        events=events_of(events[len(events) // 2 :]),
        suggestions=lake_tables(random_history(3, offers=150))["suggestions"],
        workflow_executions=[execution(run) for run in random_runs(3, size=80)[0]],
    )
    state = OnlineState(settings)
    found = state.catch_up()
    assert found.from_snapshot
    assert found.newest == events[-1].occurred_at
    nothing = state.catch_up()
    assert (nothing.from_snapshot, nothing.days, nothing.told) == (True, 0, 0)
    state.keep()
    again = OnlineState(settings)
    assert again.catch_up().told == 0
    assert answers(again) == answers(state) == answers(read_whole(home))


def test_it_says_how_much_of_the_lake_it_has_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml_platform.application.online_state._TOLD_EVERY", 1)
    settings = Settings(home, None, None, None)
    OnlineSnapshots(settings).remove()
    shares: list[float] = []
    told = OnlineState(settings).catch_up(shares.append).told
    assert shares == [number / told for number in range(1, told + 1)]


def test_an_event_that_comes_an_hour_late_is_told(home: Path) -> None:
    newest = known(3)[len(known(3)) // 2 - 1]
    late = replace(newest, event_id="late", occurred_at=newest.occurred_at - timedelta(hours=1))
    state = OnlineState(stored(home, events=events_of([late])))
    found = state.catch_up()
    assert (found.from_snapshot, found.days) == (True, 1)
    assert answers(state) == answers(read_whole(home))


def test_an_event_that_comes_days_late_lets_the_whole_lake_be_read(home: Path) -> None:
    newest = known(3)[len(known(3)) // 2 - 1]
    late = replace(newest, event_id="late", occurred_at=newest.occurred_at - timedelta(days=9))
    state = OnlineState(stored(home, events=events_of([late])))
    found = state.catch_up()
    assert not found.from_snapshot
    assert "has changed, of more than a day before the newest event" in found.why
    assert answers(state) == answers(read_whole(home))


def test_a_day_that_has_gone_is_not_remembered(home: Path) -> None:
    settings = Settings(home, None, None, None)
    first = min((settings.lake / "events").glob("day=*/rows.parquet"))
    Manifest(home).remove(first)
    found = OnlineState(settings).catch_up()
    assert found.why == f"{first.relative_to(settings.lake)} is not in the lake any more"


def test_a_snapshot_of_other_code_or_with_a_changed_byte_is_not_used(home: Path) -> None:
    settings = Settings(home, None, None, None)
    snapshots = OnlineSnapshots(settings)
    read = snapshots.read()
    assert read is not None
    snapshots.write(replace(read[0], definition="another"), read[1])
    found = OnlineState(settings).catch_up()
    assert found.why == "the snapshot was made by other SQL or other code"
    content = bytearray(snapshots.path.read_bytes())
    content[len(content) // 2] ^= 1
    snapshots.path.write_bytes(content)
    state = OnlineState(settings)
    assert "the snapshot is damaged" in state.catch_up().why
    state.keep()
    assert OnlineState(settings).catch_up().from_snapshot


def test_the_command_says_what_it_did_and_keeps_it(home: Path) -> None:
    def called(*arguments: str) -> str:
        result = CliRunner().invoke(
            online, ["--home", str(home), *arguments], standalone_mode=False
        )
        assert result.return_value == 0, result.output
        return result.stdout

    lines = called().splitlines()
    assert lines[0].startswith("went on from the snapshot; 0 told from 0 files in ")
    assert lines[1].startswith("kept a snapshot of ")
    OnlineSnapshots(Settings(home, None, None, None)).remove()
    assert called().startswith("read everything: no snapshot was kept; ")
    assert '"from_snapshot": true' in called("--json")


def test_a_snapshot_names_who_is_in_it(home: Path) -> None:
    snapshots = OnlineSnapshots(Settings(home, None, None, None))
    assert snapshots.knows("a")
    assert not snapshots.knows("somebody else")
    snapshots.remove()
    assert not snapshots.knows("a")
