"""A home keeps its source and clock; what is typed later agrees or is refused, in one line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ml_platform.application.settle_home import settle_home
from ml_platform.clock import last_boundary
from ml_platform.errors import SourceError, UsageError
from ml_platform.home import HomeState, SourceChoice, read_home
from ml_platform.settings import read_settings

NOTHING: dict[str, Any] = {"source_text": None, "as_of": None}


def settle(home: Path, **typed: Any) -> HomeState:
    return settle_home(read_settings({"ML_PLATFORM_HOME": str(home)}), **{**NOTHING, **typed})


def with_events(home: Path) -> None:
    (home / "lake" / "events" / "day=2026-05-01").mkdir(parents=True)


def test_a_new_home_takes_the_last_boundary_and_a_known_one_keeps_it(tmp_path: Path) -> None:
    first = settle(tmp_path, as_of="2026-05-01T13:00Z", seed=4)
    assert first.as_of == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert first.first_window == datetime(2026, 5, 1, 6, tzinfo=UTC)
    with_events(tmp_path)
    again = settle(tmp_path)
    assert again == first
    assert read_home(read_settings({"ML_PLATFORM_HOME": str(tmp_path)})) == first


@pytest.mark.parametrize(
    ("typed", "odd"),
    [({"seed": 5}, "--seed"), ({"days": 30}, "--days"), ({"source_text": "git:."}, "--source")],
)
def test_another_option_is_refused_by_name(tmp_path: Path, typed: dict[str, Any], odd: str) -> None:
    settle(tmp_path, as_of="2026-05-01T12:00Z", seed=4)
    with_events(tmp_path)
    with pytest.raises(UsageError, match=f"with another {odd}"):
        settle(tmp_path, **typed)


def test_the_same_options_typed_again_agree(tmp_path: Path) -> None:
    first = settle(tmp_path, as_of="2026-05-01T12:00Z", seed=4, days=90)
    with_events(tmp_path)
    assert settle(tmp_path, seed=4, days=90) == first


def exports(folder: Path) -> Path:
    """A folder with a file of events, of which only the header is looked at here."""
    (folder / "events.csv").write_text("event_id,user_id,occurred_at,tool,operation\n")
    return folder


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("files:{}", "has no events"),
        ("git:{}", "is no git repository"),
        ("process-log:{}/log.csv", "no column for the case"),
    ],
)
def test_what_is_wrong_with_a_source_is_said_before_it_is_read(
    tmp_path: Path, source: str, message: str
) -> None:
    (tmp_path / "log.csv").write_text("a,b\n")
    with pytest.raises(SourceError, match=message):
        settle(tmp_path / "home", source_text=source.format(tmp_path))
    assert not (tmp_path / "home" / "home.json").exists()


def test_a_simulation_cannot_end_elsewhere(tmp_path: Path) -> None:
    settle(tmp_path, as_of="2026-05-01T12:00Z")
    with_events(tmp_path)
    with pytest.raises(UsageError, match="has other events"):
        settle(tmp_path, as_of="2026-05-03T12:00Z")


def test_a_first_run_that_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    settle(tmp_path, as_of="2026-05-01T12:00Z", source_text=f"files:{exports(tmp_path)}")
    before = last_boundary(datetime.now(UTC))
    state = settle(tmp_path, source_text="simulate")
    assert state.source == SourceChoice(text="simulate")
    assert before <= state.as_of <= last_boundary(datetime.now(UTC))
    assert not state.settled


def test_now_lets_a_settled_clock_move_again(tmp_path: Path) -> None:
    settle(tmp_path, as_of="2026-05-01T12:00Z", source_text=f"files:{exports(tmp_path)}")
    with_events(tmp_path)
    before = last_boundary(datetime.now(UTC))
    moved = settle(tmp_path, as_of="now")
    assert not moved.settled
    assert before <= moved.as_of <= last_boundary(datetime.now(UTC))
    assert moved.first_window == datetime(2026, 5, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2999-01-01"])
def test_a_clock_that_is_none_or_lies_ahead_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="--as-of"):
        settle(tmp_path, as_of=text)
    assert read_home(read_settings({"ML_PLATFORM_HOME": str(tmp_path)})) is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@ss@h/d",
        "postgresql://h/d?user=u&password=p@ss",
        "postgresql://:p@ss@h/d",
        "host=h password=p@ss",
    ],
)
def test_no_password_is_ever_shown_or_readable_by_others(tmp_path: Path, url: str) -> None:
    choice = SourceChoice(text=f"postgres:{url}")
    assert "ss" not in choice.label.removeprefix("postgres:").removeprefix("(a connection string)")
    queries = tmp_path / "q.sql"
    queries.write_text("-- table: events\nSELECT 1\n")
    settle(tmp_path, source_text=f"postgres:{url}", query_file=str(queries))
    assert (tmp_path / "home.json").stat().st_mode & 0o077 == 0


def test_a_mistyped_kind_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        settle(tmp_path, source_text="postgress:postgresql://u:secret@h/d")
    assert "secret" not in str(refused.value)
