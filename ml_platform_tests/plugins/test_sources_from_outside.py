"""Sources of other packages: opened by their kind, refused in one line where they cannot be used."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml_platform.adapters.in_memory.lake import InMemoryLake
from ml_platform.adapters.sources.dispatch import SourceOptions, parse_source
from ml_platform.application.settle_home import settle_home
from ml_platform.errors import SourceError
from ml_platform.events.ingest import ingest
from ml_platform.settings import Settings
from ml_platform_tests.plugins.packages import write_package

OPTIONS = SourceOptions(as_of=datetime(2026, 3, 1, tzinfo=UTC), seed=1, user_key=b"key")
MODULE = """\
import pyarrow as pa
from datetime import UTC, datetime

class Notes:
    simulated = {simulated}
    live = {live}

    def __init__(self, place, options):
        self.name = "notes:" + place

    def batches(self):
        row = {{"event_id": "1", "user_id": "ann", "occurred_at": datetime(2026, 2, 1, tzinfo=UTC),
               "tool": "pen", "operation": "write", "object_path": "a/b.txt"}}
        yield "events", pa.Table.from_pylist([row])
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("notes_module", None)


def write_source(folder: Path, module: str, package: str = "notes", value: str = "Notes") -> None:
    groups = {"ml_platform.sources": {"notes": f"notes_module:{value}"}}
    write_package(folder, package, groups, {"notes_module.py": module})


def test_its_events_reach_the_lake(site: Path) -> None:
    write_source(site, MODULE.format(simulated=False, live=False))
    lake = InMemoryLake()
    source = parse_source("notes:here", OPTIONS)
    report = ingest(source, lake, now=OPTIONS.as_of, progress=lambda _: None)
    assert report.source == "notes:here"
    assert lake.counts()["events"] == 1


@pytest.mark.parametrize(("simulated", "live"), [(True, True), (False, True), (False, False)])
def test_the_home_knows_what_the_source_says_of_itself(
    site: Path, simulated: bool, live: bool
) -> None:
    write_source(site, MODULE.format(simulated=simulated, live=live))
    settings = Settings(site / "home", None, None, None)
    source = settle_home(settings, source_text="notes:here", as_of=None).source
    assert source.simulated is simulated
    assert source.live is live
    assert source.advances is (live and not simulated)
    assert settle_home(settings, source_text="notes:here", as_of=None).source == source


def test_a_file_is_kept_by_its_whole_path(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_source(site, MODULE.format(simulated=False, live=False))
    monkeypatch.chdir(site)
    settings = Settings(site / "home", None, None, None)
    state = settle_home(settings, source_text="notes:notes_module.py", as_of=None)
    assert state.source.text == f"notes:{site / 'notes_module.py'}"


def test_an_unknown_kind_is_told_those_of_other_packages_too(site: Path) -> None:
    write_source(site, MODULE)
    with pytest.raises(SourceError, match=r"no source 'diary:x'.*git:PATH.*notes:PLACE"):
        parse_source("diary:x", OPTIONS)


@pytest.mark.parametrize(
    ("module", "value", "reason"),
    [
        (
            "import nowhere_to_be_found",
            "Notes",
            "notes .notes. cannot be loaded: ModuleNotFoundError",
        ),
        ("Notes = 3", "Notes", "notes_module:Notes is a int, no function"),
        ("def make(place, options):\n    return place", "make", "gives a str without 'name'"),
    ],
)
def test_one_that_cannot_be_used_costs_one_line(
    site: Path, module: str, value: str, reason: str
) -> None:
    write_source(site, module, value=value)
    with pytest.raises(SourceError, match=reason) as caught:
        parse_source("notes:x", OPTIONS)
    assert "\n" not in str(caught.value)
    assert not parse_source("git:/a", OPTIONS).live


def test_two_packages_of_one_kind_are_named(site: Path) -> None:
    write_source(site, MODULE)
    write_source(site, MODULE, package="others")
    with pytest.raises(SourceError, match="brought by notes and others"):
        parse_source("notes:x", OPTIONS)
