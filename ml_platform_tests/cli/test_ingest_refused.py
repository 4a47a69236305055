"""`ml-platform ingest --refused`: what is in quarantine, why, where it lies, three rows of each kind."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml_platform.application.connections import Connections
from ml_platform.application.ingest import ingest_source
from ml_platform.application.settle_home import settle_home
from ml_platform.cli.ingest import ingest
from ml_platform.errors import UsageError
from ml_platform.settings import Settings

GOOD = [f"g{n},ada,2026-03-01T09:{n:02d}:00Z,editor,save" for n in range(9)]
BAD = [
    *(f"b{n},ada,2026-03-01 0{n}:00,editor,save" for n in range(4)),
    "b9,ada,2026-03-01T09:00:00Z,,save",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of an exported file with fourteen rows, five of which cannot be used."""
    export, settings = tmp_path / "export", Settings(tmp_path / "home", None, None, None)
    export.mkdir()
    header = "event_id,user_id,occurred_at,tool,operation"
    (export / "events.csv").write_text("\n".join([header, *GOOD, *BAD]) + "\n")
    settle_home(settings, source_text=f"files:{export}", as_of=None)
    ingest_source(Connections(settings), [].append)
    return settings.home


def test_what_was_refused_is_shown_by_kind_with_three_rows(home: Path) -> None:
    shown = CliRunner().invoke(ingest, ["--refused", "--home", str(home)]).stdout.splitlines()
    assert shown[0].startswith("4 events refused: naive_time in occurred_at; write the zone")
    assert shown[1] == f"  in {home}/quarantine/events/*.parquet, such as"
    assert [line.partition(" in ")[0] for line in shown[2:5]] == [
        f"  occurred_at = '2026-03-01 0{n}:00'" for n in range(3)
    ]
    assert shown[5].startswith("1 events refused: null in tool; ")
    assert json.loads(shown[7].partition(" in ")[2])["event_id"] == "b9"
    assert len(shown) == 8


def test_as_json_it_is_one_object(home: Path) -> None:
    shown = json.loads(
        CliRunner().invoke(ingest, ["--refused", "--json", "--home", str(home)]).stdout
    )
    assert [(kind["table"], kind["rows"], len(kind["examples"])) for kind in shown["kinds"]] == [
        ("events", 4, 3),
        ("events", 1, 1),
    ]


def test_of_a_home_that_is_none_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    typed = ["--refused", "--home", str(tmp_path / "none")]
    with pytest.raises(UsageError, match="Nothing has been run in the home"):
        CliRunner().invoke(ingest, typed, catch_exceptions=False)
    assert not (tmp_path / "none").exists()
