"""Small lakes with everything that makes windows hard: ties, change sets of several rows, pauses, missing paths."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml_platform.events.schema import TABLES
from ml_platform_tests.features.pattern_oracle import Event

START = datetime(2026, 3, 1, tzinfo=UTC)
AS_OF = datetime(2026, 7, 1, tzinfo=UTC)

_PATHS = (
    "README.md",
    "docs/guide/intro.md",
    "src/app/main.py",
    "src/app/main_test.py",
    "src/app/views/list_view.ts",
    "src/core/__init__.py",
    "/src/core/.hidden",
    ".github/workflows/ci.yml",
    "package.json",
    "poetry.lock",
    "tests/app/test_app_app.py",
    "src\\app\\win.c",
    "data/Blob",
    None,
)
_SESSION_PATHS = ("src/app/a.py", "src/app/b.py", "docs/x.md", "top.txt", None)
_PAUSES = (0, 0, 1, 1_000_000, 60_000_000, 1_800_000_000, 1_800_000_001, 3_600_000_000)
_LONG_PAUSES = (28_800_000_000, 86_400_000_000, 86_400_000_001, 604_800_000_000)


def random_events(seed: int, change_sets: int = 70) -> list[Event]:
    """Change sets of one to five rows by three users, many at equal or exactly window-wide distances."""
    random = Random(seed)
    clock = START
    events: list[Event] = []
    for change_set in range(change_sets):
        pauses = _LONG_PAUSES if random.random() < 0.15 else _PAUSES
        clock += timedelta(microseconds=random.choice(pauses))
        user = random.choice("abc")
        for row in range(random.choice((1, 1, 1, 2, 5))):
            path = random.choice(_PATHS)
            events.append(
                Event(
                    event_id=f"e{random.randrange(10**9):09d}-{change_set}-{row}",
                    user_id=user,
                    occurred_at=clock,
                    change_set_id=f"c{change_set}",
                    tool=random.choice(("editor", "shell", "browser")),
                    operation=random.choice(("add", "M", "renamed", "D")),
                    object_path=path,
                    object_extension=random.choice((None, None, "", ".PY", "md")),
                    session_id=random.choice((None, f"s{change_set}")),
                    workflow_category=random.choice((None, "fix", "feat")),
                    is_bot=user == "c",
                    utc_offset_minutes=random.choice((None, 0, 120, -330)),
                )
            )
    return events


def session_world(seed: int, sessions: int = 50) -> list[Event]:
    """Sessions of three users over six weeks, named by the source or not, some moments of several rows."""
    draw = Random(seed)
    clock = dict.fromkeys("abc", START)
    events: list[Event] = []
    for number in range(sessions):
        user = draw.choice("abc")
        clock[user] += timedelta(hours=draw.choice((1, 20, 70)), seconds=draw.randrange(60))
        name = draw.choice((None, f"s{number}"))
        for moment in range(draw.choice((2, 5, 6, 9))):
            clock[user] += timedelta(microseconds=draw.choice((1, 1_500_000, 90_000_000)))
            for row in range(draw.choice((1, 1, 1, 2))):
                events.append(
                    Event(
                        event_id=f"e{draw.randrange(10**9):09d}-{number}-{moment}-{row}",
                        user_id=user,
                        occurred_at=clock[user],
                        change_set_id=f"change set{number}-{moment}",
                        tool=draw.choice(("editor", "shell", "browser")),
                        operation=draw.choice(("open", "edit", "run")),
                        object_path=draw.choice(_SESSION_PATHS),
                        session_id=name,
                        utc_offset_minutes=draw.choice((None, 0, 120, -330)),
                    )
                )
    return events


def write_lake(
    lake: Path, events: Sequence[Event], received_at: datetime = AS_OF, **tables: Any
) -> Path:
    """The five tables below ``lake``, events in two files in the order given; others empty or as given."""
    for name, schema in TABLES.items():
        (lake / name / "day=2026-03-01").mkdir(parents=True, exist_ok=True)
        pq.write_table(schema.empty_table(), lake / name / "empty.parquet")
    rows = [_lake_row(event, received_at) for event in events]
    middle = len(rows) // 2
    _write(lake, "events", "rows", rows[:middle])
    _write(lake, "events", "more", rows[middle:])
    for name, rows in tables.items():
        _write(lake, name, "rows", rows)
    return lake


def _write(lake: Path, table: str, name: str, rows: Iterable[dict[str, Any]]) -> None:
    content = pa.Table.from_pylist(list(rows), schema=TABLES[table])
    pq.write_table(content, lake / table / "day=2026-03-01" / f"{name}.parquet")


def _lake_row(event: Event, received_at: datetime) -> dict[str, Any]:
    return {name: getattr(event, name, None) for name in TABLES["events"].names} | {
        "received_at": received_at
    }
